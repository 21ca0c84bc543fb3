"""Places as numbers in Morton order over the web map: a square of the map is a run of numbers.

x grows eastwards, y northwards, 31 bits each, x in the even bits. `code >> (62 - 2 * level)` is the square of a level,
of which there are 4 ** level; the cluster cells of every zoom are such squares.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emsp.stations.geo import MERCATOR_LIMIT_DEG

BITS = 31
SIDE = 1 << BITS
_SPREAD = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)
Numbers = Any
"""An array of numbers, or one."""


def x_of(longitude: Numbers) -> Numbers:
    """The column of degrees east, 0 to SIDE - 1."""
    return _cell(np.asarray(longitude, dtype=np.float64))


def y_of(latitude: Numbers) -> Numbers:
    """The row of degrees north on the web map, 0 to SIDE - 1; beyond its edge is its last row."""
    clipped = np.clip(np.asarray(latitude, dtype=np.float64), -MERCATOR_LIMIT_DEG, MERCATOR_LIMIT_DEG)
    return _cell(np.degrees(np.log(np.tan(np.radians(45 + clipped / 2)))))


def interleave(x: Numbers, y: Numbers) -> Numbers:
    """The code of columns and rows."""
    return _spread(np.asarray(x, dtype=np.uint64)) | (_spread(np.asarray(y, dtype=np.uint64)) << np.uint64(1))


def deinterleave(code: Numbers) -> tuple[Numbers, Numbers]:
    """Columns and rows of codes."""
    codes = np.asarray(code, dtype=np.uint64)
    return _gather(codes), _gather(codes >> np.uint64(1))


def code_of(longitude: Numbers, latitude: Numbers) -> Numbers:
    """The code of places in degrees."""
    return interleave(x_of(longitude), y_of(latitude))


def _cell(degrees: Numbers) -> Numbers:
    return np.clip(np.floor((degrees + 180) / (360 / SIDE)), 0, SIDE - 1).astype(np.uint64)


def _spread(value: Numbers) -> Numbers:
    for shift, pattern in _SPREAD:
        value = (value | (value << np.uint64(shift))) & np.uint64(pattern)
    return value


def _gather(value: Numbers) -> Numbers:
    value = value & np.uint64(_SPREAD[-1][1])
    for (shift, _), (_, pattern) in zip(reversed(_SPREAD), (*reversed(_SPREAD[:-1]), (0, 0xFFFFFFFF)), strict=True):
        value = (value | (value >> np.uint64(shift))) & np.uint64(pattern)
    return value
