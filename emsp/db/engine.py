"""The engine of this process and its transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, cast

import psycopg
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session

from emsp.db import idle
from emsp.settings import settings

Db = AsyncSession
closed_with_the_pool: list[Callable[[], Awaitable[None]]] = []
"""What else `dispose` closes."""


@cache
def database_url() -> str:
    """The libpq URL of the database; starts the embedded server when no URL is set."""
    if settings().database_url:
        return str(settings().database_url).replace("postgresql+psycopg://", "postgresql://", 1)
    from emsp.db import embedded

    return embedded.start(settings().data_dir)


@cache
def engine() -> AsyncEngine:
    """The engine of this process.

    The connection used last is used next: it knows our statements, which another would have to plan anew.
    """
    url = database_url().replace("postgresql://", "postgresql+psycopg://", 1)
    made = create_async_engine(url, pool_size=settings().database_connections, max_overflow=10, pool_use_lifo=True)
    idle.try_before_use(made.sync_engine)
    return made


@cache
def _sessions() -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine(), expire_on_commit=False)


@cache
def _readers() -> async_sessionmaker[AsyncSession]:
    by_themselves = engine().execution_options(isolation_level="AUTOCOMMIT")
    return async_sessionmaker(by_themselves, expire_on_commit=False, sync_session_class=_Reader)


class _Reader(Session):
    """A session whose rows are not written back."""

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Raises RuntimeError where there would be something to write."""
        if self.new or self.dirty or self.deleted:
            raise RuntimeError("rows are changed in a transaction, and not while reading")


@asynccontextmanager
async def transaction() -> AsyncIterator[Db]:
    """One transaction: committed at the end of the block, rolled back by any error.

    Opened only by the edges and the jobs; no network call is made inside. A block that asks nothing of the database
    costs nothing.
    """
    db = _sessions()()
    try:
        yield db
        if db.in_transaction():
            await db.commit()
    finally:
        await _close(db)


@asynccontextmanager
async def reading() -> AsyncIterator[Db]:
    """For reading: every statement stands by itself, without a BEGIN before and a COMMIT after it.

    It sees what was committed when it began, as it does in a `transaction` (READ COMMITTED). No row stays
    locked, to write objects back is refused, and a statement that changes something is committed by itself.
    """
    db = _readers()()
    try:
        yield db
    finally:
        await _close(db)


async def _close(db: Db) -> None:
    """At once where nothing was asked of the database; else also when whoever asked is cancelled meanwhile."""
    if db.in_transaction():
        await asyncio.shield(db.close())
    else:
        db.sync_session.close()


async def psycopg_connection(db: Db) -> psycopg.AsyncConnection:
    """The driver's own connection under `db`, in the same transaction."""
    raw = await (await db.connection()).get_raw_connection()
    return cast("psycopg.AsyncConnection", raw.driver_connection)


async def dispose() -> None:
    """Close the pool; the next use opens a new one."""
    for close in closed_with_the_pool:
        await close()
    if engine.cache_info().currsize:
        await engine().dispose()
    engine.cache_clear()
    _sessions.cache_clear()
    _readers.cache_clear()
