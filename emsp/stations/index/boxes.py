"""Which rows of a segment are in a box: a few runs of Morton order, then an exact look at each row."""

from __future__ import annotations

from collections.abc import Iterator
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

SQUARES_ACROSS = 4
"""A box is covered by so many squares each way, or one more."""
FEW = 20_000
"""So many rows are looked at one by one; more are asked for as a mask of the whole segment."""

FEW_RUNS = 40
"""So many runs are written out one by one, which is faster."""


def cover(segment: Segment, box: Box) -> tuple[Rows, Rows]:
    """Runs of rows (starts, ends) that hold every row of the box, and some more."""
    runs = [_runs(segment, part) for part in box.parts()]
    if len(runs) == 1:
        return runs[0]
    return _apart(*(np.concatenate(columns) for columns in zip(*runs, strict=True)))


def rows_in(segment: Segment, box: Box) -> Rows:
    """The rows that stand in the box, alive or not, in order."""
    starts, ends = cover(segment, box)
    rows = expanded(starts, ends)
    return rows[holds(box, segment.longitude[rows], segment.latitude[rows])]


def mask_of(segment: Segment, box: Box) -> Mask:
    """Of every row of the segment, whether it stands in the box."""
    return holds(box, segment.longitude, segment.latitude)


def size(runs: tuple[Rows, Rows]) -> int:
    """How many rows some runs have."""
    starts, ends = runs
    return int((ends - starts).sum())


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


def squares(box: Box) -> Iterator[tuple[int, int, int, int]]:
    """The first and last column and row of each part, and one more, as a logarithm may differ in its last digit."""
    for part in box.parts():
        west, east, south, north = _x(part.west), _x(part.east), _y(part.south), _y(part.north)
        yield max(west - 1, 0), max(south - 1, 0), min(east + 1, morton.SIDE - 1), min(north + 1, morton.SIDE - 1)


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


def _apart(starts: Any, ends: Any) -> tuple[Rows, Rows]:
    """Runs in order, of which none begins before the end of another."""
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], ends[order]
    starts = np.maximum(starts, np.append(0, np.maximum.accumulate(ends)[:-1]))
    return starts, np.maximum(ends, starts)


def _runs(segment: Segment, part: Box) -> tuple[Rows, Rows]:
    """In plain numbers up to the search itself: for so few squares, arrays would take longer."""
    ((west, south, east, north),) = squares(part)
    shift = (max(east - west, north - south) // SQUARES_ACROSS).bit_length()
    columns = [spread(x) for x in range(west >> shift, (east >> shift) + 1)]
    rows = [spread(y) << 1 for y in range(south >> shift, (north >> shift) + 1)]
    firsts: list[int] = []
    ends: list[int] = []
    for code in sorted(x | y for y in rows for x in columns):
        if ends and ends[-1] == code:
            ends[-1] = code + 1
        else:
            firsts.append(code)
            ends.append(code + 1)
    bounds = np.array([firsts, ends], dtype=np.uint64) << np.uint64(2 * shift)
    starts, lasts = np.searchsorted(segment.code, bounds)
    return starts, lasts


def spread(number: int) -> int:
    """Its bits with a gap after each: what `morton.interleave` makes of columns and, twice that, of rows."""
    return int(f"{number:b}", 4)
