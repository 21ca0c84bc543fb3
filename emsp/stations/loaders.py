"""Rows by their ids, many at once: one statement each, whatever the number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from sqlalchemy import select
from sqlmodel import SQLModel, col

from emsp.db.engine import Db
from emsp.stations.tables import Connector, Evse, Operator, Station

Row = TypeVar("Row", bound=SQLModel)


async def stations(db: Db, ids: Iterable[int]) -> dict[int, Station]:
    """Those that exist, shown or not."""
    return await _by_id(db, Station, ids)


async def evses(db: Db, ids: Iterable[int]) -> dict[int, Evse]:
    """Those that exist, removed or not."""
    return await _by_id(db, Evse, ids)


async def connectors(db: Db, ids: Iterable[int]) -> dict[int, Connector]:
    """Those that exist, removed or not."""
    return await _by_id(db, Connector, ids)


async def operators(db: Db, ids: Iterable[int]) -> dict[int, Operator]:
    """Those that exist."""
    return await _by_id(db, Operator, ids)


async def evses_of(db: Db, station_ids: Iterable[int]) -> dict[int, list[Evse]]:
    """The EVSEs of each station that are there, in the partner's order; every id asked for has a list."""
    return await _children(db, Evse, col(Evse.station_id), col(Evse.removed), col(Evse.position), station_ids)


async def connectors_of(db: Db, evse_ids: Iterable[int]) -> dict[int, list[Connector]]:
    """The connectors of each EVSE that are there, in the partner's order; every id asked for has a list."""
    return await _children(
        db, Connector, col(Connector.evse_id), col(Connector.removed), col(Connector.position), evse_ids
    )


async def _by_id(db: Db, table: type[Row], ids: Iterable[int]) -> dict[int, Row]:
    key: Any = table.__table__.c.id  # type: ignore[attr-defined]
    found = await db.execute(select(table).where(key.in_(list(ids))))
    return {row.id: row for row in found.scalars()}  # type: ignore[attr-defined]


async def _children(
    db: Db, table: type[Row], parent: Any, removed: Any, position: Any, ids: Iterable[int]
) -> dict[int, list[Row]]:
    children: dict[int, list[Row]] = {id_: [] for id_ in ids}
    query = select(table).where(parent.in_(list(children)), ~removed).order_by(parent, position)
    for row in (await db.execute(query)).scalars():
        children[getattr(row, parent.key)].append(row)
    return children
