"""Stations of an index gathered into the cells of the grid that `stations.clusters` draws, in time that hardly grows.

A cell is a square of the map. Squares that lie in the box are counted by a view's pyramid as a whole; those on its
edge by the squares within them, and in the end by their rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from emsp.stations.asking import Cluster, Filter, Order, Prices
from emsp.stations.availability import Availability, freshness
from emsp.stations.geo import CELLS_PER_TILE, Box, cell_degrees
from emsp.stations.index import morton, views
from emsp.stations.index.boxes import FEW, Rows, expanded, holds, square
from emsp.stations.index.prices import are_asked_for, cheap, prices_of
from emsp.stations.index.pyramid import NEVER, PER_DEGREE, Figures, Pyramid, Tree, figures_of, gathered
from emsp.stations.index.query import passing_rows

if TYPE_CHECKING:
    from emsp.stations.index.columns import Segment
    from emsp.stations.index.kept import StationIndex

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Piece = tuple[Any, Figures]
"""Cells, not each once, and what belongs to each."""


async def clusters(
    index: StationIndex, box: Box, zoom: int, wanted: Filter, *, at: datetime, prices: Prices | None = None
) -> list[Cluster]:
    """As `search.clusters`."""
    cell_degrees(zoom)
    level = zoom + CELLS_PER_TILE.bit_length() - 1
    segments = index.segments
    if are_asked_for(wanted, Order.DISTANCE):
        found = [(segment, passing_rows(segment, box, wanted, at)) for segment in segments]
        costs = await prices_of(found, wanted, prices)
        rows = [cheap(segment, some, wanted, cost) for (segment, some), cost in zip(found, costs, strict=True)]
        pieces = [_of_rows(segment, some, level) for segment, some in zip(segments, rows, strict=True)]
    else:
        pieces = [piece for segment in segments for piece in _pieces(segment, box, level, wanted, at)]
    return _clusters(pieces, level, at)


def _pieces(segment: Segment, box: Box, level: int, wanted: Filter, at: datetime) -> Iterator[Piece]:
    """By rows where few pass, or where the cells are smaller than the squares of a pyramid; else by squares."""
    at_hand = views.of(segment)
    if level > at_hand.tree.deepest or at_hand.count(wanted, at) <= FEW:
        yield _of_rows(segment, passing_rows(segment, box, wanted, at), level)
        return
    view = at_hand.of(wanted, at)
    for part in box.parts():
        yield from _of_squares(view.pyramid(at_hand.tree), view.mask, part, level)


def _of_rows(segment: Segment, rows: Rows, level: int) -> Piece:
    return segment.code[rows] >> np.uint64(2 * (morton.BITS - level)), figures_of(segment, rows)


def _of_squares(pyramid: Pyramid, mask: Any, box: Box, level: int) -> Iterator[Piece]:
    """From the squares of a level down to the rows on the edge of the box."""
    tree = pyramid.tree
    edges = square(box)
    touching: Any = np.arange(len(tree.codes[level]))
    for deeper in range(level, tree.deepest + 1):
        inside, on_edge = _sides(tree, deeper, touching, edges)
        full, figures = touching[inside], pyramid.levels[deeper]
        yield (
            tree.codes[deeper][full] >> np.uint64(2 * (deeper - level)),
            Figures(figures.sums[full], figures.maxima[full]),
        )
        touching = touching[on_edge]
        if deeper < tree.deepest:
            touching = _within(tree, deeper, touching)
    rows = tree.rows_of(touching)
    rows = rows[mask[rows]]
    yield _of_rows(tree.segment, rows[holds(box, tree.segment.longitude[rows], tree.segment.latitude[rows])], level)


def _within(tree: Tree, level: int, touching: Any) -> Any:
    starts = tree.starts[level]
    return expanded(starts[touching], starts[touching + 1])


def _sides(tree: Tree, level: int, touching: Any, edges: tuple[int, int, int, int]) -> tuple[Any, Any]:
    """Which squares lie in the box with all that they hold, and which others touch it."""
    west, south, east, north = edges
    shift = morton.BITS - level
    x, y = (places[touching] for places in tree.places[level])
    touches = _between(x, west >> shift, east >> shift)
    touches &= _between(y, south >> shift, north >> shift)
    inside = _between(x, ((west + 2) >> shift) + 1, ((east - 2) >> shift) - 1)
    inside &= _between(y, ((south + 2) >> shift) + 1, ((north - 2) >> shift) - 1)
    return inside, touches & ~inside


def _between(numbers: Any, least: int, most: int) -> Any:
    found = numbers >= least
    found &= numbers <= most
    return found


def _clusters(pieces: list[Piece], level: int, at: datetime) -> list[Cluster]:
    if not pieces:
        return []
    cells, figures = gathered(
        np.concatenate([codes for codes, _ in pieces]),
        Figures(*(np.concatenate(columns) for columns in zip(*(figures for _, figures in pieces), strict=True))),
    )
    x, y = morton.deinterleave(cells)
    order = np.lexsort((y, x))
    order = order[figures.sums[order, 0] > 0]
    return [
        _cluster(sums, maxima, at)
        for sums, maxima in zip(figures.sums[order].tolist(), figures.maxima[order].tolist(), strict=True)
    ]


def _cluster(sums: list[int], maxima: list[int], at: datetime) -> Cluster:
    count, ids, longitude, latitude, free, occupied, reserved, out_of_service, unknown, total = sums
    power_w, newest = maxima
    as_of = None if newest == NEVER else EPOCH + timedelta(0, 0, newest)
    how_fresh = freshness(as_of, at)
    return Cluster(
        latitude=latitude / count / PER_DEGREE,
        longitude=longitude / count / PER_DEGREE,
        station_count=count,
        availability=Availability(free, occupied, reserved, out_of_service, unknown, total, as_of, how_fresh),
        max_power_w=None if power_w < 0 else power_w,
        station_id=ids if count == 1 else None,
    )
