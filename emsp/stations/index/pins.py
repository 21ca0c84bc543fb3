"""The little that a map shows of many stations, read from the columns at once rather than station by station."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from emsp.stations.index import codes
from emsp.stations.index.records import Records, StationTexts

if TYPE_CHECKING:
    from emsp.stations.index.columns import Segment

_texts = msgspec.json.Decoder(StationTexts).decode
COUNTS = [codes.COUNTED.index(name) for name in ("available", "total")]


class Pin(NamedTuple):
    """A station on a map, with its charge points that are free, and all of them."""

    id: int
    name: str | None
    longitude: float
    latitude: float
    available: int
    total: int


def pins(stations: Records) -> list[Pin]:
    """In the same order."""
    found: list[Pin] = []
    for segment, places in groupby(stations.places, key=lambda place: place[0]):
        found += _pins(segment, [row for _, row in places])
    return found


def _pins(segment: Segment, rows: Sequence[int]) -> list[Pin]:
    at = np.array(rows)
    columns = (segment.id[at], segment.longitude[at], segment.latitude[at], *segment.counts[at][:, COUNTS].T)
    ids, longitudes, latitudes, available, total = (column.tolist() for column in columns)
    heap, starts, ends = segment.heap.data, segment.heap_start[at].tolist(), segment.heap_start[at + 1].tolist()
    names = [_texts(heap[start:end]).name for start, end in zip(starts, ends, strict=True)]
    return list(map(Pin, ids, names, longitudes, latitudes, available, total))
