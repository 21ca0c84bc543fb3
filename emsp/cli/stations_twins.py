"""`emsp stations twins`: charge points that are published more than once."""

from __future__ import annotations

from typing import Annotated

import typer

from emsp.cli.running import JsonOption, console, run, show
from emsp.db.engine import transaction
from emsp.stations.twins import match, report


def twins(
    look: Annotated[bool, typer.Option("--look", help="Look at everything first.")] = False,
    doubtful: Annotated[
        bool, typer.Option("--doubtful", help="List those with one EVSE id that are too far apart, or meant twice.")
    ] = False,
    first: Annotated[int, typer.Option(min=1, help="List at most so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Count the charge points that several partners publish, by how that is known; or list the doubtful ones."""
    changed, found = run(_asked(look, first if doubtful else None))
    if look and not as_json:
        console.print(f"{changed:,} changed", highlight=False)
    show(found, as_json=as_json)


async def _asked(look: bool, first_doubtful: int | None) -> tuple[int, list[dict[str, object]]]:
    changed = sum([count async for count in match.looks_at_everything()]) if look else 0
    async with transaction() as db:
        found = await (report.counted(db) if first_doubtful is None else report.doubtful(db, first_doubtful))
    return changed, found
