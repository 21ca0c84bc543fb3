"""COPY, for many rows that are known to be new: nothing is faster, and PostgreSQL writes while rows are being made."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec
import psycopg
from psycopg.sql import SQL, Composed, Identifier
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from emsp.db.engine import Db, psycopg_connection

_JSON = msgspec.json.Encoder()
_NEW_IDS = text("""
    WITH its AS MATERIALIZED (SELECT CAST(pg_get_serial_sequence(:table, 'id') AS regclass) AS sequence)
    SELECT nextval(sequence) FROM its, generate_series(1, :count)
""")
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"'})
_ESCAPE = re.compile(rb"\\(?:u00(..)|([^\"]))")
_UNUSUAL = re.compile(rb'\\[^"n]')
_SPECIAL = ("\\", "\n", "\r", "\t")
_PLAIN = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f"}


async def new_ids(db: Db, table: str, count: int) -> list[int]:
    """Ids for so many rows of a table."""
    return list((await db.execute(_NEW_IDS, {"table": table, "count": count})).scalars())


def copied(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> list[bytes]:
    """Rows, which hold a value or None for each of at least two columns, as lines for `copy`. Columns come with their
    types: what goes into text[] is a list, what goes into jsonb a dict.

    A row as a JSON array is a line of CSV, but for its brackets and for how control characters are written; and
    JSON is made in one go.
    """
    if not rows:
        return []
    values = itemgetter(*columns)
    nested = [(place, _NESTED[kind]) for place, kind in enumerate(columns.values()) if kind in _NESTED]
    written = _JSON.encode_lines([_flat(values(row), nested) for row in rows])
    lines = written[1:-2].split(b"]\n[")
    if b"\\" not in written:
        return [line + b"\n" for line in lines]
    unescaped = _by_one if _UNUSUAL.search(written) else _newlines
    return [unescaped(line) + b"\n" for line in lines]


async def copy(db: Db, table: str, columns: Sequence[str], lines: bytes) -> None:
    """Insert lines that `copied` gave. Raises DBAPIError."""
    statement = SQL("COPY {} ({}) FROM STDIN (FORMAT csv, ESCAPE '\\', NULL 'null')")
    named = statement.format(Identifier(table), SQL(", ").join(map(Identifier, columns)))
    async with _copying(db, table, named) as writer:
        await writer.write(lines)


async def copy_texts(db: Db, table: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Insert rows of values that are texts already, long ones among them. Raises DBAPIError."""
    statement = SQL("COPY {} ({}) FROM STDIN")
    named = statement.format(Identifier(table), SQL(", ").join(map(Identifier, columns)))
    lines = ["\t".join([_escaped(value) for value in row]) for row in rows]
    async with _copying(db, table, named) as writer:
        await writer.write("\n".join(lines))


@asynccontextmanager
async def _copying(db: Db, table: str, statement: Composed) -> AsyncIterator[psycopg.AsyncCopy]:
    connection = await psycopg_connection(db)
    try:
        async with connection.cursor() as cursor, cursor.copy(statement) as writer:
            yield writer
    except psycopg.DatabaseError as error:
        raise DBAPIError(f"COPY {table}", None, error) from error


def _escaped(text: str) -> str:
    if not any(map(text.__contains__, _SPECIAL)):  # faster than a pattern, which looks at every letter
        return text
    plain = text.replace("\\", "\\\\").replace("\n", "\\n")
    return plain.replace("\r", "\\r").replace("\t", "\\t")


def _flat(values: Sequence[Any], nested: Sequence[tuple[int, Callable[[Any], str | None]]]) -> Sequence[Any]:
    row = list(values)
    for place, write in nested:
        row[place] = write(row[place])
    return row


def _list(values: list[str] | None) -> str | None:
    return _array(tuple(values)) if values else None if values is None else "{}"


def _document(value: dict[str, Any] | None) -> str | None:
    return None if value is None else _JSON.encode(value).decode()


@lru_cache(maxsize=10_000)
def _array(values: tuple[str, ...]) -> str:
    """Texts as PostgreSQL reads an array; most come again and again."""
    return f"{{{','.join(map(_member, values))}}}"


def _member(value: str) -> str:
    is_bare = value.isidentifier() and value.lower() != "null"
    return value if is_bare else f'"{value.translate(_QUOTED)}"'


def _newlines(line: bytes) -> bytes:
    return line.replace(b"\\n", b"\n")


def _by_one(line: bytes) -> bytes:
    return _ESCAPE.sub(_unescaped, line)


def _unescaped(found: re.Match[bytes]) -> bytes:
    """An escape of JSON as CSV has it: only quotes and backslashes keep theirs."""
    code, letter = found.groups()
    return bytes([int(code, 16)]) if code else _PLAIN.get(letter, found[0])


_NESTED: Mapping[str, Callable[[Any], str | None]] = {"text[]": _list, "jsonb": _document}
