"""Transactions, reading without one, and connections that died while nobody used them."""

import asyncio

import pytest
from sqlalchemy import text
from sqlmodel import select

from emsp.brands.tables import Brand
from emsp.db import idle
from emsp.db.engine import reading, transaction

HANG_UP = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = ''"""
NOW = text("SELECT now()")

pytestmark = pytest.mark.usefixtures("database")


def _brand() -> Brand:
    return Brand(slug="other", name="Other")


async def _brands() -> list[str]:
    async with transaction() as db:
        return list(await db.scalars(select(Brand.slug).where(Brand.slug == "other")))


async def _fail_after_writing() -> None:
    async with transaction() as db:
        db.add(_brand())
        await db.flush()
        raise ZeroDivisionError


async def _write_while_reading() -> None:
    async with reading() as db:
        db.add(_brand())
        await db.flush()


async def test_that_a_transaction_is_whole_or_nothing() -> None:
    with pytest.raises(ZeroDivisionError):
        await _fail_after_writing()
    assert await _brands() == []


async def test_that_every_statement_of_reading_stands_by_itself() -> None:
    async with transaction() as db:
        assert await db.scalar(NOW) == await db.scalar(NOW)
    async with reading() as db:
        assert await db.scalar(NOW) < await db.scalar(NOW)
    async with transaction() as db:
        assert await db.scalar(NOW) == await db.scalar(NOW)


async def test_that_rows_are_not_written_while_reading() -> None:
    with pytest.raises(RuntimeError, match="not while reading"):
        await _write_while_reading()
    assert await _brands() == []


async def test_that_who_is_cancelled_while_reading_keeps_no_connection() -> None:
    async def read() -> None:
        async with reading() as db:
            await db.scalar(text("SELECT pg_sleep(20)"))

    tasks = [asyncio.create_task(read()) for _ in range(30)]
    await asyncio.sleep(0.3)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await _brands() == []


async def test_that_connections_that_died_while_they_lay_idle_are_replaced() -> None:
    async with transaction() as db, transaction() as other:
        await db.scalar(NOW)
        await other.scalar(NOW)
    async with transaction() as db:
        assert await db.scalar(text(HANG_UP)) >= 1
    await asyncio.sleep(idle.TRIED_AFTER_S)
    async with transaction() as db, transaction() as other:
        assert await db.scalar(NOW)
        assert await other.scalar(NOW)
