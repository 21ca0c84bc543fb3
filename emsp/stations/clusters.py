"""Stations gathered into the cells of a grid that is square on a map and stays where it is while the map moves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, Subquery, case, func, select
from sqlmodel import col

from emsp import clock
from emsp.db.engine import Db
from emsp.stations import conditions
from emsp.stations.asking import Cluster, Filter, Order, Prices
from emsp.stations.availability import STATUSES, counted, from_columns
from emsp.stations.demands import look_up
from emsp.stations.geo import MERCATOR_LIMIT_DEG, Box, cell_degrees
from emsp.stations.tables import Connector, Evse, Station
from emsp.stations.twins.shown import evse_is_shown, status, status_as_of
from emsp.stations.within import within

COUNTS = (*STATUSES, "total")


async def clusters(
    db: Db,
    box: Box,
    zoom: int,
    filter: Filter | None = None,
    *,
    at: datetime | None = None,
    prices: Prices | None = None,
) -> list[Cluster]:
    """Every shown station of a box that passes a filter, in clusters at the middle of their stations.

    Counts are of all charge points of those stations, none capped. `prices` are needed by a filter that asks for
    a price (else: ValueError). Raises Invalid for a zoom that cannot be.
    """
    size = cell_degrees(zoom)
    now = at or clock.now()
    demands = conditions.matching(await look_up(db, box, filter or Filter(), Order.DISTANCE, now, prices))
    x, y = _cell(size)
    cells = (x.label("x"), y.label("y"))
    place = select(col(Station.id), col(Station.latitude), col(Station.longitude), *cells)
    stations = place.where(*within(box), *demands).cte("stations")
    rows = await db.execute(_gathered(stations, _evses(stations), _powers(stations)))
    return [_cluster(row, now) for row in rows]


def _cell(size_deg: float) -> tuple[ColumnElement[float], ColumnElement[float]]:
    latitude = func.least(func.greatest(col(Station.latitude), -MERCATOR_LIMIT_DEG), MERCATOR_LIMIT_DEG)
    mercator = func.degrees(func.ln(func.tan(func.radians(45 + latitude / 2)))) + 180
    last = 360 / size_deg - 1
    return func.least(func.floor((col(Station.longitude) + 180) / size_deg), last), func.floor(mercator / size_deg)


def _evses(stations: CTE) -> Subquery:
    shown = select(col(Evse.station_id), status().label("status"), status_as_of().label("status_as_of"))
    evses = (
        shown.join(stations, stations.c.id == col(Evse.station_id)).where(evse_is_shown()).offset(0).subquery("shown")
    )
    query = select(evses.c.station_id, *counted(evses.c.status, evses.c.status_as_of))
    return query.group_by(evses.c.station_id).subquery("evses")


def _powers(stations: CTE) -> Subquery:
    owner = col(Evse.station_id)
    query = (
        select(owner, func.max(col(Connector.max_power_w)).label("max_power_w"))
        .join(Connector, col(Connector.evse_id) == col(Evse.id))
        .join(stations, stations.c.id == owner)
        .where(evse_is_shown(), ~col(Connector.removed))
    )
    return query.group_by(owner).subquery("powers")


def _gathered(stations: CTE, evses: Subquery, powers: Subquery) -> Select[Any]:
    size = func.count()
    return (
        select(
            func.avg(stations.c.latitude).label("latitude"),
            func.avg(stations.c.longitude).label("longitude"),
            size.label("station_count"),
            func.max(powers.c.max_power_w).label("max_power_w"),
            case((size == 1, func.min(stations.c.id))).label("station_id"),
            *(func.sum(evses.c[name]) for name in COUNTS),
            func.max(evses.c.as_of),
        )
        .select_from(stations)
        .outerjoin(evses, evses.c.station_id == stations.c.id)
        .outerjoin(powers, powers.c.station_id == stations.c.id)
        .group_by(stations.c.x, stations.c.y)
        .order_by(stations.c.x, stations.c.y)
    )


def _cluster(row: Sequence[Any], now: datetime) -> Cluster:
    latitude, longitude, station_count, max_power_w, station_id, *counts = row
    return Cluster(
        latitude=latitude,
        longitude=longitude,
        station_count=station_count,
        availability=from_columns(counts, now),
        max_power_w=max_power_w,
        station_id=station_id,
    )
