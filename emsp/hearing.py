"""How a process hears what transactions said with NOTIFY: by a LISTEN of its own, or from a NATS server.

Either is a hint, never the truth: who hears of a change looks it up, and after every interruption looks at everything.
With NATS, PostgreSQL wakes one process however many there are: the one whose `pass_on` holds the lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats
import nats.errors
import psycopg
from nats.aio.client import Client

from emsp import logs
from emsp.db.engine import database_url
from emsp.settings import settings

CHANNEL = "emsp"
"""Of the database, and the subject at NATS: who runs two installations on one server names it in EMSP_NATS_SUBJECT."""
MISSED = b"null"
"""Told by whoever begins to pass on: anything may have happened before."""
DEAF = b""
"""Told when a connection was lost: until MISSED, nothing is heard."""
AGAIN_AFTER_S = 1.0
CONNECT_WITHIN_S = 5
PING_EVERY_S = 10
LOST = (psycopg.OperationalError, nats.errors.Error, OSError)
log = logs.log(__name__)


async def heard() -> AsyncIterator[bytes]:
    """Payloads as they come, without end; MISSED first of all, and DEAF and MISSED around every interruption."""
    while True:
        try:
            async for payload in _from_nats() if settings().nats_url else _from_postgres():
                yield payload
        except LOST as error:
            log.warning("lost what tells of changes", error=str(error))
        yield DEAF
        await asyncio.sleep(AGAIN_AFTER_S)


async def pass_on() -> None:
    """Tell NATS what the database says, for ever; of all processes that do this, one at a time does."""
    while True:
        try:
            async with _connected_to_postgres() as connection, _connected_to_nats() as client:
                await _our_turn(connection)
                log.info("changes are passed on to NATS from here")
                async for payload in _listening(connection):
                    await client.publish(settings().nats_subject, payload)
                    await client.flush(CONNECT_WITHIN_S)
        except LOST as error:
            log.warning("changes are not passed on to NATS", error=str(error))
        await asyncio.sleep(AGAIN_AFTER_S)


async def _from_postgres() -> AsyncIterator[bytes]:
    async with _connected_to_postgres() as connection:
        async for payload in _listening(connection):
            yield payload


async def _from_nats() -> AsyncIterator[bytes]:
    async with _connected_to_nats() as client:
        told = await client.subscribe(settings().nats_subject)
        await client.flush(CONNECT_WITHIN_S)
        yield MISSED
        async for message in told.messages:
            yield message.data


async def _listening(connection: psycopg.AsyncConnection) -> AsyncIterator[bytes]:
    """One reader for as long as it takes: a wait of the driver's own for each notice costs three times as much."""
    await connection.execute(f"LISTEN {CHANNEL}")
    yield MISSED
    loop, server, arrived = asyncio.get_running_loop(), connection.pgconn, asyncio.Queue[bytes | Exception]()
    ear = connection.fileno()

    def read() -> None:
        try:
            server.consume_input()
        except psycopg.OperationalError as error:
            loop.remove_reader(ear)
            arrived.put_nowait(error)
            return
        while notice := server.notifies():
            arrived.put_nowait(notice.extra)

    loop.add_reader(ear, read)
    try:
        while not isinstance(payload := await arrived.get(), Exception):
            yield payload
    except BaseException:
        loop.remove_reader(ear)
        raise
    raise payload


async def _our_turn(connection: psycopg.AsyncConnection) -> None:
    """Returns once nobody else passes on. Asked again and again: a statement that waits would keep VACUUM waiting."""
    question = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
    while True:
        answer = await (await connection.execute(question, ["pass on to NATS"])).fetchone()
        if answer and answer[0]:
            return
        await asyncio.sleep(AGAIN_AFTER_S)


@asynccontextmanager
async def _connected_to_postgres() -> AsyncIterator[psycopg.AsyncConnection]:
    connecting = psycopg.AsyncConnection.connect(database_url(), autocommit=True, connect_timeout=CONNECT_WITHIN_S)
    async with await connecting as connection:
        yield connection


@asynccontextmanager
async def _connected_to_nats() -> AsyncIterator[Client]:
    """Until it is lost: then what was missed is unknown, so nothing is picked up quietly."""
    client = Client()

    async def lost(error: Exception) -> None:
        log.warning("NATS says", error=str(error) or repr(error))
        await client.close()

    await client.connect(
        str(settings().nats_url),
        allow_reconnect=False,
        connect_timeout=CONNECT_WITHIN_S,
        ping_interval=PING_EVERY_S,
        error_cb=lost,
    )
    try:
        yield client
    finally:
        await client.close()
