"""Lines to PostgreSQL for what runs thousands of times a second: several statements go out together and their rows
come back together, which costs one wait, and nothing is in between.

A line is a connection of its own in libpq's pipeline mode, which prepares each statement once. It is kept for who needs
one next; where anything goes wrong it is closed, and with it ends its transaction.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors, pq
from psycopg.adapt import Transformer

from emsp.db import engine
from emsp.db.driver import Statement

CONNECT_WITHIN_S = 5
Rows = list[tuple[Any, ...]]
_PARAMETER = re.compile(r"%\((\w+)\)s")


BEGIN, COMMIT = Statement("BEGIN"), Statement("COMMIT")


class Line:
    """A connection that is asked several things at a time, and one such question after the other."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection, self._libpq = connection, connection.pgconn
        self._prepared: dict[str, bytes] = {}
        self._libpq.enter_pipeline_mode()

    async def ask(self, *statements: Statement) -> list[Rows]:
        """The rows of each statement. Raises psycopg.Error, after which nothing more can be asked."""
        are_rows = [is_row for statement in statements for is_row in self._send(statement)]
        self._libpq.pipeline_sync()
        while self._libpq.flush():
            await self._ready(for_more=True)
        results = [await self._result() for _ in are_rows]
        await self._result()  # of the pipeline as such
        return [self._rows(result) for result, is_row in zip(results, are_rows, strict=True) if is_row]

    def _send(self, statement: Statement) -> Iterator[bool]:
        """Send one; for each result that there will be, whether it has the rows."""
        command, names = _numbered(statement.text)
        name = self._prepared.get(statement.text)
        if name is None:
            name = self._prepared[statement.text] = b"s%d" % len(self._prepared)
            self._libpq.send_prepare(name, command)
            yield False
        self._libpq.send_query_prepared(name, [statement.parameters[each].encode() for each in names])
        yield True

    async def _result(self) -> pq.abc.PGresult:
        while True:
            while self._libpq.is_busy():
                await self._ready()
            result = self._libpq.get_result()
            if result is not None:  # which stands between two statements
                break
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result)
        return result

    def _rows(self, result: pq.abc.PGresult) -> Rows:
        if not result.ntuples:
            return []
        reading = Transformer(self._connection)
        reading.set_pgresult(result)
        return reading.load_rows(0, result.ntuples, tuple)

    async def _ready(self, *, for_more: bool = False) -> None:
        """Wait until something has come, or `for_more` can be sent; and take in what has."""
        loop, socket = asyncio.get_running_loop(), self._libpq.socket
        ready = loop.create_future()
        loop.add_reader(socket, _done, ready)
        if for_more:
            loop.add_writer(socket, _done, ready)
        try:
            await ready
        finally:
            loop.remove_reader(socket)
            if for_more:
                loop.remove_writer(socket)
        self._libpq.consume_input()

    async def close(self) -> None:
        """Break off whatever is under way."""
        await self._connection.close()


def _done(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


@cache
def _numbered(text: str) -> tuple[bytes, list[str]]:
    """The statement as libpq takes it, `$1` for the first parameter; and their names in this order."""
    names = list(dict.fromkeys(_PARAMETER.findall(text)))
    return _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", text).encode(), names


_free: WeakKeyDictionary[asyncio.AbstractEventLoop, list[Line]] = WeakKeyDictionary()


@asynccontextmanager
async def line() -> AsyncIterator[Line]:
    """A line that nobody else uses; closed by any error."""
    free = _free.setdefault(asyncio.get_running_loop(), [])
    mine = free.pop() if free else await _open()
    try:
        yield mine
    except BaseException:
        await mine.close()
        raise
    free.append(mine)


async def _open() -> Line:
    url = engine.database_url()
    return Line(await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=CONNECT_WITHIN_S))


async def _close_all() -> None:
    for mine in _free.pop(asyncio.get_running_loop(), []):
        await mine.close()


engine.closed_with_the_pool.append(_close_all)
