"""`emsp stations learn`: what is learned by itself from what was seen of charge points, now."""

from __future__ import annotations

from sqlalchemy import text

from emsp.charging.experience import in_use, starts
from emsp.cli.running import JsonOption, run, show
from emsp.db.engine import transaction
from emsp.stations.history import fold

KEPT = {
    "in use by a driver of ours": "SELECT count(*) FROM evse_in_use",
    "doubted": "SELECT count(*) FROM evse_doubt",
    "stations with a history of their hours": "SELECT count(*) FROM station_occupancy",
    "stations with a history of starts": "SELECT count(*) FROM station_reliability",
}


def learn(as_json: JsonOption = False) -> None:
    """Look at running charges, at what became of starts, and at what was heard, as is done by itself; then count."""
    show(run(_learned()), as_json=as_json)


async def _learned() -> list[dict[str, object]]:
    for job in (in_use.follow_charges, starts.doubt_what_cannot_be, starts.learn, fold.fold):
        await job()
    async with transaction() as db:
        return [{"what": what, "number": await db.scalar(text(query))} for what, query in KEPT.items()]
