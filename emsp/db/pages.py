"""Keyset pages: stable while rows are added, exact in their totals."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_

from emsp.db.engine import Db

Key = tuple[datetime, UUID]


class Page(NamedTuple):
    """Some rows in order, whether there are more after them, and how many there are in all."""

    rows: list[Any]
    has_more: bool
    total: int


async def newest_first(db: Db, table: Any, where: ColumnElement[bool], *, first: int, after: Key | None = None) -> Page:
    """Up to `first` rows of `table`, newest first, after the row with the key (created_at, id)."""
    query = select(table).where(where)
    if after:
        query = query.where(tuple_(table.created_at, table.id) < tuple_(*after))
    query = query.order_by(table.created_at.desc(), table.id.desc()).limit(first + 1)
    found = list((await db.execute(query)).scalars())
    total = (await db.execute(select(func.count()).select_from(table).where(where))).scalar_one()
    return Page(found[:first], len(found) > first, total)
