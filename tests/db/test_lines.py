"""Statements go out together and their rows come back together, over a connection that is kept while all is well."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import psycopg
import pytest

from emsp.db import engine
from emsp.db.driver import Statement, as_json
from emsp.db.lines import BEGIN, COMMIT, Line, line

PID = Statement("SELECT pg_backend_pid()")
PUT = "INSERT INTO thing SELECT * FROM json_to_recordset(%(rows)s) AS r(id int, name text)"
NAMES = Statement("SELECT name FROM thing ORDER BY id")


def put(**names: str) -> Statement:
    """Of `_1="name"`, the name with its id."""
    rows = [{"id": int(key[1:]), "name": name} for key, name in names.items()]
    return Statement(PUT, {"rows": as_json(rows)})


async def pid_of(one: Line) -> int:
    [[(pid,)]] = await one.ask(PID)
    return int(pid)


@pytest.fixture
async def things(database: str) -> AsyncIterator[None]:
    async with line() as one:
        await one.ask(Statement("CREATE TABLE thing (id int PRIMARY KEY, name text)"))
    yield
    async with line() as one:
        await one.ask(Statement("DROP TABLE thing"))


async def names() -> list[str]:
    async with line() as another:
        [rows] = await another.ask(NAMES)
    return [name for (name,) in rows]


async def test_each_statement_has_its_rows_with_their_types(things: None) -> None:
    moment = datetime(2026, 6, 1, 11, tzinfo=UTC)
    typed = Statement("SELECT 1, 'a', null, %(at)s::timestamptz, %(at)s::timestamptz", {"at": moment.isoformat()})
    async with line() as one:
        for _ in range(2):  # the second time, all is prepared
            nothing, row, none = await one.ask(put(), typed, NAMES)
            assert (nothing, none) == ([], [])
            assert row == [(1, "a", None, moment, moment)]


async def test_a_transaction_is_as_long_as_one_says(things: None) -> None:
    async with line() as one:
        assert await one.ask(BEGIN, put(_1="first"), NAMES) == [[], [], [("first",)]]
        assert await names() == []
        assert await one.ask(put(_2="second"), COMMIT) == [[], []]
    assert await names() == ["first", "second"]


async def test_what_is_asked_and_answered_may_be_long(things: None) -> None:
    long = "x" * 3_000_000
    async with line() as one:
        assert await one.ask(put(_1=long), put(_2=long), NAMES) == [[], [], [(long,), (long,)]]


async def test_after_an_error_nothing_was_done_and_the_next_one_has_another_line(things: None) -> None:
    pids = []

    async def twice() -> None:
        async with line() as one:
            pids.append(await pid_of(one))
            await one.ask(BEGIN, put(_1="first"))
            await one.ask(put(_2="second"), put(_1="again"), COMMIT)

    with pytest.raises(psycopg.errors.UniqueViolation, match="thing_pkey"):
        await twice()
    async with line() as one:
        assert await pid_of(one) not in pids
    assert await names() == []


async def test_a_line_is_kept_for_the_next_one_and_closed_with_the_pool(things: None) -> None:
    async with line() as one:
        kept = await pid_of(one)
        async with line() as another:
            assert await pid_of(another) != kept
    async with line() as one, line() as another:
        assert kept in {await pid_of(one), await pid_of(another)}
    await engine.dispose()
    with pytest.raises(psycopg.OperationalError):
        await one.ask(PID)


async def test_who_is_cancelled_breaks_off_what_was_under_way(things: None) -> None:
    async def slow() -> None:
        async with line() as one:
            await one.ask(BEGIN, put(_1="first"), Statement("SELECT pg_sleep(1)"), COMMIT)

    task = asyncio.create_task(slow())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names() == []


async def test_a_line_that_broke_says_so_and_is_not_used_again(things: None) -> None:
    async def broken() -> None:
        async with line() as one:
            pid = await pid_of(one)
            async with line() as another:
                await another.ask(Statement("SELECT pg_terminate_backend(%(pid)s::int)", {"pid": str(pid)}))
            await one.ask(PID)

    with pytest.raises(psycopg.OperationalError):
        await broken()
    assert await names() == []
