"""COPY, for many rows that are known to be new: nothing is faster, and PostgreSQL writes while rows are being made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from emsp.db.engine import Db, psycopg_connection

_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"'})


async def new_ids(db: Db, table: str, count: int) -> list[int]:
    """Ids for so many rows of a table."""
    query = text("SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)")
    return list((await db.execute(query, {"table": table, "count": count})).scalars())


def copied(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows, which hold a value for each of the columns, as COPY reads them."""
    values = itemgetter(*columns)
    return "".join(["\t".join([_WRITERS[type(value)](value) for value in values(row)]) + "\n" for row in rows])


async def copy(db: Db, table: str, columns: Sequence[str], lines: str) -> None:
    """Insert what `copied` gave. Raises DBAPIError."""
    statement = SQL("COPY {} ({}) FROM STDIN").format(Identifier(table), SQL(", ").join(map(Identifier, columns)))
    connection = await psycopg_connection(db)
    try:
        async with connection.cursor() as cursor, cursor.copy(statement) as writer:
            await writer.write(lines)
    except psycopg.DatabaseError as error:
        raise DBAPIError(f"COPY {table}", None, error) from error


def _text(value: str) -> str:
    return value if value.isprintable() and "\\" not in value else value.translate(_ESCAPED)


def _list(values: list[str]) -> str:
    return f"{{{','.join(map(_member, values))}}}"


@lru_cache(maxsize=10_000)
def _member(value: str) -> str:
    """A text in a list; most come again and again."""
    return _text(f'"{value.translate(_QUOTED)}"')


_WRITERS: Mapping[type, Callable[[Any], str]] = {
    type(None): {None: "\\N"}.__getitem__,
    bool: {True: "t", False: "f"}.__getitem__,
    int: str,
    float: repr,
    str: _text,
    list: _list,
    dict: lambda value: _text(msgspec.json.encode(value).decode()),
    datetime: datetime.isoformat,
    UUID: str,
}
