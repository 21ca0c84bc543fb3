"""The engine of this process and its transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import cast

import psycopg
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from emsp.settings import settings

Db = AsyncSession


@cache
def database_url() -> str:
    """The libpq URL of the database; starts the embedded server when no URL is set."""
    if settings().database_url:
        return str(settings().database_url).replace("postgresql+psycopg://", "postgresql://", 1)
    from emsp.db import embedded

    return embedded.start(settings().data_dir)


@cache
def engine() -> AsyncEngine:
    """The engine of this process."""
    url = database_url().replace("postgresql://", "postgresql+psycopg://", 1)
    return create_async_engine(url, pool_size=10, max_overflow=20, pool_pre_ping=True)


@cache
def _sessions() -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine(), expire_on_commit=False)


@asynccontextmanager
async def connected() -> AsyncIterator[AsyncConnection]:
    """A connection for transactions that follow each other closely: it is looked after once, not for each of them."""
    async with engine().connect() as connection:
        yield connection


@asynccontextmanager
async def transaction(over: AsyncConnection | None = None) -> AsyncIterator[Db]:
    """One transaction: committed at the end of the block, rolled back by any error.

    Opened only by the edges and the jobs; no network call is made inside. A block that asks nothing of the database
    costs nothing. `over` is a connection to use, else one of the pool is.
    """
    db = _sessions()(bind=over) if over else _sessions()()
    try:
        yield db
        if db.in_transaction():
            await db.commit()
    finally:
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
    if engine.cache_info().currsize:
        await engine().dispose()
    engine.cache_clear()
    _sessions.cache_clear()
