"""Wake-ups by PostgreSQL, and over a real NATS server: then PostgreSQL wakes one process, and NATS all the others."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from socket import create_connection, socket
from typing import Any

import psycopg
import pytest

from emsp import events, hearing
from emsp.db.engine import transaction
from emsp.settings import settings

SERVER = Path(__file__).parent.parent / ".venv-peers" / "bin" / "nats-server"
EARS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
HANG_UP = EARS.replace("count(*)", "pg_terminate_backend(pid)")
EVERYTHING = None

over_nats = pytest.mark.skipif(not SERVER.exists(), reason="nats-server is not installed: scripts/install-peers")


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A free port, which is where this installation looks for NATS."""
    with closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("EMSP_NATS_URL", f"nats://127.0.0.1:{port}")
    settings.cache_clear()
    yield port
    monkeypatch.undo()
    settings.cache_clear()


@contextmanager
def nats_server(port: int) -> Iterator[None]:
    process = subprocess.Popen([SERVER, "-a", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL)
    try:
        _answers(port)
        yield
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> None:
    for _ in range(200):
        try:
            return create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("nats-server does not answer")


@asynccontextmanager
async def passing_on() -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(hearing.pass_on())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_that_who_is_to_stop_stops_even_while_something_is_told(database: str) -> None:
    async with watching() as watch:
        await watch.changed()
        for turns in range(4):
            waiting = asyncio.create_task(watch.changed(10))
            await asyncio.sleep(0.01)
            watch.add(["a"])
            for _ in range(turns):
                await asyncio.sleep(0)
            if waiting.done():
                break
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await watch.changed()


@asynccontextmanager
async def watching() -> AsyncIterator[Any]:
    """What one process hears of the topic `pins`."""
    wakes = events.Wakes()
    try:
        async with wakes.watch("pins") as watch:
            yield watch
    finally:
        await wakes.close()


async def change(*ids: int) -> None:
    async with transaction() as db:
        await events.wake(db, "pins", ids)


async def change_and_fail(*ids: int) -> None:
    async with transaction() as db:
        await events.wake(db, "pins", ids)
        raise LookupError


async def hears(watch: Any) -> set[Any] | None:
    """The next that is heard: ids, or EVERYTHING."""
    return await watch.changed(timeout_s=20)


async def until_it_hears(watch: Any, number: int) -> None:
    """The ears are open when what is said again and again is heard."""
    for _ in range(100):
        await change(number)
        if number in (await watch.changed(timeout_s=0.2) or ()):
            return
    raise TimeoutError("nothing is heard")


async def quiet(watch: Any) -> None:
    while await watch.changed(timeout_s=0.5) != set():
        pass


async def test_whoever_loses_the_database_looks_at_everything_and_hears_again(database: str) -> None:
    async with watching() as watch:
        await until_it_hears(watch, 1)
        await quiet(watch)
        await change(2, 3)
        assert await hears(watch) == {2, 3}
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
            await connection.execute(HANG_UP)
        assert await hears(watch) is EVERYTHING
        await change(4)
        assert await hears(watch) == {4}


@over_nats
async def test_many_processes_are_woken_and_postgresql_wakes_one(database: str, port: int) -> None:
    with nats_server(port):
        async with passing_on(), passing_on(), watching() as one, watching() as two:
            await until_it_hears(one, 1)
            await until_it_hears(two, 1)
            await quiet(one)
            await quiet(two)
            await change(7, 8)
            assert await hears(one) == {7, 8}
            assert await hears(two) == {7, 8}
            assert await one.changed(timeout_s=0.3) == set(), "once, although two processes would pass it on"
            async with await psycopg.AsyncConnection.connect(database) as connection:
                assert await (await connection.execute(EARS)).fetchone() == (1,)


@over_nats
async def test_what_is_rolled_back_wakes_nobody(database: str, port: int) -> None:
    with nats_server(port):
        async with passing_on(), watching() as watch:
            await until_it_hears(watch, 1)
            await quiet(watch)
            with pytest.raises(LookupError):
                await change_and_fail(9)
            assert await watch.changed(timeout_s=0.5) == set()


@over_nats
async def test_after_a_server_that_was_killed_everybody_looks_at_everything(database: str, port: int) -> None:
    async with passing_on(), watching() as watch:
        with nats_server(port):
            await until_it_hears(watch, 1)
            await quiet(watch)
        await change(2)
        with nats_server(port):
            assert await hears(watch) is EVERYTHING, "2 was missed"
            await until_it_hears(watch, 3)


@over_nats
async def test_another_process_passes_on_when_the_one_that_did_is_gone(database: str, port: int) -> None:
    with nats_server(port):
        async with passing_on() as first, watching() as watch:
            await until_it_hears(watch, 1)
            async with passing_on():
                first.cancel()
                await asyncio.gather(first, return_exceptions=True)
                await quiet(watch)
                await until_it_hears(watch, 2)


@pytest.mark.parametrize("address", ["localhost:4222", "http://nats:4222", "nats://"])
def test_an_address_that_is_none_ends_the_process_by_name(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMSP_NATS_URL", address)
    settings.cache_clear()
    with pytest.raises(SystemExit, match="EMSP_NATS_URL"):
        settings()
    monkeypatch.undo()
    settings.cache_clear()
