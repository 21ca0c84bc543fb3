"""The driver under a transaction, for the statements that run thousands of times a second: nothing is in between.

Statements name their parameters as psycopg does, `%(name)s`. Errors are those of psycopg.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
import psycopg

from emsp.db.engine import Db, psycopg_connection

Driver = psycopg.AsyncConnection[Any]
Rows = Sequence[Sequence[Any]]


async def driver_of(db: Db) -> Driver:
    """The driver's connection of a transaction."""
    return await psycopg_connection(db)


async def execute(driver: Driver, statement: str, **parameters: Any) -> psycopg.AsyncCursor[Any]:
    """Send a statement; rows are to be had from what this gives."""
    return await driver.execute(cast(Any, statement), parameters)


def as_json(rows: Any) -> str:
    """Rows as one parameter, for `json_to_recordset`."""
    return msgspec.json.encode(rows).decode()


def as_array(numbers: Iterable[int]) -> str:
    """Whole numbers as one parameter, for `::int8[]`."""
    return f"{{{','.join(map(str, numbers))}}}"


@asynccontextmanager
async def without_waiting(db: Db) -> AsyncIterator[Driver]:
    """Statements of the block are sent without waiting for each other's end; rows are waited for when fetched.

    What fails is raised where rows are fetched, or at the end of the block.
    """
    driver = await driver_of(db)
    async with driver.pipeline():
        yield driver
