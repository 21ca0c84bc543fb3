"""Which rows of a segment are in a box: a few runs of Morton order, then an exact look at each row."""

from __future__ import annotations

from bisect import bisect_left
from math import degrees, log, radians, tan
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

SQUARES_ACROSS = 2
"""A box is covered by so many squares each way, or some more."""
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
    found = [np.empty(0, dtype=np.int64)] if len(runs) != 1 else []
    for first, end in runs:
        here = slice(first, end)
        inside = holds(box, segment.longitude[here], segment.latitude[here])
        found.append((inside if mask is None else inside & mask[here]).nonzero()[0] + first)
    return found[0] if len(found) == 1 else np.concatenate(found)


def mask_of(segment: Segment, box: Box) -> Mask:
    """Of every row of the segment, whether it stands in the box."""
    return holds(box, segment.longitude, segment.latitude)


def size(runs: Runs) -> int:
    """How many rows some runs have."""
    return sum(end - first for first, end in runs)


def holds(box: Box, longitudes: Any, latitudes: Any) -> Mask:
    """Whether places are inside or on the edge."""
    inside = (latitudes >= box.south) & (latitudes <= box.north)
    if box.west <= box.east:
        return inside & (longitudes >= box.west) & (longitudes <= box.east)
    return inside & ((longitudes >= box.west) | (longitudes <= box.east))


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
    return min(int((longitude + 180) / (360 / morton.SIDE)), morton.SIDE - 1)


def _y(latitude: float) -> int:
    """As `morton.y_of`, of one place."""
    clipped = min(MERCATOR_LIMIT_DEG, max(-MERCATOR_LIMIT_DEG, latitude))
    return _x(degrees(log(tan(radians(45 + clipped / 2)))))


def _runs(segment: Segment, part: Box) -> Runs:
    """In plain numbers up to the search itself: for so few squares, arrays would take longer."""
    west, south, east, north = square(part)
    shift = (max(east - west, north - south) // SQUARES_ACROSS).bit_length()
    columns = [spread(west >> shift)]
    for _ in range(west >> shift, east >> shift):
        columns.append((columns[-1] | ODD) + 1 & EVEN)  # the gaps carry
    rows = [spread(south >> shift) << 1]
    for _ in range(south >> shift, north >> shift):
        rows.append((rows[-1] | EVEN) + 1 & ODD)
    bounds: list[int] = []
    for code in sorted([x | y for y in rows for x in columns]):
        if bounds and bounds[-1] == code:
            bounds[-1] = code + 1
        else:
            bounds += code, code + 1
    places = [0]
    for bound in bounds:
        places.append(bisect_left(segment.at.code, bound << 2 * shift, places[-1]))
    return list(zip(places[1::2], places[2::2], strict=True))


def spread(number: int) -> int:
    """Its bits with a gap after each: what `morton.interleave` makes of columns and, twice that, of rows."""
    return int(f"{number:b}", 4)
