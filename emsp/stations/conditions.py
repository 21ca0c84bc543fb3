"""Places, filters and orders as SQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import cos, radians
from typing import Any

from sqlalchemy import ColumnElement, and_, any_, case, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger, Float
from sqlmodel import col

from emsp.db.engine import Db
from emsp.stations.asking import Filter, Ids, Near, Order, Place
from emsp.stations.geo import EARTH_RADIUS_M, Box, around
from emsp.stations.opening import open_at
from emsp.stations.tables import Connector, Evse, Station

Condition = ColumnElement[bool]
Number = ColumnElement[Any]


def within(place: Place) -> list[Condition]:
    """Shown stations of the place."""
    shown = and_(col(Station.shown))
    if isinstance(place, Ids):
        return [shown, col(Station.id) == any_(_ids(place.ids))]
    if isinstance(place, Box):
        return [shown, _in_box(place)]
    if place.radius_m is None:
        return [shown]
    box = around(place.longitude, place.latitude, place.radius_m)
    return [shown, _in_box(box), distance_m(place.longitude, place.latitude) <= place.radius_m]


def _in_box(box: Box) -> Condition:
    point = func.point(col(Station.longitude), col(Station.latitude))
    boxes = [func.box(func.point(b.west, b.south), func.point(b.east, b.north)) for b in box.parts()]
    return or_(*(point.op("<@", is_comparison=True)(corner) for corner in boxes))


def distance_m(longitude: float, latitude: float) -> Number:
    """The haversine distance of a station from a point."""
    half_height = func.sin(func.radians(col(Station.latitude) - latitude) / 2)
    half_width = func.sin(func.radians(col(Station.longitude) - longitude) / 2)
    narrowing = func.cos(func.radians(col(Station.latitude))) * cos(radians(latitude))
    chord = half_height * half_height + narrowing * half_width * half_width
    return 2 * EARTH_RADIUS_M * func.asin(func.least(1.0, func.sqrt(chord)), type_=Float)


def _ids(ids: Iterable[int]) -> Number:
    return literal(list(ids), ARRAY(BigInteger))


async def demands(db: Db, place: Place, wanted: Filter, at: datetime) -> list[Condition]:
    """What the filter asks of a station of the place at a time, which opening hours are read for."""
    if not wanted.open_now:
        return matching(wanted)
    columns = (col(Station.id), col(Station.time_zone), col(Station.twenty_four_seven), col(Station.opening_hours))
    query = select(*columns).where(*within(place), col(Station.opening_hours).is_not(None))
    return matching(wanted, [id_ for id_, *hours in await db.execute(query) if open_at(at, *hours)])


def matching(wanted: Filter, open_ids: list[int] | None = None) -> list[Condition]:
    """What the filter asks of a station; `open_ids` are those whose opening hours say that they are open."""
    conditions: list[Condition] = []
    if wanted.operator_ids:
        conditions.append(col(Station.operator_id).in_(wanted.operator_ids))
    if wanted.open_24h:
        conditions.append(col(Station.twenty_four_seven).is_(True))
    if wanted.open_now:
        always = and_(col(Station.twenty_four_seven).is_(True), col(Station.opening_hours).is_(None))
        conditions.append(or_(always, col(Station.id) == any_(_ids(open_ids or ()))))
    if wanted.facilities:
        conditions.append(col(Station.facilities).contains(list(wanted.facilities)))
    if _asks_of_evses(wanted):
        conditions.append(has_evse(wanted))
    return conditions


def has_evse(wanted: Filter, *more: Condition) -> Condition:
    """Whether the station has a charge point with all that is asked of one, and `more`."""
    query = select(col(Evse.id)).where(*_of_evse(wanted), *more)
    if _asks_of_connectors(wanted):
        query = query.where(select(col(Connector.id)).where(*_of_connector(wanted)).correlate(Evse).exists())
    return query.correlate(Station).exists()


def _asks_of_connectors(wanted: Filter) -> bool:
    return bool(wanted.standards) or wanted.min_power_w is not None


def _asks_of_evses(wanted: Filter) -> bool:
    return _asks_of_connectors(wanted) or wanted.available_now or wanted.remote_start or wanted.reservable


def _of_evse(wanted: Filter) -> list[Condition]:
    conditions: list[Condition] = [col(Evse.station_id) == col(Station.id), ~col(Evse.removed)]
    if wanted.available_now:
        conditions.append(col(Evse.status) == "AVAILABLE")
    capabilities = col(Evse.capabilities)
    if wanted.remote_start:
        conditions.append(or_(capabilities == [], capabilities.contains(["REMOTE_START_STOP_CAPABLE"])))
    if wanted.reservable:
        conditions.append(capabilities.contains(["RESERVABLE"]))
    return conditions


def _of_connector(wanted: Filter) -> list[Condition]:
    conditions: list[Condition] = [col(Connector.evse_id) == col(Evse.id), ~col(Connector.removed)]
    if wanted.standards:
        conditions.append(col(Connector.standard).in_(wanted.standards))
    if wanted.min_power_w is not None:
        conditions.append(col(Connector.max_power_w) >= wanted.min_power_w)
    return conditions


def sort_values(place: Place, wanted: Filter, order: Order) -> tuple[Number, Number]:
    """Two numbers that a station is sorted by, the smaller first; the distance in metres is the last that counts."""
    if isinstance(place, Ids):
        return func.array_position(_ids(place.ids), col(Station.id)).cast(Float), literal(0.0)
    point = (place.longitude, place.latitude) if isinstance(place, Near) else place.middle()
    distance = distance_m(*point)
    if order is Order.DISTANCE:
        return literal(0.0), distance
    return _power(wanted) if order is Order.POWER else _freedom(wanted), distance


def _power(wanted: Filter) -> Number:
    strongest = (
        select(-func.max(col(Connector.max_power_w)))
        .where(*_of_evse(wanted), *_of_connector(wanted))
        .correlate(Station)
        .scalar_subquery()
    )
    return func.coalesce(strongest, 1).cast(Float)


def _freedom(wanted: Filter) -> Number:
    free = has_evse(wanted, col(Evse.status) == "AVAILABLE")
    unknown = has_evse(wanted, col(Evse.status) == "UNKNOWN")
    return case((free, 0.0), (unknown, 1.0), else_=2.0)
