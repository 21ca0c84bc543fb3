"""What two operators and an aggregator publish of the Netherlands: the same EVSE ids, once and once more."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from emsp.db.engine import transaction
from emsp.ocpi.keep.inbox import Item
from emsp.ocpi.keep.meaning import meaning
from emsp.stations.changes import put_stations
from emsp.stations.twins import match, shown
from tests.stations.places import partner

FEED = Path(__file__).parents[4] / "shared" / "data" / "ndw-2026-06-02-locations.jsonl.gz"
PARTIES = ("ENE", "FLW", "SGM")


def locations() -> list[Any]:
    with gzip.open(FEED) as lines:
        said = [line.strip() for line in lines if json.loads(line)["party_id"] in PARTIES]
    return [meaning("locations", Item(str(number), line, "2.2.1")) for number, line in enumerate(said)]


async def store(partner_id: UUID, stations: list[Any]) -> None:
    async with transaction() as db:
        await put_stations(db, partner_id, stations)


async def one(query: str) -> Any:
    async with transaction() as db:
        return (await db.execute(text(query))).scalar_one()


@pytest.mark.skipif(not FEED.exists(), reason="the real feed is not on this machine")
async def test_that_every_evse_id_is_one_pin_where_it_can_be(database: str) -> None:
    stations = locations()
    await store(await partner("National access point"), stations)
    changed = sum([count async for count in match.looks_at_everything()])
    ids = Counter(
        "".join(letter for letter in evse.evse_id.upper() if letter.isalnum())
        for station in stations
        for evse in station.evses
        if evse.evse_id and evse.status != "REMOVED"
    )
    several = {key: number for key, number in ids.items() if number > 1}
    assert len(several) > 4000
    assert changed == await one("SELECT count(*) FROM evse_twin") >= sum(several.values()) - len(several) - 40
    assert await one("SELECT count(*) FROM evse_twin t JOIN evse_twin o ON o.evse_id = t.pin_evse_id") == 0
    same = "SELECT count(*) FROM evse_twin t JOIN evse e ON e.id = t.evse_id JOIN evse p ON p.id = t.pin_evse_id"
    assert await one(f"{same} WHERE e.evse_key <> p.evse_key OR e.station_id = p.station_id") == 0
    left = f"SELECT count(*) FROM evse e JOIN station s ON s.id = e.station_id WHERE s.shown AND {shown.EVSE_IS_SHOWN}"
    assert await one(left) == sum(1 for s in stations for e in s.evses if e.status != "REMOVED") - changed
    named = "JOIN station s ON s.id = p.station_id WHERE p.evse_key LIKE 'NLENE%' AND s.party_id <> 'ENE'"
    assert await one(f"{same} {named}") < 20, "the operator's own is the pin where it has one"
    assert sum([count async for count in match.looks_at_everything()]) == 0
