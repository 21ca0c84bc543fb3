"""The index that is searched: a large base, and what changed since it was made.

A station that changed as a whole is dead where it was and lives in a newer segment. Statuses change where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import numpy as np

from emsp.stations.index import views
from emsp.stations.index.columns import Array, Segment, merged
from emsp.stations.index.filters import children
from emsp.stations.index.records import StationRecord, station_record

FEW, TIMES = 1_000, 4
"""A segment of so few stations, or of less than so many times those of the next one, is merged with it: that leaves
few segments, and lets none be made again for little."""
MANY, SHARE = 20_000, 0.1
"""More changed stations than these, and than this share of the base, make it time for a new base."""


_generations = count(1)


class EvseStatus(NamedTuple):
    """The status of an EVSE, by its code; times in microseconds since 1970."""

    evse_id: int
    station_id: int
    status: int
    status_as_of: int
    source_updated_at: int
    """Of the station."""


class StationIndex:
    """The segments that are searched. A station is alive in one of them at most.

    `generation` grows with every change; the `version` of a station is the generation that changed it last. They are
    counted through all indexes of a process, so that a version never stands for two contents of a station.
    """

    def __init__(self, base: Segment) -> None:
        self.generation = self.next_generation()
        base.version[:] = self.generation
        self.segments: tuple[Segment, ...] = (base,)

    def next_generation(self) -> int:
        """What changes from now on is of another generation."""
        self.generation = next(_generations)
        return self.generation

    def row_of(self, station_id: int) -> tuple[Segment, int] | None:
        """Where a station is alive."""
        for segment in self.segments:
            if (row := segment.row_of(station_id)) is not None:
                return segment, row
        return None

    def record(self, segment: Segment, row: int) -> StationRecord:
        """A station as an object."""
        return station_record(segment, row)

    def stations(self) -> int:
        """How many are alive."""
        return sum(int(segment.alive.sum()) for segment in self.segments)

    def is_worn(self) -> bool:
        """Whether so much changed that a new base would serve better."""
        base, *changed = self.segments
        return sum(map(len, changed)) > max(MANY, SHARE * len(base))

    def close(self) -> None:
        """Let go of what is remembered of its segments."""
        for segment in self.segments:
            views.forget(segment)

    def set_statuses(self, statuses: Sequence[EvseStatus]) -> list[int]:
        """Take over statuses of EVSEs; gives the stations where one is not what it was."""
        if not statuses:
            return []
        self.next_generation()
        changed: list[int] = []
        columns = np.array(statuses, dtype=np.int64).T
        for segment in self.segments:
            rows = _set(segment, *columns)
            if len(rows):
                segment.count_again(rows.tolist())
                segment.version[rows] = self.generation
                views.touched(segment, rows)
                changed += segment.id[rows].tolist()
        return changed

    def prepared(self, fresh: Segment, ids: Sequence[int]) -> tuple[Segment, ...]:
        """The segments with `fresh` for `ids`, which still live in older ones. Changes nothing: for another thread."""
        *older, last = (*self.segments, fresh)
        merging: list[Segment] = []
        size = len(fresh)
        while len(older) > 1 and len(older[-1]) < max(FEW, TIMES * size):
            merging.insert(0, older.pop())
            size += len(merging[0])
        if merging:
            last = merged([*merging, fresh], without=[*(ids for _ in merging), ()])
        return (*older, last) if len(last) else tuple(older)

    def replace(self, ids: Sequence[int], prepared: tuple[Segment, ...]) -> None:
        """Let what was prepared take the place of the stations that `ids` were."""
        for segment in prepared:
            if segment in self.segments:
                rows = segment.rows_of(ids)
                segment.alive[rows] = False
                views.touched(segment, rows)
        for segment in set(self.segments) - set(prepared):
            views.forget(segment)
        self.segments = prepared
        self._renew_operators()

    def _renew_operators(self) -> None:
        """Where an operator's name or address was read anew, all its stations changed."""
        operators = self.segments[0].books.renewed_operators()
        for segment in self.segments if operators else ():
            segment.version[np.isin(segment.operator, operators)] = self.generation


def _set(
    segment: Segment, evse_ids: Array, station_ids: Array, status: Array, as_of: Array, updated_at: Array
) -> Array:
    """Set statuses where they belong; gives the rows of stations where something is not what it was."""
    stations = segment.rows_of(np.unique(station_ids))
    evses, owners = children(segment.evse_start, stations)
    if not len(evses):
        return np.empty(0, dtype=np.int64)
    order = np.argsort(segment.evse_id[evses])
    places = order[np.minimum(np.searchsorted(segment.evse_id[evses], evse_ids, sorter=order), len(evses) - 1)]
    evses, rows = evses[places], stations[owners[places]]
    new = (segment.status[evses] != status) | (segment.status_as_of[evses] != as_of)
    new |= segment.source_updated_at[rows] != updated_at
    new &= segment.evse_id[evses] == evse_ids
    evses, rows = evses[new], rows[new]
    segment.status[evses], segment.status_as_of[evses] = status[new], as_of[new]
    segment.source_updated_at[rows] = updated_at[new]
    return np.unique(rows)
