"""Which rows of a segment are in a box: a few runs of Morton order, then an exact look at each row."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from math import asinh, copysign, degrees, radians, tan
from typing import TYPE_CHECKING, Any

import numpy as np

from emsp.stations.geo import MERCATOR_LIMIT_DEG, Box, around
from emsp.stations.index import morton

if TYPE_CHECKING:
    from emsp.stations.index.columns import Segment

Rows = Any
"""An array of row numbers."""
Mask = Any
"""An array of booleans."""

Runs = list[tuple[int, int]]
"""Rows that follow each other: the first one, and the one after the last."""

PIECES, ENOUGH = 12, 1_000
"""A box is cut into so many pieces at most, and no more once each has so few rows."""
CELL_DEG = 360 / morton.SIDE
EVEN, ODD = 0x5555555555555555, 0xAAAAAAAAAAAAAAAA
"""The bits of columns, the bits of rows."""
CLOSE = 200
"""Runs with fewer rows between them are one: looking at a few rows more is cheaper than at another run."""
FEW = 20_000
"""So many rows are looked at one by one; more are asked for as a mask of the whole segment."""

FEW_RUNS = 12
"""So many runs are written out one by one, which is faster."""


def cover(segment: Segment, box: Box) -> Runs:
    """Runs of rows, in order and apart, that hold every row of the box, and some more."""
    parts = [run for part in box.parts() for run in _runs(segment, part)]
    runs: Runs = []
    for first, end in parts if box.west <= box.east else sorted(parts):
        if runs and first - runs[-1][1] < CLOSE:
            runs[-1] = runs[-1][0], max(runs[-1][1], end)
        elif first < end:
            runs.append((first, end))
    return runs


def rows_in(segment: Segment, box: Box) -> Rows:
    """The rows that stand in the box, alive or not, in order."""
    return rows_among(segment, cover(segment, box), box)


def rows_among(segment: Segment, runs: Runs, box: Box, mask: Mask | None = None) -> Rows:
    """Those rows of some runs that stand in the box, and have `mask` true."""
    found = [_among(segment, run, box, mask) for run in runs]
    return found[0] if len(found) == 1 else np.concatenate(found or [np.empty(0, dtype=np.int64)])


def _among(segment: Segment, run: tuple[int, int], box: Box, mask: Mask | None) -> Rows:
    here = slice(*run)
    inside = holds(box, segment.longitude[here], segment.latitude[here])
    if mask is not None:
        inside &= mask[here]
    rows = inside.nonzero()[0]
    rows += run[0]
    return rows


def mask_of(segment: Segment, box: Box) -> Mask:
    """Of every row of the segment, whether it stands in the box."""
    return holds(box, segment.longitude, segment.latitude)


def size(runs: Runs) -> int:
    """How many rows some runs have."""
    return sum([end - first for first, end in runs])


def holds(box: Box, longitudes: Any, latitudes: Any) -> Mask:
    """Whether places are inside or on the edge."""
    inside = latitudes >= box.south
    inside &= latitudes <= box.north
    if box.west > box.east:
        return inside & ((longitudes >= box.west) | (longitudes <= box.east))
    inside &= longitudes >= box.west
    inside &= longitudes <= box.east
    return inside


def expanded(starts: Any, ends: Any) -> Rows:
    """The numbers of all runs, one after the other."""
    if len(starts) <= FEW_RUNS:
        runs = [np.arange(*run) for run in zip(starts.tolist(), ends.tolist(), strict=True) if run[0] < run[1]]
        return np.concatenate(runs) if runs else np.empty(0, dtype=np.int64)
    lengths = ends - starts
    total = int(lengths.sum())
    if not total:
        return np.empty(0, dtype=np.int64)
    steps = np.ones(total, dtype=np.int64)
    kept = lengths > 0
    starts, lengths = starts[kept], lengths[kept]
    steps[0] = starts[0]
    steps[np.cumsum(lengths)[:-1]] = starts[1:] - (starts[:-1] + lengths[:-1] - 1)
    return np.cumsum(steps)


def circle(longitude: float, latitude: float, radius_m: float) -> Box:
    """A box around all places whose distance in whole millimetres is at most `radius_m`."""
    return around(longitude, latitude, radius_m + 0.01)


def square(part: Box) -> tuple[int, int, int, int]:
    """Its first and last column and row, and one more each, as a logarithm may differ in its last digit."""
    west, east, south, north = _x(part.west), _x(part.east), _y(part.south), _y(part.north)
    return max(west - 1, 0), max(south - 1, 0), min(east + 1, morton.SIDE - 1), min(north + 1, morton.SIDE - 1)


def code_of(longitude: float, latitude: float) -> Any:
    """As `morton.code_of`, of one place."""
    return np.uint64(spread(_x(longitude)) | spread(_y(latitude)) << 1)


def _x(longitude: float) -> int:
    """As `morton.x_of`, of one place."""
    column = int((longitude + 180) / CELL_DEG)
    return column if column < morton.SIDE else morton.SIDE - 1


def _y(latitude: float) -> int:
    """As `morton.y_of`, of one place."""
    if not -MERCATOR_LIMIT_DEG < latitude < MERCATOR_LIMIT_DEG:
        latitude = copysign(MERCATOR_LIMIT_DEG, latitude)
    return _x(degrees(asinh(tan(radians(latitude)))))


def _runs(segment: Segment, part: Box) -> Runs:
    """Between the codes of two corners lies all that is in their box, and much else where a coarse line of the map
    crosses it: there the box is cut in two, where it has the most rows first."""
    west, south, east, north = square(part)
    low, high = spread(west) | spread(south) << 1, spread(east) | spread(north) << 1
    codes = segment.at.code
    first = bisect_left(codes, low)
    nearby = min(first + ENOUGH, len(codes))
    if nearby == len(codes) or codes[nearby] > high:
        return [(first, bisect_right(codes, high, first, nearby))]
    pieces = [(bisect_right(codes, high, nearby) - first, first, low, high)]
    while len(pieces) < PIECES:
        largest = max(pieces)
        if largest[0] <= ENOUGH or largest[2] == largest[3]:
            break
        pieces.remove(largest)
        pieces += _halves(codes, *largest)
    return sorted((first, first + rows) for rows, first, _, _ in pieces)


def _halves(codes: Any, rows: int, first: int, low: int, high: int) -> list[tuple[int, int, int, int]]:
    """The two pieces on either side of the coarsest line that crosses a piece."""
    end, bit = first + rows, (low ^ high).bit_length() - 1
    line = 1 << bit
    finer = (line - 1) & (ODD if bit % 2 else EVEN)
    last, begin = high & ~line | finer, (low | line) & ~finer
    before = bisect_right(codes, last, first, end)
    behind = bisect_left(codes, begin, before, end)
    return [(before - first, first, low, last), (end - behind, behind, begin, high)]


def spread(number: int) -> int:
    """Its bits with a gap after each: what `morton.interleave` makes of columns and, twice that, of rows."""
    return int(f"{number:b}", 4)
