"""The index of a process, from its start to its end."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime

import psycopg
import pytest

from emsp import events
from emsp.db.engine import transaction
from emsp.stations import changes, log
from emsp.stations.index import live, snapshot
from emsp.stations.tables import Evse
from tests.stations.places import at, partner, put, rows, station
from tests.test_hearing import HANG_UP

SOON = at(1)
LOOKED_AT = """
    SELECT query_start FROM pg_stat_activity
     WHERE datname = current_database() AND query LIKE '%FROM station_change%' AND pid <> pg_backend_pid()"""


async def _until(true: Callable[[], object], within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 (what is waited for is a state, not an event)
            await asyncio.sleep(0.01)


@pytest.fixture
async def heard(database: str) -> AsyncIterator[list[tuple[list[int], bool]]]:
    """Two stations in an index that is ready, and what it tells from then on."""
    told: list[tuple[list[int], bool]] = []
    await put(await partner(), station("L1"), station("L2"))
    live.listeners.append(lambda ids, whole: told.append((ids, whole)))
    await live.start()
    assert live.current() is None
    assert live.state() == "loading"
    await _until(live.current)
    assert told == [([], True)]
    told.clear()
    yield told
    live.listeners.pop()
    await live.stop()
    await events.wakes.close()


async def _patch(status: str, when: datetime = SOON) -> None:
    async with transaction() as db:
        await changes.set_evse_status(db, "NL", "ABC", "L1", "E1", status, when)


async def test_a_change_is_heard_of_without_asking(heard: list[tuple[list[int], bool]]) -> None:
    evse = next(row for row in await rows(Evse))
    index = live.current()
    assert index
    assert live.state() == "ready"
    await _patch("CHARGING")
    await _until(lambda: heard)
    assert heard == [([evse.station_id], False)]
    found = index.row_of(evse.station_id)
    assert found
    assert index.record(*found).evses[0].status == "CHARGING"
    assert live.current() is index


async def test_who_asks_while_nothing_is_told_asks_the_database_nothing(
    heard: list[tuple[list[int], bool]], database: str
) -> None:
    with psycopg.connect(database, autocommit=True) as other:
        for _ in range(2):  # so that it does not look by itself for the next seconds
            other.execute("SELECT pg_notify(%s, %s)", ["emsp", '{"topic": "station_change", "ids": []}'])
            await asyncio.sleep(live.QUIET_S + 0.1)
        before = other.execute(LOOKED_AT).fetchone()
        await live.caught_up(0)
        looked_at = other.execute(LOOKED_AT).fetchone()
        assert looked_at > before
        asked_at = time.monotonic()
        for _ in range(5):
            await live.caught_up(0)
        if time.monotonic() - asked_at < live.QUIET_S / 2:
            assert other.execute(LOOKED_AT).fetchone() == looked_at
        other.execute("SELECT pg_notify(%s, %s)", ["emsp", '{"topic": "station_change", "ids": []}'])
        await _until(lambda: other.execute(LOOKED_AT).fetchone() > looked_at)
    assert heard == []


async def test_many_who_ask_cost_one_look(heard: list[tuple[list[int], bool]]) -> None:
    await _patch("CHARGING")
    await asyncio.gather(*(live.caught_up(0) for _ in range(20)))
    assert len(heard) == 1


async def test_an_index_that_was_made_anew_takes_over(heard: list[tuple[list[int], bool]]) -> None:
    before = live.current()
    assert before
    snapshot.make(None)
    async with transaction() as db:
        await events.wake(db, log.TOPIC, [live.RENEWED])
    await _until(lambda: live.current() is not before)
    after = live.current()
    assert after
    assert after.stations() == 2
    assert min(segment.version.min() for segment in after.segments) > before.generation
    assert heard == [([], True)]


async def test_an_index_that_was_made_anew_while_nobody_listened_takes_over(
    heard: list[tuple[list[int], bool]], database: str
) -> None:
    before = live.current()
    for number, status in enumerate(("CHARGING", "AVAILABLE"), start=1):  # it has looked around once it has heard both
        await _patch(status, at(number))
        await _until(lambda told=number: len(heard) == told)
    snapshot.make(None)
    assert live.current() is before
    with psycopg.connect(database, autocommit=True) as other:
        assert other.execute(HANG_UP).rowcount == 1
    await _until(lambda: live.current() is not before)
    assert [whole for _, whole in heard] == [False, False, True]


async def test_without_a_start_there_is_none() -> None:
    assert live.current() is None
    assert live.state() == "off"
    await live.caught_up()
