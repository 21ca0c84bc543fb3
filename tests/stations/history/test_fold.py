"""What is heard becomes hours of the week: once, whatever is run twice, and is forgotten when it is not needed."""

from datetime import UTC, datetime, timedelta

from emsp import clock
from emsp.db.engine import transaction
from emsp.stations.history import read, week
from emsp.stations.history.fold import fold
from emsp.stations.history.tables import StationOccupancy, StatusChange
from emsp.stations.tables import Evse
from tests.stations.history.heard import rows_of, town, was

HOUR = timedelta(hours=1)


def days_ago(days: float) -> datetime:
    """A whole hour of UTC, so many days ago."""
    return (clock.now() - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)


async def occupancy() -> StationOccupancy:
    [row] = await rows_of(StationOccupancy)
    return row


async def test_that_what_was_heard_is_added_to_the_hours_of_the_local_week(database: str) -> None:
    station, [evse] = await town("AVAILABLE", time_zone="Asia/Kolkata")
    begin = days_ago(3)
    await was(evse, "UNKNOWN", begin)
    await was(evse, "AVAILABLE", begin + HOUR)
    await was(evse, "CHARGING", begin + 3 * HOUR)

    await fold()

    row = await occupancy()
    occupied_s, observed_s = week.empty(), week.empty()
    week.add(occupied_s, begin + HOUR, begin + 3 * HOUR, "Asia/Kolkata")
    week.add(observed_s, begin, row.updated_at, "Asia/Kolkata")
    assert (row.occupied_s, row.observed_s) == (occupied_s, observed_s)
    assert (row.station_id, row.since, sum(row.occupied_s)) == (station.id, begin, 7200)
    assert timedelta(hours=2) <= clock.now() - row.updated_at <= timedelta(hours=2, minutes=1)


async def test_that_adding_twice_adds_nothing_and_later_what_came_since(database: str) -> None:
    _, [evse] = await town("AVAILABLE")
    begin = days_ago(3)
    await was(evse, "AVAILABLE", begin)
    await was(evse, "CHARGING", begin + HOUR)
    await fold()
    once = await occupancy()

    await fold()
    assert (await occupancy()).occupied_s == once.occupied_s

    await _back(once, days_ago(1))
    await was(evse, "AVAILABLE", days_ago(0.5))
    await was(evse, "BLOCKED", days_ago(0.5) + HOUR)
    await fold()
    row = await occupancy()
    assert sum(row.occupied_s) == 7200
    assert row.since == begin


async def _back(row: StationOccupancy, until: datetime) -> None:
    """As if it had been added until then only."""
    async with transaction() as db:
        (await db.get_one(StationOccupancy, row.station_id)).updated_at = until


async def test_that_what_never_changed_was_seen_as_well(database: str) -> None:
    _, [busy, _idle] = await town("AVAILABLE", "AVAILABLE")
    begin = days_ago(2)
    await was(busy, "AVAILABLE", begin)
    await was(busy, "CHARGING", begin + 6 * HOUR)
    await fold()
    row = await occupancy()
    seen_s = int(row.updated_at.timestamp()) - int(begin.timestamp())
    assert (sum(row.occupied_s), sum(row.observed_s)) == (6 * 3600, 2 * seen_s)


async def test_that_what_has_just_been_heard_waits(database: str) -> None:
    _, [evse] = await town("AVAILABLE")
    await was(evse, "CHARGING", clock.now() - HOUR)
    await fold()
    assert await rows_of(StationOccupancy) == []
    assert len(await rows_of(StatusChange)) == 1


async def test_that_what_is_old_is_forgotten_but_for_since_when_one_is_in_use(database: str) -> None:
    _, [free, used] = await town("AVAILABLE", "CHARGING")
    for evse in (free, used):
        await was(evse, "AVAILABLE", days_ago(4))
        await was(evse, "CHARGING", days_ago(4) + HOUR)
        await was(evse, "AVAILABLE", days_ago(3))
    await was(free, "CHARGING", clock.now() - 5 * HOUR)

    await fold()

    kept = {(row.evse_id, row.status, row.until) for row in await rows_of(StatusChange)}
    assert (used.id, "AVAILABLE", days_ago(3)) in kept
    assert {id_ for id_, *_ in kept} == {free.id, used.id}
    assert len(kept) == 2


async def test_that_a_charge_point_that_is_gone_is_not_seen(database: str) -> None:
    _, [evse] = await town("AVAILABLE")
    await was(evse, "CHARGING", days_ago(2))
    async with transaction() as db:
        (await db.get_one(Evse, evse.id)).status = "REMOVED"
    await fold()
    row = await occupancy()
    assert sum(row.observed_s) == 0


async def test_that_too_little_is_nothing_and_enough_has_its_interval(database: str) -> None:
    station, _ = await town()
    id_, monday = station.id or 0, datetime(2026, 6, 1, tzinfo=UTC)
    await _seen(id_, monday, monday + timedelta(days=13, hours=23))
    async with transaction() as db:
        assert await read.occupancy_of(db, [id_]) == {}
    await _seen(id_, monday, monday + timedelta(days=14))
    async with transaction() as db:
        found = (await read.occupancy_of(db, [id_, 999]))[id_]
    assert found.hours[0] is not None
    assert (found.hours[0].value, found.hours[0].sample) == (0.25, 4)
    assert found.hours[0].lowest < 0.25 < found.hours[0].highest
    assert found.hours[1] is None


async def _seen(station_id: int, since: datetime, until: datetime) -> None:
    """Four hours on Mondays from 0:00 to 1:00, one of them in use; a second less of the next hour."""
    occupied_s, observed_s = week.empty(), week.empty()
    occupied_s[0], observed_s[0], observed_s[1] = 3600, 4 * 3600, 4 * 3600 - 1
    async with transaction() as db:
        await db.merge(
            StationOccupancy(
                station_id=station_id, occupied_s=occupied_s, observed_s=observed_s, since=since, updated_at=until
            )
        )
