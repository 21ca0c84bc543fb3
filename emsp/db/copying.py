"""COPY, for many rows that are known to be new: nothing is faster, and PostgreSQL writes while rows are being made."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec
import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from emsp.db.engine import Db, psycopg_connection

_JSON = msgspec.json.Encoder()
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"'})
_ESCAPE = re.compile(rb"\\(?:u00(..)|(.))")
_UNUSUAL = re.compile(rb'\\[^"n]')
_PLAIN = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f"}


async def new_ids(db: Db, table: str, count: int) -> list[int]:
    """Ids for so many rows of a table."""
    query = text("SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)")
    return list((await db.execute(query, {"table": table, "count": count})).scalars())


def copied(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """Rows, which hold a value for each of at least two columns, as `copy` sends them: lists are arrays, dicts JSON.
    A column has values of one type, or None.

    A row as a JSON array is a line of CSV, but for its brackets and for how control characters are written; and
    JSON is made in one go.
    """
    if not rows:
        return b""
    values = itemgetter(*columns)
    nested = [place for place, value in enumerate(values(rows[0])) if value is None or type(value) in _NESTED]
    lines = _JSON.encode_lines([_flat(values(row), nested) for row in rows])
    plain = lines[1:-2].replace(b"]\n[", b"\n") + b"\n"
    return _ESCAPE.sub(_unescaped, plain) if _UNUSUAL.search(plain) else plain.replace(b"\\n", b"\n")


async def copy(db: Db, table: str, columns: Sequence[str], lines: bytes) -> None:
    """Insert what `copied` gave. Raises DBAPIError."""
    statement = SQL("COPY {} ({}) FROM STDIN (FORMAT csv, ESCAPE '\\', NULL 'null')")
    named = statement.format(Identifier(table), SQL(", ").join(map(Identifier, columns)))
    connection = await psycopg_connection(db)
    try:
        async with connection.cursor() as cursor, cursor.copy(named) as writer:
            await writer.write(lines)
    except psycopg.DatabaseError as error:
        raise DBAPIError(f"COPY {table}", None, error) from error


def _flat(values: Sequence[Any], nested: Sequence[int]) -> Sequence[Any]:
    row = list(values)
    for place in nested:
        if write := _NESTED.get(type(row[place])):
            row[place] = write(row[place])
    return row


def _list(values: list[str]) -> str:
    return _array(tuple(values)) if values else "{}"


@lru_cache(maxsize=10_000)
def _array(values: tuple[str, ...]) -> str:
    """Texts as PostgreSQL reads an array; most come again and again."""
    members = ",".join([f'"{value.translate(_QUOTED)}"' for value in values])
    return f"{{{members}}}"


def _unescaped(found: re.Match[bytes]) -> bytes:
    """An escape of JSON as CSV has it: only quotes and backslashes keep theirs."""
    code, letter = found.groups()
    return bytes([int(code, 16)]) if code else _PLAIN.get(letter, found[0])


_NESTED: Mapping[type, Callable[[Any], str]] = {list: _list, dict: lambda value: _JSON.encode(value).decode()}
