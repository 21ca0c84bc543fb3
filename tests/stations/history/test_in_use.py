"""A driver of ours charges there: the charge point is in use, whatever a feed says that is older."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from emsp import clock
from emsp.db.engine import transaction
from emsp.stations import changes
from emsp.stations.availability import availability
from emsp.stations.history import in_use
from emsp.stations.history.in_use import Running
from emsp.stations.history.tables import EvseInUse, StatusChange
from emsp.stations.index import snapshot
from emsp.stations.index.follow import Follower
from emsp.stations.tables import Evse, StationChange
from tests.stations.history.heard import rows_of, town

MINUTE = timedelta(minutes=1)
NOW = clock.now()


@pytest.fixture(autouse=True)
def _now() -> None:
    """Now is when a test begins: what is live is younger than the suite may be by then."""
    global NOW
    NOW = clock.now()


def running(evse: Evse, heard_minutes_ago: float = 1) -> Running:
    """A charge of which the operator told so long ago."""
    heard_at = NOW - heard_minutes_ago * MINUTE
    return Running(charge_id=uuid4(), evse_id=evse.id or 0, since=heard_at - MINUTE, heard_at=heard_at)


async def follow(*charges: Running) -> None:
    async with transaction() as db:
        await in_use.follow(db, charges)


async def stands() -> dict[str, tuple[str, float]]:
    """Statuses by uid, and how many minutes old they are."""
    return {row.uid: (row.status, (NOW - row.status_as_of) / MINUTE) for row in await rows_of(Evse)}


async def said(evse: Evse, status: str, minutes_ago: float) -> None:
    """So it was so long ago."""
    as_of = NOW - minutes_ago * MINUTE
    async with transaction() as db:
        row = await db.get_one(Evse, evse.id)
        row.status, row.status_as_of, row.source_updated_at = status, as_of, as_of


async def test_that_a_stale_feed_is_outdone_and_has_its_word_back_in_the_end(database: str) -> None:
    station, [one, other] = await town("AVAILABLE", "AVAILABLE")
    await said(one, "AVAILABLE", 600)
    await said(other, "AVAILABLE", 600)

    await follow(running(one))

    assert await stands() == {"E1": ("CHARGING", 1), "E2": ("AVAILABLE", 600)}
    async with transaction() as db:
        counted = (await availability(db, [station.id or 0]))[station.id or 0]
    assert (counted.available, counted.occupied, counted.freshness) == (1, 1, "LIVE")

    await follow()

    assert await stands() == {"E1": ("AVAILABLE", 600), "E2": ("AVAILABLE", 600)}
    assert await rows_of(EvseInUse) == []
    assert [(row.status, row.until <= clock.now()) for row in await rows_of(StatusChange)] == [
        ("AVAILABLE", True),
        ("CHARGING", True),
    ]


async def test_that_whoever_keeps_a_copy_of_the_map_is_told_each_time(database: str) -> None:
    station, [evse] = await town("AVAILABLE")
    await said(evse, "AVAILABLE", 600)
    charge = running(evse)
    for charges in ([charge], [charge], []):  # the second look finds nothing new
        await follow(*charges)
    logged = [(row.station_ids, row.whole) for row in await rows_of(StationChange)]
    assert logged == [([station.id], False), ([station.id], False)]


async def test_that_what_the_operator_says_later_stands_and_is_not_undone(database: str) -> None:
    _, [evse] = await town("AVAILABLE")
    await said(evse, "AVAILABLE", 600)
    charge = running(evse, 30)
    await follow(charge)
    await said(evse, "OUTOFORDER", 2)
    await follow(charge)
    assert await stands() == {"E1": ("OUTOFORDER", 2)}
    await follow()
    assert await stands() == {"E1": ("OUTOFORDER", 2)}
    assert await rows_of(EvseInUse) == []


async def test_that_a_feed_that_only_says_again_what_it_said_is_not_believed(database: str) -> None:
    _, [evse] = await town("AVAILABLE")
    await said(evse, "AVAILABLE", 600)
    charge = running(evse, 30)
    await follow(charge)
    await said(evse, "AVAILABLE", 5)
    await follow(charge)
    assert await stands() == {"E1": ("CHARGING", 5)}
    await follow()
    assert await stands() == {"E1": ("AVAILABLE", 600)}


async def test_that_a_report_from_before_is_refused_and_one_from_after_taken(database: str) -> None:
    station, [evse] = await town("AVAILABLE")
    await said(evse, "AVAILABLE", 600)
    await follow(running(evse, 10))
    taken = []
    for minutes_ago in (60, 1):
        async with transaction() as db:
            as_of = NOW - minutes_ago * MINUTE
            taken.append(await changes.set_evse_status(db, "NL", "ABC", station.external_id, "E1", "BLOCKED", as_of))
    assert taken == [False, True]
    assert await stands() == {"E1": ("BLOCKED", 1)}


async def test_that_a_charge_point_that_is_gone_is_left_alone(database: str) -> None:
    _, [evse] = await town("AVAILABLE")
    await follow(running(evse))
    async with transaction() as db:
        await db.execute(text("UPDATE evse SET removed = true, status = 'REMOVED'"))
    await follow(running(evse))
    await follow()
    assert (await stands())["E1"][0] == "REMOVED"
    assert await rows_of(EvseInUse) == []


async def test_that_the_index_of_every_process_hears_of_it(database: str) -> None:
    station, [evse] = await town("AVAILABLE")
    await said(evse, "AVAILABLE", 600)
    follower = Follower(snapshot.from_database())
    shown = []
    for charges in ([], [running(evse)], []):
        await follow(*charges)
        await follower.catch_up()
        segment, row = follower.index.row_of(station.id or 0) or (None, 0)
        assert segment
        counts = follower.index.record(segment, row).availability(NOW)
        shown.append((counts.available, counts.occupied))
    await follower.close()
    assert shown == [(1, 0), (0, 1), (1, 0)]
