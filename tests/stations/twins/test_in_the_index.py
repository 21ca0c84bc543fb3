"""The index of a process shows what the tables do: one pin, and at once what any of those who publish it says."""

import asyncio

from sqlalchemy import text

from emsp.db.engine import transaction
from emsp.stations import search
from emsp.stations.changes import set_evse_status
from emsp.stations.geo import Box
from emsp.stations.index import live
from emsp.stations.twins import match
from tests.stations.places import at, evse, partner, put, station

HERE = Box(4.0, 52.0, 5.0, 53.0)


async def on_the_map() -> dict[str, tuple[int, int]]:
    """Free and occupied charge points of each station, by name."""
    await live.caught_up(0)
    async with transaction() as db:
        page = await search.find(db, HERE)
        clusters = await search.clusters(db, HERE, 3)
    assert sum(cluster.station_count for cluster in clusters) == page.total_count
    found = {}
    for one in page.stations:
        counted = one.availability(at(10))  # type: ignore[union-attr]
        found[one.name or ""] = (counted.available, counted.occupied)
    return found


async def test_that_pins_come_and_go_and_show_the_freshest_status(database: str) -> None:
    own, hub = await partner("Operator"), await partner("Hub")
    await put(own, station("L1", evse("E1"), evse("E2")))
    await live.start()
    try:
        for _ in range(500):
            if live.current():
                break
            await asyncio.sleep(0.02)
        assert await on_the_map() == {"Station L1": (2, 0)}
        await put(hub, station("H1", evse("h1", evse_id="NLABCE1"), party_id="HUB"))
        assert await on_the_map() == {"Station L1": (2, 0), "Station H1": (1, 0)}
        await match.match_all()
        assert await on_the_map() == {"Station L1": (2, 0)}
        async with transaction() as db:
            await set_evse_status(db, "NL", "HUB", "H1", "h1", "CHARGING", at(5))
        assert await on_the_map() == {"Station L1": (1, 1)}
        async with transaction() as db:
            await db.execute(text("UPDATE station SET shown = false WHERE external_id = 'L1'"))
        await match.match_all()
        assert await on_the_map() == {"Station H1": (0, 1)}
    finally:
        await live.stop()
