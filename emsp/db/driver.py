"""The driver under a transaction, for the statements that run thousands of times a second: nothing is in between.

Statements name their parameters as psycopg does, `%(name)s`. Errors are those of psycopg.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import msgspec
import psycopg

from emsp.db.engine import Db, psycopg_connection

Driver = psycopg.AsyncConnection[Any]
Rows = Sequence[Sequence[Any]]


class Statement(NamedTuple):
    """A statement with its parameters, each as text: for a transaction, or for a line (`lines`)."""

    text: str
    parameters: Mapping[str, str] = {}


async def driver_of(db: Db) -> Driver:
    """The driver's connection of a transaction."""
    return await psycopg_connection(db)


async def execute(driver: Driver, statement: str, **parameters: Any) -> psycopg.AsyncCursor[Any]:
    """Send a statement; rows are to be had from what this gives."""
    return await driver.execute(cast(Any, statement), parameters)


async def run(db: Db, *statements: Statement) -> None:
    """Do what the statements say, in their order."""
    for statement in statements:
        await execute(await driver_of(db), statement.text, **statement.parameters)


def as_json(rows: Any) -> str:
    """Rows as one parameter, for `json_to_recordset`."""
    return msgspec.json.encode(rows).decode()


def as_array(numbers: Iterable[int]) -> str:
    """Whole numbers as one parameter, for `::int8[]`."""
    return f"{{{','.join(map(str, numbers))}}}"
