"""What stations are sorted by, as numpy has it, and which of many can be among the first."""

from __future__ import annotations

from math import cos, radians, sin
from typing import TYPE_CHECKING, Any

import numpy as np

from emsp.stations.asking import Filter, Order
from emsp.stations.conditions import UNKNOWN_LAST
from emsp.stations.geo import EARTH_RADIUS_M, PER_M
from emsp.stations.index import codes, filters
from emsp.stations.index.boxes import Mask, Rows, circle, code_of, cover, expanded, holds, size
from emsp.stations.index.filters import Parts

if TYPE_CHECKING:
    from emsp.stations.index.columns import Segment

AT_HAND = 500
"""So many distances are computed without a thought."""
Point = tuple[float, float]
"""Longitude and latitude."""


def distances_m(segment: Segment, rows: Rows, point: Point) -> Any:
    """The great-circle distance of stations from a point, in whole millimetres: that over its chord."""
    apart = segment.globe.take(rows, axis=0)
    apart -= on_globe(*point)
    found = np.sqrt(np.vecdot(apart, apart))
    found *= 0.5
    np.minimum(found, 1.0, out=found)
    np.arcsin(found, out=found)
    found *= 2 * EARTH_RADIUS_M
    return whole_mm(found)


def on_globe(longitude: float, latitude: float) -> tuple[float, float, float]:
    """As `columns.on_globe`, of one place."""
    east, north = radians(longitude), radians(latitude)
    return cos(north) * cos(east), cos(north) * sin(east), sin(north)


def whole_mm(metres: Any) -> Any:
    """Metres that compare alike wherever they were computed."""
    return np.rint(metres * PER_M) / float(PER_M)


def nearest(segment: Segment, rows: Rows, point: Point, wanted: int, beyond_m: float) -> Rows:
    """Of some rows in order, those that may be among the nearest so many that are farther than `beyond_m`, or as far.

    Who stands beside the point in Morton order tells how far one must look at most.
    """
    if len(rows) <= AT_HAND:
        return rows
    here = int(np.searchsorted(rows, np.searchsorted(segment.code, code_of(*point))))
    reach = 2 * wanted
    while True:
        beside = rows[max(here - reach, 0) : here + reach]
        away_m = distances_m(segment, beside, point)
        away_m = away_m[away_m > beyond_m]
        if len(away_m) >= wanted or len(beside) == len(rows):
            break
        reach *= 4
    if len(away_m) < wanted:
        return rows
    return _within(segment, rows, point, float(np.partition(away_m, wanted - 1)[wanted - 1]))


def _within(segment: Segment, rows: Rows, point: Point, radius_m: float) -> Rows:
    """Those of some rows that may be at most so far away."""
    box = circle(*point, radius_m)
    runs = cover(segment, box)
    if size(runs) > len(rows):
        kept = rows
    else:
        kept = rows[expanded(*np.searchsorted(rows, np.array(runs, dtype=np.int64).reshape(-1, 2).T))]
    return kept[holds(box, segment.longitude[kept], segment.latitude[kept])]


def first_values(segment: Segment, rows: Rows, wanted: Filter, order: Order, prices: Any | None) -> Any | None:
    """What stations are sorted by before their nearness (None: by nothing); `prices` are those of the outlets."""
    if order is Order.DISTANCE:
        return None
    if order is not Order.PRICE and wanted.max_price_per_kwh is None and not filters.asks_of_evses(wanted):
        return _of_stations(segment, rows, order)
    parts = filters.parts_of(segment, rows)
    evses, connectors = fitting(segment, wanted, parts, prices)
    if order is Order.BEST_MATCH:
        return _freedom(segment, parts, evses, len(rows))
    station_of = parts.station_of[parts.evse_of[connectors]]
    chosen = parts.connectors[connectors]
    if order is Order.POWER:
        strongest = lowest(-segment.power_w[chosen].astype(np.int64), station_of, len(rows), 1)
        return strongest.astype(np.float64)
    assert prices is not None
    return lowest(prices[segment.outlet[chosen]], station_of, len(rows), UNKNOWN_LAST).astype(np.float64)


def _of_stations(segment: Segment, rows: Rows, order: Order) -> Any:
    """The same where every EVSE fits, which the columns of stations tell."""
    if order is Order.POWER:
        strongest_w = segment.max_power_w[rows]
        return np.where(strongest_w < 0, 1.0, -strongest_w.astype(np.float64))
    free, unknown = (segment.counts[rows, codes.COUNTED.index(name)] > 0 for name in ("available", "unknown"))
    return np.where(free, 0.0, np.where(unknown, 1.0, 2.0))


def fitting(segment: Segment, wanted: Filter, parts: Parts, prices: Any | None) -> tuple[Mask, Mask]:
    """Which EVSEs, and which of their connectors, have all that is asked, the price too."""
    evses = filters.fitting_evses(segment, wanted, parts)
    connectors = filters.fitting_connectors(segment, wanted, parts.connectors) & evses[parts.evse_of]
    if wanted.max_price_per_kwh is not None and prices is not None:
        connectors &= prices[segment.outlet[parts.connectors]] < UNKNOWN_LAST
    if filters.asks_of_connectors(wanted) or wanted.max_price_per_kwh is not None:
        evses = filters.any_child(connectors, parts.evse_of, len(evses))
    return evses, connectors


def lowest(values: Any, owners: Any, size: int, otherwise: int) -> Any:
    """The lowest value of each of so many owners; children of one owner stand together."""
    found = np.full(size, otherwise, dtype=np.int64)
    if len(values):
        firsts = np.append(0, np.flatnonzero(owners[1:] != owners[:-1]) + 1)
        found[owners[firsts]] = np.minimum.reduceat(values, firsts)
    return found


def _freedom(segment: Segment, parts: Parts, evses: Mask, stations: int) -> Any:
    statuses = segment.status[parts.evses]
    free = filters.any_child(evses & (statuses == codes.STATUSES["AVAILABLE"]), parts.station_of, stations)
    unknown = filters.any_child(evses & (statuses == codes.STATUSES["UNKNOWN"]), parts.station_of, stations)
    return np.where(free, 0.0, np.where(unknown, 1.0, 2.0))
