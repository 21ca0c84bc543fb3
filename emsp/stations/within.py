"""Places as SQL: which stations are there, and how near."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import cos, radians
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, any_, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.types import BigInteger, Float
from sqlmodel import col

from emsp.stations.asking import Along, Ids, Place
from emsp.stations.geo import EARTH_RADIUS_M, PER_M, Box, around
from emsp.stations.routes import M_PER_DEG, Leg, pieces
from emsp.stations.tables import Station
from emsp.stations.twins.shown import is_pin

Condition = ColumnElement[bool]
Number = ColumnElement[Any]
WIDE = 1.0
"""From so many square degrees on, a box may hold many thousand stations."""
LEG = ("number", "west", "south", "east", "north", *Leg.__struct_fields__)


class OnRoute(NamedTuple):
    """How far a station is off the leg that is nearest to it, and how far along the route that is."""

    off_m: Number
    along_m: Number


def within(place: Place) -> list[Condition]:
    """Stations on the map at the place."""
    return [is_pin(), *_there(place)]


def _there(place: Place) -> list[Condition]:
    if isinstance(place, Ids):
        return [col(Station.id) == any_(of_ids(place.ids))]
    if isinstance(place, Box):
        return [_in_box(place)]
    if isinstance(place, Along):
        boxes = (_in_box(box) for box, _ in pieces(place.path, place.corridor_m))
        return [or_(*boxes), along(place).off_m <= place.corridor_m]
    if place.radius_m is None:
        return []
    box = around(place.longitude, place.latitude, place.radius_m)
    return [_in_box(box), distance_m(place.longitude, place.latitude) <= place.radius_m]


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
    return _whole_mm(2 * EARTH_RADIUS_M * func.asin(func.least(1.0, func.sqrt(chord)), type_=Float))


def along(place: Along) -> OnRoute:
    """Null where no box of the route holds the station."""
    nearest = _nearest_leg(place).scalar_subquery()
    return OnRoute(nearest[1], nearest[2])


def _nearest_leg(place: Along) -> Select[Any]:
    """As `routes.off_m` measures it; of two that are equally near the first."""
    columns = (literal(list(column), ARRAY(Float)) for column in zip(*_legs(place), strict=True))
    leg = func.unnest(*columns).table_valued(*LEG).render_derived(name="leg").c
    longitude, latitude = col(Station.longitude), col(Station.latitude)
    straight = longitude - leg.longitude
    east_m = (straight - 360.0 * func.floor((straight + 180.0) / 360.0)) * leg.narrowing * M_PER_DEG
    north_m = (latitude - leg.latitude) * M_PER_DEG
    share = func.least(1.0, func.greatest(0.0, (east_m * leg.east_m + north_m * leg.north_m) / leg.square_m2))
    east_off_m, north_off_m = east_m - share * leg.east_m, north_m - share * leg.north_m
    off_m = _whole_mm(func.sqrt(east_off_m * east_off_m + north_off_m * north_off_m))
    along_m = _whole_mm(leg.begins_m + share * leg.length_m)
    inside = and_(longitude.between(leg.west, leg.east), latitude.between(leg.south, leg.north))
    found = select(array([off_m, along_m], type_=Float)).where(inside)
    return found.order_by(off_m, leg.number).limit(1).correlate(Station)


def _legs(place: Along) -> Iterator[list[float]]:
    number = 0
    for box, legs in pieces(place.path, place.corridor_m):
        for leg in legs:
            number += 1
            figures = [float(getattr(leg, name)) for name in Leg.__struct_fields__]
            for part in box.parts():
                yield [float(number), part.west, part.south, part.east, part.north, *figures]


def _whole_mm(metres: Number) -> Number:
    """Metres that compare alike wherever they were computed."""
    return func.round(metres * PER_M, type_=Float) / float(PER_M)


def of_ids(ids: Iterable[int]) -> Number:
    """Ids as one value, however many."""
    return literal(list(ids), ARRAY(BigInteger))
