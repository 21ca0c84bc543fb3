"""Places, filters and orders as SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import cos, radians
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Text, and_, any_, case, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import BigInteger, Float
from sqlmodel import col

from emsp.stations.asking import Filter, Ids, Near, Order, Place
from emsp.stations.geo import EARTH_RADIUS_M, Box, around
from emsp.stations.tables import Connector, Evse, Station

Condition = ColumnElement[bool]
Number = ColumnElement[Any]
WIDE = 1.0
"""From so many square degrees on, a box may hold many thousand stations."""
UNKNOWN_LAST = 2**53
"""Where a price would be, when none is known."""


class Demand(NamedTuple):
    """A filter, with what only a look at the place could tell (`demands.look_up`)."""

    filter: Filter
    open_ids: Iterable[int] = ()
    """Stations whose opening hours say that they are open."""
    cheap_ids: Iterable[int] = ()
    """Connectors that fit all of the filter, when it asks for a price."""
    cheapest: Mapping[int, int] = {}
    """Stations where the price is known, and low enough: of the cheapest of those connectors, in ten-thousandths."""


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
    return or_(*(_in_wide(part) if _area(part) > WIDE else _in_small(part) for part in box.parts()))


def _area(box: Box) -> float:
    return (box.east - box.west) * (box.north - box.south)


def _in_small(box: Box) -> Condition:
    """By the index."""
    point = func.point(col(Station.longitude), col(Station.latitude))
    corners = func.box(func.point(box.west, box.south), func.point(box.east, box.north))
    return point.op("<@", is_comparison=True)(corners)


def _in_wide(box: Box) -> Condition:
    """By comparing: PostgreSQL takes any box to hold one station in a thousand, and plans badly for many of them."""
    east_west = col(Station.longitude).between(box.west, box.east)
    return and_(east_west, col(Station.latitude).between(box.south, box.north))


def distance_m(longitude: float, latitude: float) -> Number:
    """The haversine distance of a station from a point."""
    half_height = func.sin(func.radians(col(Station.latitude) - latitude) / 2)
    half_width = func.sin(func.radians(col(Station.longitude) - longitude) / 2)
    narrowing = func.cos(func.radians(col(Station.latitude))) * cos(radians(latitude))
    chord = half_height * half_height + narrowing * half_width * half_width
    return 2 * EARTH_RADIUS_M * func.asin(func.least(1.0, func.sqrt(chord)), type_=Float)


def _ids(ids: Iterable[int]) -> Number:
    return literal(list(ids), ARRAY(BigInteger))


def matching(demand: Demand) -> list[Condition]:
    """What is asked of a station."""
    if demand.filter.max_price_per_kwh is not None:
        return [col(Station.id) == any_(_ids(demand.cheapest))]
    return [*_of_station(demand), *([has_evse(demand)] if _asks_of_evses(demand.filter) else [])]


def fitting(wanted: Filter, open_ids: Iterable[int]) -> list[Condition]:
    """What a filter asks of a station, an EVSE and a connector of it, as far as no price is needed to tell."""
    demand = Demand(wanted, open_ids)
    return [*_of_station(demand), *_of_evse(wanted), *_of_connector(wanted)]


def _of_station(demand: Demand) -> list[Condition]:
    wanted = demand.filter
    conditions: list[Condition] = []
    if wanted.operator_ids:
        conditions.append(col(Station.operator_id).in_(wanted.operator_ids))
    if wanted.open_24h:
        conditions.append(col(Station.twenty_four_seven).is_(True))
    if wanted.open_now:
        always = and_(col(Station.twenty_four_seven).is_(True), col(Station.opening_hours).is_(None))
        conditions.append(or_(always, col(Station.id) == any_(_ids(demand.open_ids))))
    if wanted.facilities:
        conditions.append(col(Station.facilities).contains(list(wanted.facilities)))
    return conditions


def has_evse(demand: Demand, *more: Condition) -> Condition:
    """Whether the station has a charge point with all that is asked of one, and `more`."""
    wanted = demand.filter
    query = select(col(Evse.id)).where(*_of_evse(wanted), *more)
    if _asks_of_connectors(wanted):
        query = query.where(select(col(Connector.id)).where(*_of_cheap_connector(demand)).correlate(Evse).exists())
    return query.correlate(Station).exists()


def _asks_of_connectors(wanted: Filter) -> bool:
    return bool(wanted.standards) or wanted.min_power_w is not None or wanted.max_price_per_kwh is not None


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


def _of_cheap_connector(demand: Demand) -> list[Condition]:
    conditions = _of_connector(demand.filter)
    if demand.filter.max_price_per_kwh is not None:
        conditions.append(col(Connector.id) == any_(_ids(demand.cheap_ids)))
    return conditions


def sort_values(place: Place, demand: Demand, order: Order) -> tuple[Number, Number]:
    """Two numbers that a station is sorted by, the smaller first; the distance in metres is the last that counts."""
    if isinstance(place, Ids):
        near: Number = func.array_position(_ids(place.ids), col(Station.id)).cast(Float)
    else:
        near = distance_m(*((place.longitude, place.latitude) if isinstance(place, Near) else place.middle()))
    if order is Order.PRICE:
        return _price(demand), near
    if isinstance(place, Ids):
        return near, literal(0.0)
    if order is Order.DISTANCE:
        return literal(0.0), near
    return _power(demand) if order is Order.POWER else _freedom(demand), near


def _price(demand: Demand) -> Number:
    """Looked up in one JSON object: a join with thousands of pairs would be planned as if there were few."""
    prices = literal({str(id_): price for id_, price in demand.cheapest.items()}, JSONB)
    return func.coalesce(prices[cast(col(Station.id), Text)].astext.cast(BigInteger), UNKNOWN_LAST)


def _power(demand: Demand) -> Number:
    strongest = (
        select(-func.max(col(Connector.max_power_w)))
        .where(*_of_evse(demand.filter), *_of_cheap_connector(demand))
        .correlate(Station)
        .scalar_subquery()
    )
    return func.coalesce(strongest, 1).cast(Float)


def _freedom(demand: Demand) -> Number:
    free = has_evse(demand, col(Evse.status) == "AVAILABLE")
    unknown = has_evse(demand, col(Evse.status) == "UNKNOWN")
    return case((free, 0.0), (unknown, 1.0), else_=2.0)
