"""Doubts are kept as long as there is a reason, and not longer."""

from datetime import timedelta

from sqlalchemy import text

from emsp import clock
from emsp.db.engine import transaction
from emsp.stations.history import doubting, read
from emsp.stations.history.doubts import Start
from emsp.stations.history.tables import EvseDoubt, EvseInUse
from emsp.stations.tables import Evse
from emsp.stations.twins.tables import EvseTwin
from tests.stations.history.heard import rows_of, town, was

NOW = clock.now()
HOUR = timedelta(hours=1)


def starts(evse: Evse, *outcomes: bool) -> dict[int, list[Start]]:
    """An hour apart, the last one an hour ago."""
    hours = range(len(outcomes), 0, -1)
    return {evse.id or 0: [Start(NOW - n * HOUR, worked) for n, worked in zip(hours, outcomes, strict=True)]}


async def decided(tried: dict[int, list[Start]] | None = None) -> dict[int, tuple[str, int]]:
    """What is doubted after a look: reason and evidence by EVSE."""
    async with transaction() as db:
        await doubting.decide(db, tried or {}, NOW)
    return {row.evse_id: (row.reason, row.evidence) for row in await rows_of(EvseDoubt)}


async def set_status(evse: Evse, status: str, hours_ago: float) -> None:
    async with transaction() as db:
        row = await db.get_one(Evse, evse.id)
        row.status, row.status_as_of = status, NOW - hours_ago * HOUR


async def test_that_starts_that_fail_at_what_is_said_to_be_free_are_a_doubt(database: str) -> None:
    _, [one, other] = await town("AVAILABLE", "AVAILABLE")
    failed = starts(one, False, False, False) | starts(other, False, False)
    assert await decided(failed) == {one.id: ("FAILED_STARTS", 3)}
    assert await decided(failed) == {one.id: ("FAILED_STARTS", 3)}
    assert await decided() == {one.id: ("FAILED_STARTS", 3)}, "nobody has charged there since"
    assert await decided(starts(one, False, False, False, True)) == {}


async def test_that_somebody_else_charging_there_ends_it(database: str) -> None:
    _, [evse] = await town("AVAILABLE")
    failed = starts(evse, False, False, False)
    assert await decided(failed)
    await was(evse, "CHARGING", NOW - HOUR / 2)
    assert await decided(failed) == {}


async def test_that_another_status_ends_it(database: str) -> None:
    _, [evse] = await town("AVAILABLE")
    failed = starts(evse, False, False, False)
    assert await decided(failed)
    await set_status(evse, "OUTOFORDER", 0)
    assert await decided(failed) == {}


async def test_that_charging_for_days_is_a_doubt_however_often_it_is_said(database: str) -> None:
    _, [long, said_again, short] = await town("CHARGING", "CHARGING", "CHARGING")
    await set_status(long, "CHARGING", 100)
    await was(said_again, "AVAILABLE", NOW - 80 * HOUR)
    await was(said_again, "CHARGING", NOW - HOUR)
    await set_status(said_again, "CHARGING", 1)
    await was(short, "AVAILABLE", NOW - 71 * HOUR)
    await set_status(short, "CHARGING", 100)
    assert await decided() == {long.id: ("STUCK", 360_000), said_again.id: ("STUCK", 288_000)}
    await set_status(long, "AVAILABLE", 0)
    assert await decided() == {said_again.id: ("STUCK", 288_000)}


async def test_that_charging_for_three_days_is_a_doubt_and_a_second_less_is_none(database: str) -> None:
    _, [long, short, blocked] = await town("CHARGING", "CHARGING", "BLOCKED")
    await set_status(long, "CHARGING", 72)
    await set_status(short, "CHARGING", 72 - 1 / 3600)
    await set_status(blocked, "BLOCKED", 720)
    assert await decided() == {long.id: ("STUCK", 259_200)}


async def test_that_what_is_doubted_already_is_not_written_again(database: str) -> None:
    _, [stuck, free] = await town("CHARGING", "AVAILABLE")
    await set_status(stuck, "CHARGING", 100)
    failed = starts(free, False, False, False)
    first = await decided(failed)
    written = await versions()
    async with transaction() as db:
        await doubting.decide(db, failed, NOW + HOUR)
    assert {row.evse_id: (row.reason, row.evidence) for row in await rows_of(EvseDoubt)} == first
    assert (await versions())[stuck.id] == written[stuck.id]

    await set_status(stuck, "CHARGING", 90)
    assert (await decided(failed))[stuck.id] == ("STUCK", 324_000)
    assert (await versions())[stuck.id] != written[stuck.id]


async def versions() -> dict[int, str]:
    """Which transaction wrote each row, by EVSE."""
    async with transaction() as db:
        return {row.evse_id: row.xmin for row in await db.execute(text("SELECT evse_id, xmin::text FROM evse_doubt"))}


async def test_that_what_is_stuck_is_no_longer_what_failed_to_start(database: str) -> None:
    _, [evse] = await town("AVAILABLE")
    assert await decided(starts(evse, False, False, False)) == {evse.id: ("FAILED_STARTS", 3)}
    await set_status(evse, "CHARGING", 100)
    assert await decided() == {evse.id: ("STUCK", 360_000)}
    await set_status(evse, "AVAILABLE", 0)
    assert await decided() == {}


async def test_that_a_driver_of_ours_may_charge_for_days(database: str) -> None:
    _, [evse] = await town("CHARGING")
    await set_status(evse, "CHARGING", 100)
    async with transaction() as db:
        at = {"said_as_of": NOW, "heard_at": NOW, "since": NOW}
        db.add(EvseInUse(evse_id=evse.id or 0, charge_id=(await _some_uuid()), said_status="CHARGING", **at))
    assert await decided() == {}


async def _some_uuid():  # type: ignore[no-untyped-def]
    async with transaction() as db:
        return await db.scalar(text("SELECT gen_random_uuid()"))


async def test_that_starts_over_any_way_tell_of_the_one_charge_point(database: str) -> None:
    _, [pin, twin, third] = await town("AVAILABLE", "AVAILABLE", "CHARGING")
    async with transaction() as db:
        for evse in (twin, third):
            facts = {"matched_by": "EVSE_ID", "confidence_percent": 100, "decided_at": NOW}
            db.add(EvseTwin(evse_id=evse.id or 0, pin_evse_id=pin.id or 0, **facts))
    await set_status(third, "CHARGING", 100)
    await decided(starts(twin, False, False, False))
    async with transaction() as db:
        found = await read.doubts_of(db, [pin.id or 0])
    assert {id_: (each.reason, each.evidence) for id_, each in found.items()} == {pin.id: ("FAILED_STARTS", 3)}
