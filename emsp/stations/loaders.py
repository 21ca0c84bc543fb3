"""Rows by their ids, many at once: one statement each, whatever the number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import SQLModel, col

from emsp.db.engine import Db
from emsp.stations.tables import Connector, Evse, Operator, Station
from emsp.stations.twins import shown as twins

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
    """The EVSEs of each station that are shown there, in the partner's order; every id asked for has a list.

    An EVSE that other partners publish too has the status that the freshest of them tells.
    """
    shown: dict[int, list[Evse]] = {id_: [] for id_ in station_ids}
    query = select(Evse, twins.status(), twins.status_as_of()).where(
        col(Evse.station_id).in_(list(shown)), twins.evse_is_shown()
    )
    for row, status, as_of in await db.execute(query.order_by(col(Evse.station_id), col(Evse.position))):
        set_committed_value(row, "status", status)
        set_committed_value(row, "status_as_of", as_of)
        shown[row.station_id].append(row)
    return shown


async def connectors_of(db: Db, evse_ids: Iterable[int]) -> dict[int, list[Connector]]:
    """The connectors of each EVSE that are there, in the partner's order; every id asked for has a list."""
    there: dict[int, list[Connector]] = {id_: [] for id_ in evse_ids}
    query = select(Connector).where(col(Connector.evse_id).in_(list(there)), ~col(Connector.removed))
    for row in (await db.execute(query.order_by(col(Connector.evse_id), col(Connector.position)))).scalars():
        there[row.evse_id].append(row)
    return there


async def _by_id(db: Db, table: type[Row], ids: Iterable[int]) -> dict[int, Row]:
    key: Any = table.__table__.c.id  # type: ignore[attr-defined]
    found = await db.execute(select(table).where(key.in_(list(ids))))
    return {row.id: row for row in found.scalars()}  # type: ignore[attr-defined]
