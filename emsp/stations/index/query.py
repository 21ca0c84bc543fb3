"""Stations of an index that are at a place and pass a filter, in an order, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emsp.stations.asking import (
    Along,
    Cursor,
    Cursors,
    Filter,
    Ids,
    Near,
    Order,
    Page,
    Place,
    Prices,
    checked_first,
    on_route,
)
from emsp.stations.geo import Box
from emsp.stations.index import along, filters, views
from emsp.stations.index.boxes import FEW, Rows, circle, cover, holds, mask_of, rows_among, size
from emsp.stations.index.chosen import Chosen, Records
from emsp.stations.index.orders import distances_m, first_values, nearest
from emsp.stations.index.prices import are_asked_for, cheap, prices_of

if TYPE_CHECKING:
    from emsp.stations.index.columns import Segment
    from emsp.stations.index.kept import StationIndex


SPARSE = 8
"""Of fewer rows than one in so many, the places are looked up; of more, those of all rows are compared."""
NOWHERE = -1.0
"""Nearer than anything."""


class There(NamedTuple):
    """The rows of a segment that are at a place and pass a filter; their nearness, where it is known by now."""

    segment: Segment
    rows: Rows
    near: Any | None = None
    off_m: Any | None = None

    def only(self, kept: Any) -> There:
        """Some of them."""
        near, off_m = (None if column is None else column[kept] for column in (self.near, self.off_m))
        return There(self.segment, self.rows[kept], near, off_m)


class Hits(NamedTuple):
    """Stations of a segment in their order, column by column, with what they are sorted by: `value`, which may be one
    for all, then `near`, then `id`."""

    segment: Segment
    row: Rows
    value: Any
    near: Any
    id: Any
    off_m: Any | None

    def only(self, chosen: Any) -> Hits:
        """Some of them."""
        segment, row, value, near, id, off_m = self
        if not isinstance(value, float):
            value = value[chosen]
        return Hits(segment, row[chosen], value, near[chosen], id[chosen], None if off_m is None else off_m[chosen])


async def find(
    index: StationIndex,
    place: Place,
    wanted: Filter,
    order: Order,
    first: int,
    after: str | None,
    *,
    at: datetime,
    prices: Prices | None = None,
) -> Page:
    """As `search.find`."""
    cursor = Cursor.read(after, order)
    checked_first(first)
    found = [there for segment in index.segments if len((there := _there(index, segment, place, wanted, at)).rows)]
    costs: Sequence[Any] = [None] * len(found)
    if are_asked_for(wanted, order):
        costs = await prices_of([(there.segment, there.rows) for there in found], wanted, prices)
    if wanted.max_price_per_kwh is not None:
        found = [_cheap(there, wanted, cost) for there, cost in zip(found, costs, strict=True)]
    hits = [
        _hits(some, place, values, cursor, first + 1)
        for there, cost in zip(found, costs, strict=True)
        for some, values in _foremost(
            there, first_values(there.segment, there.rows, wanted, order, cost), place, cursor, first
        )
    ]
    return _page(hits, order, first, sum(len(there.rows) for there in found), place)


def passing_rows(segment: Segment, box: Box, wanted: Filter, at: datetime) -> Rows:
    """The rows in a box that pass a filter, in order."""
    runs = cover(segment, box)
    if size(runs) > FEW:
        return _many(segment, box, wanted, at)
    if (view := views.of(segment).at_hand(wanted, at)) is not None:
        return rows_among(segment, runs, box, view.mask)
    rows = rows_among(segment, runs, box)
    return rows[filters.passing(segment, wanted, at, rows)]


def _many(segment: Segment, box: Box, wanted: Filter, at: datetime) -> Rows:
    rows = views.of(segment).rows(wanted, at)
    if len(rows) > len(segment) // SPARSE:
        return np.flatnonzero(views.of(segment).of(wanted, at).mask & mask_of(segment, box))
    return rows[holds(box, segment.longitude[rows], segment.latitude[rows])]


def _there(index: StationIndex, segment: Segment, place: Place, wanted: Filter, at: datetime) -> There:
    if isinstance(place, Box):
        return There(segment, passing_rows(segment, place, wanted, at))
    if isinstance(place, Ids):
        return _of_ids(index, segment, place, wanted, at)
    if isinstance(place, Along):
        beside = along.passed(segment, place)
        there = There(segment, beside.rows, beside.along_m, beside.off_m)
        return there.only(filters.passing(segment, wanted, at, there.rows))
    if place.radius_m is None:
        return There(segment, views.of(segment).rows(wanted, at))
    rows = passing_rows(segment, circle(place.longitude, place.latitude, place.radius_m), wanted, at)
    near = distances_m(segment, rows, (place.longitude, place.latitude))
    return There(segment, rows, near).only(near <= place.radius_m)


def _of_ids(index: StationIndex, segment: Segment, place: Ids, wanted: Filter, at: datetime) -> There:
    """The place of an id in the list is its nearness."""
    known = [(index.row_of(id_), float(number)) for number, id_ in reversed(list(enumerate(place.ids, 1)))]
    numbers = {found[1]: number for found, number in known if found and found[0] is segment}
    rows = np.array(sorted(numbers), dtype=np.int64)
    there = There(segment, rows, np.array([numbers[row] for row in rows.tolist()], dtype=np.float64))
    return there.only(filters.passing(segment, wanted, at, rows))


def _cheap(there: There, wanted: Filter, prices: Any) -> There:
    return there.only(np.isin(there.rows, cheap(there.segment, there.rows, wanted, prices), assume_unique=True))


def _foremost(
    there: There, values: Any | None, place: Place, cursor: Cursor | None, first: int
) -> Iterator[tuple[There, Any]]:
    """Those that may be on the page after the cursor, with their values: few, however many there are.

    Without values all are equal in them, and only nearness counts.
    """
    if values is None:
        yield _nearest(there, place, first, cursor.second if cursor else NOWHERE), 0.0
        return
    if cursor:
        beside = values == cursor.first
        yield _nearest(there.only(beside), place, first, cursor.second), float(cursor.first)
        there, values = there.only(values > cursor.first), values[values > cursor.first]
    if len(values) > first:
        last = np.partition(values, first)[first]
        yield there.only(values < last), values[values < last]
        yield _nearest(there.only(values == last), place, first, NOWHERE), float(last)
    else:
        yield there, values


def _nearest(there: There, place: Place, first: int, beyond_m: float) -> There:
    if there.near is not None:
        return there
    rows = nearest(there.segment, there.rows, _point(place), first + 1, beyond_m)
    return There(there.segment, rows)


def _point(place: Place) -> tuple[float, float]:
    if isinstance(place, Box):
        return place.middle()
    assert isinstance(place, Near)
    return place.longitude, place.latitude


def _hits(there: There, place: Place, values: Any, cursor: Cursor | None, wanted: int) -> Hits:
    """The first so many after the cursor; `values` may be one for all."""
    segment, rows, near, off_m = there
    near = distances_m(segment, rows, _point(place)) if near is None else near
    ids = segment.id[rows]
    order = np.lexsort((ids, near) if isinstance(values, float) else (ids, near, values))
    if cursor:
        order = order[_after(values, near, ids, cursor)[order]]
    return Hits(segment, rows, values, near, ids, off_m).only(order[:wanted])


def _after(values: Any, near: Any, ids: Any, cursor: Cursor) -> Any:
    same = values == cursor.first
    beside = same & (near == cursor.second)
    return (values > cursor.first) | (same & (near > cursor.second)) | (beside & (ids > cursor.id))


def _page(found: list[Hits], order: Order, first: int, total: int, place: Place) -> Page:
    stations, value, near, off_m = _together(found, first)
    count, far_m = len(stations), near.tolist()
    values = [value] * count if isinstance(value, float) else value.tolist()
    return Page(
        stations=stations,
        distances_m=[None] * count if isinstance(place, (Ids, Along)) else list(map(round, far_m)),
        on_route=[None] * count if off_m is None else list(map(on_route, far_m, off_m.tolist())),
        cursors=Cursors(order, list(map(int, values)) if order is Order.PRICE else values, far_m, stations.ids),
        total_count=total,
        has_next=sum([len(hits.id) for hits in found]) > first,
    )


def _together(found: list[Hits], first: int) -> tuple[Records, Any, Any, Any | None]:
    """The first so many of all, with `value`, `near` and `off_m` of Hits."""
    if not found:
        return Records([], []), *np.empty((2, 0)), None
    if len(found) == 1:
        hits = found[0] if len(found[0].id) <= first else found[0].only(slice(first))
        chosen = Chosen(hits.segment, hits.row)
        return Records([(range(len(hits.id)), chosen)], hits.id.tolist()), hits.value, hits.near, hits.off_m
    lengths = [len(hits.id) for hits in found]
    values = [np.broadcast_to(hits.value, length) for hits, length in zip(found, lengths, strict=True)]
    value, near, ids = map(np.concatenate, (values, [hits.near for hits in found], [hits.id for hits in found]))
    order = np.lexsort((ids, near, value))[:first]
    parts, begin = [], 0
    for hits, length in zip(found, lengths, strict=True):
        places = np.flatnonzero((order >= begin) & (order < begin + length))
        parts.append((places.tolist(), Chosen(hits.segment, hits.row[order[places] - begin])))
        begin += length
    off_m = None if found[0].off_m is None else np.concatenate([hits.off_m for hits in found])[order]
    return Records(parts, ids[order].tolist()), value[order], near[order], off_m
