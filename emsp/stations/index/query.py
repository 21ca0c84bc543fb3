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
from emsp.stations.index.boxes import FEW, Rows, circle, cover, expanded, holds, mask_of, size
from emsp.stations.index.orders import distances_m, first_values, nearest
from emsp.stations.index.prices import are_asked_for, cheap, prices_of
from emsp.stations.index.records import Records

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
    """Stations with what they are sorted by, column by column."""

    first: Any
    near: Any
    id: Any
    off_m: Any
    segment: Any
    row: Any
    version: Any


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
    found = [_there(index, segment, place, wanted, at) for segment in index.segments]
    costs: Sequence[Any] = [None] * len(found)
    if are_asked_for(wanted, order):
        costs = await prices_of([(there.segment, there.rows) for there in found], wanted, prices)
    if wanted.max_price_per_kwh is not None:
        found = [_cheap(there, wanted, cost) for there, cost in zip(found, costs, strict=True)]
    hits = [
        _hits(number, near, place, value)
        for number, (there, cost) in enumerate(zip(found, costs, strict=True))
        for near, value in _foremost(
            there, first_values(there.segment, there.rows, wanted, order, cost), place, cursor, first
        )
    ]
    segments, total = [there.segment for there in found], sum(len(there.rows) for there in found)
    return _page(hits, order, cursor, first, total, place, segments)


def passing_rows(segment: Segment, box: Box, wanted: Filter, at: datetime) -> Rows:
    """The rows in a box that pass a filter, in order."""
    runs = cover(segment, box)
    if size(runs) > FEW:
        return _many(segment, box, wanted, at)
    rows = expanded(*runs)
    return passing(segment, rows[holds(box, segment.longitude[rows], segment.latitude[rows])], wanted, at)


def _many(segment: Segment, box: Box, wanted: Filter, at: datetime) -> Rows:
    rows = views.of(segment).rows(wanted, at)
    if len(rows) > len(segment) // SPARSE:
        return np.flatnonzero(views.of(segment).of(wanted, at).mask & mask_of(segment, box))
    return rows[holds(box, segment.longitude[rows], segment.latitude[rows])]


def passing(segment: Segment, rows: Rows, wanted: Filter, at: datetime) -> Rows:
    """Those of some rows that pass a filter."""
    at_hand = views.of(segment)
    if at_hand.has(wanted, at):
        return rows[at_hand.of(wanted, at).mask[rows]]
    return rows[filters.passing(segment, wanted, at, rows)]


def _there(index: StationIndex, segment: Segment, place: Place, wanted: Filter, at: datetime) -> There:
    if isinstance(place, Ids):
        return _of_ids(index, segment, place, wanted, at)
    if isinstance(place, Along):
        beside = along.passed(segment, place)
        there = There(segment, beside.rows, beside.along_m, beside.off_m)
        return there.only(filters.passing(segment, wanted, at, there.rows))
    if isinstance(place, Box):
        return There(segment, passing_rows(segment, place, wanted, at))
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
        yield _nearest(there.only(beside), place, first, cursor.second), cursor.first
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


def _hits(number: int, there: There, place: Place, values: Any) -> Hits:
    segment, rows, near, off_m = there
    size = len(rows)
    return Hits(
        first=np.full(size, values, dtype=np.float64) if np.isscalar(values) else values,
        near=distances_m(segment, rows, _point(place)) if near is None else near,
        id=segment.id[rows],
        off_m=np.zeros(size) if off_m is None else off_m,
        segment=np.full(size, number),
        row=rows,
        version=segment.version[rows],
    )


def _page(
    found: Sequence[Hits],
    order: Order,
    cursor: Cursor | None,
    first: int,
    total: int,
    place: Place,
    segments: Sequence[Segment],
) -> Page:
    hits = _foremost_of_all(found, cursor, first + 1)
    values, near, ids, off_m, numbers, rows, versions = (column[:first].tolist() for column in hits)
    measured, routed = not isinstance(place, Ids | Along), isinstance(place, Along)
    if order is Order.PRICE:
        values = [int(value) for value in values]
    places = [(segments[number], row) for number, row in zip(numbers, rows, strict=True)]
    return Page(
        stations=Records(places, ids, versions),
        distances_m=np.rint(hits.near[:first]).astype(np.int64).tolist() if measured else [None] * len(ids),
        on_route=list(map(on_route, near, off_m)) if routed else [None] * len(ids),
        cursors=Cursors(order, list(zip(values, near, ids, strict=True))),
        total_count=total,
        has_next=len(hits.id) > first,
    )


def _foremost_of_all(found: Sequence[Hits], cursor: Cursor | None, wanted: int) -> Hits:
    """Of all segments in their order, after the cursor."""
    if not found:
        return Hits(*(np.empty(0) for _ in Hits._fields))
    hits = found[0] if len(found) == 1 else Hits(*(np.concatenate(columns) for columns in zip(*found, strict=True)))
    if cursor:
        hits = _chosen(hits, _after(hits, cursor))
    return _chosen(hits, np.lexsort((hits.id, hits.near, hits.first))[:wanted])


def _after(hits: Hits, cursor: Cursor) -> Any:
    same = hits.first == cursor.first
    beside = same & (hits.near == cursor.second)
    return (hits.first > cursor.first) | (same & (hits.near > cursor.second)) | (beside & (hits.id > cursor.id))


def _chosen(hits: Hits, kept: Any) -> Hits:
    return Hits(*(column[kept] for column in hits))
