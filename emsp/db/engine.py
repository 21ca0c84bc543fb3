"""The engine of this process and its transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import cast

import psycopg
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

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
    kept = settings().database_connections
    return create_async_engine(url, pool_size=kept, max_overflow=10, pool_use_lifo=True, pool_pre_ping=True)


@cache
def _sessions() -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine(), expire_on_commit=False)


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
