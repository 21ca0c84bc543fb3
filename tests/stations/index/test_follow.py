"""Whatever partners do, and whenever the process is started again, the index is what the database is."""

import gc
from pathlib import Path
from random import Random
from weakref import ref

import pytest
from sqlalchemy import text

from emsp.db.engine import transaction
from emsp.stations import changes, log
from emsp.stations.asking import Filter
from emsp.stations.index import kept, snapshot, views
from emsp.stations.index.check import Difference, differences
from emsp.stations.index.follow import REACHES_BACK_S, Follower, Told, TooOld
from emsp.stations.index.records import StationRecord
from emsp.stations.tables import Evse, Station
from emsp.stations.twins.tables import EvseTwin, StationTwin
from tests.stations.index.places import Partner
from tests.stations.places import at, evse, ids_of, partner, put, rows, station, the_station


@pytest.fixture(autouse=True)
def _a_small_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a handful of stations fills all of its parts."""
    monkeypatch.setattr(kept, "FEW", 3)


def _only(follower: Follower) -> StationRecord:
    (found,) = [
        follower.index.record(segment, row)
        for segment in follower.index.segments
        for row in range(len(segment))
        if segment.alive[row]
    ]
    return found


@pytest.mark.parametrize("seed", range(4))
async def test_the_index_is_the_database_after_anything(database: str, seed: int, tmp_path: Path) -> None:
    dice, file = Random(seed), tmp_path / "stations.index"
    partners = [Partner(await partner(), seed)]
    snapshot.write(file, snapshot.from_database())
    follower = _started(file)
    for _ in range(60):
        await dice.choice(partners).act()
        match dice.randrange(8):
            case 0 | 1 | 2:
                await follower.catch_up()
            case 3:
                assert await differences(follower) == []
            case 4:  # the process ends, and another one starts from the same file
                await follower.close()
                follower = _started(file)
            case 5:
                snapshot.write(file, snapshot.from_database())
    assert await differences(follower) == []
    assert follower.index.stations() > 0
    await follower.close()


def _started(file: Path) -> Follower:
    standing = snapshot.read(file)
    assert standing
    return Follower(standing)


async def test_a_status_changes_where_it_is(database: str) -> None:
    await put(await partner(), station("L1", evse("E1"), evse("E2", "CHARGING")))
    follower = Follower(snapshot.from_database())
    before, segments = _only(follower), follower.index.segments
    async with transaction() as db:
        await changes.set_evse_status(db, "NL", "ABC", "L1", "E1", "OUTOFORDER", at(9))
    assert await follower.catch_up() == [Told([before.id], False)]
    after = _only(follower)
    assert [one.status for one in after.evses] == ["OUTOFORDER", "CHARGING"]
    assert after.evses[0].status_as_of == at(9)
    counted = after.availability(at(10))
    assert (counted.available, counted.occupied, counted.out_of_service, counted.total) == (0, 1, 1, 2)
    assert counted.as_of == at(9)
    assert after.version > before.version
    assert follower.index.segments is segments
    assert await follower.catch_up() == []
    await follower.close()


async def test_a_station_that_changed_as_a_whole_lives_once(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, station("L1"), station("L2"))
    follower = Follower(snapshot.from_database())
    await put(partner_id, station("L1", minutes=1, name="Renamed", longitude=9.9))
    ((ids, whole),) = await follower.catch_up()
    assert whole
    found = follower.index.row_of(ids[0])
    assert found
    record = follower.index.record(*found)
    assert (record.name, record.longitude) == ("Renamed", 9.9)
    assert follower.index.stations() == 2
    await follower.close()


async def test_what_is_withdrawn_is_gone(database: str) -> None:
    await put(await partner(), station("L1"))
    follower = Follower(snapshot.from_database())
    row = await the_station()
    async with transaction() as db:
        await db.execute(text("UPDATE station SET shown = false"))
        await log.note(db, [row.id or 0], whole=True)
    await follower.catch_up()
    assert follower.index.row_of(row.id or 0) is None
    assert follower.index.stations() == 0
    await follower.close()


async def test_a_transaction_that_ends_late_is_not_missed(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, station("L1"), station("L2"))
    follower = Follower(snapshot.from_database())
    async with transaction() as slow:
        await changes.set_evse_status(slow, "NL", "ABC", "L1", "E1", "CHARGING", at(1))
        async with transaction() as quick:
            await changes.set_evse_status(quick, "NL", "ABC", "L2", "E1", "CHARGING", at(1))
        assert len(await follower.catch_up()) == 1
    assert len(await follower.catch_up()) == 1
    assert await follower.catch_up() == []
    assert await differences(follower) == []
    await follower.close()


async def test_a_change_that_nobody_noted_shows_as_a_difference(database: str) -> None:
    await put(await partner(), station("L1"))
    follower = Follower(snapshot.from_database())
    row = await the_station()
    async with transaction() as db:
        await db.execute(text("UPDATE station SET name = 'Other', twenty_four_seven = true"))
        await db.execute(text("UPDATE connector SET max_power_w = 1"))
    found = await differences(follower)
    assert {one.column for one in found} == {"heap", "always_open", "hours_ref", "power_w", "outlet", "max_power_w"}
    assert {one.station_id for one in found} == {row.id}
    assert Difference(row.id or 0, "always_open", row.id or 0) in found
    await follower.close()


async def test_an_index_older_than_the_log_says_so(database: str) -> None:
    await put(await partner(), station("L1"))
    old = snapshot.from_database()
    follower = Follower(old._replace(taken_at=old.taken_at - REACHES_BACK_S - 60))
    with pytest.raises(TooOld):
        await follower.catch_up()
    await follower.close()


async def test_the_operator_of_many_stations_is_known_anew_at_all_of_them(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, station("L1"), station("L2"))
    follower = Follower(snapshot.from_database())
    before = follower.index.generation
    await put(partner_id, station("L1", minutes=1, operator_phone="+31 20 1234567"))
    await follower.catch_up()
    for segment in follower.index.segments:
        for row in range(len(segment)):
            if segment.alive[row]:
                record = follower.index.record(segment, row)
                assert record.operator_phone == "+31 20 1234567"
                assert record.version > before
    await follower.close()


async def test_a_station_that_is_published_twice_is_one_with_the_freshest_status(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, station("L1", evse("E1", "AVAILABLE")), station("L2", evse("E1", "CHARGING", 5)))
    follower = Follower(snapshot.from_database())
    stations, evses = await ids_of(Station), {row.station_id: row.id for row in await rows(Evse)}
    pin, twin = stations["L1"], stations["L2"]
    async with transaction() as db:
        db.add(StationTwin(station_id=twin, pin_id=pin, decided_at=at(6)))
        matched = {"matched_by": "EVSE_ID", "confidence_percent": 100, "decided_at": at(6)}
        db.add(EvseTwin(evse_id=evses[twin], pin_evse_id=evses[pin], **matched))
        await db.flush()
        await log.note(db, [pin, twin], whole=True)
    await follower.catch_up()
    record = _only(follower)
    assert record.id == pin
    assert [(one.id, one.status, one.status_as_of) for one in record.evses] == [(evses[pin], "CHARGING", at(5))]
    async with transaction() as db:
        await changes.set_evse_status(db, "NL", "ABC", "L2", "E1", "OUTOFORDER", at(9))
    await follower.catch_up()
    assert [one.status for one in _only(follower).evses] == ["OUTOFORDER"]
    assert await differences(follower) == []
    await follower.close()


async def test_what_was_replaced_is_let_go(database: str) -> None:
    partner_id = await partner()
    await put(partner_id, station("L1"))
    follower = Follower(snapshot.from_database())
    await put(partner_id, station("L1", minutes=1, name="Other"))
    await follower.catch_up()
    replaced = ref(follower.index.segments[-1])
    views.of(follower.index.segments[-1]).of(Filter(available_now=True), at(2))
    await put(partner_id, station("L1", minutes=2, name="Another"))
    await follower.catch_up()
    gc.collect()
    assert replaced() is None
    assert len(follower.index.segments) == 2
    await follower.close()
