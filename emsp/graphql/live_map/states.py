"""What stations are like now: read from the index of this process where there is one, else from the database."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from emsp import clock
from emsp.db.engine import reading
from emsp.errors import Invalid
from emsp.stations import search
from emsp.stations.asking import Filter, Ids, Network, Order, Place
from emsp.stations.availability import Availability, availability
from emsp.stations.geo import Box
from emsp.stations.index import live
from emsp.stations.index.records import StationRecord
from emsp.stations.tables import Station

WATCHED_MAX, BATCH = 1000, 100
RECENT_MAX, RECENT_S = 20_000, 5.0


@dataclass(slots=True, eq=False)
class State:
    """A station and how many of its charge points were free when it was looked at."""

    row: Station | StationRecord
    counted: Availability
    statuses: bytes | None = None
    """Of its charge points, in their order; None where only a change of one makes somebody look."""
    fingerprint: int = field(init=False)
    """Small to keep, and another one when there is something to tell; that all is as it was is nothing to tell."""

    def __post_init__(self) -> None:
        told = self.counted if self.statuses is None else (replace(self.counted, as_of=None), self.statuses)
        self.fingerprint = hash(told)

    @property
    def station_id(self) -> int:
        return self.row.id or 0

    def is_like(self, other: State) -> bool:
        """Whether both were taken of a station that did not change in between."""
        return self.counted == other.counted and _is_unchanged(self.row, other.row)


async def of_stations(ids: Iterable[int], network: Network | None = None) -> AsyncIterator[list[State]]:
    """Of those of the stations that are shown, and in the network, in batches."""
    wanted, index = list(ids), live.current()
    for start in range(0, len(wanted), BATCH):
        some = wanted[start : start + BATCH]
        if index and network is None:
            yield _states([index.record(*found) for id_ in some if (found := index.row_of(id_))], {})
        else:
            states, _, _ = await _batch(Ids(tuple(some)), network, None)
            yield states


async def in_box(box: Box, network: Network | None = None) -> AsyncIterator[list[State]]:
    """Of every station in a box and in the network, in batches. Raises Invalid when they are too many to watch."""
    after: str | None = None
    while True:
        states, total, after = await _batch(box, network, after)
        if total > WATCHED_MAX:
            raise Invalid(f"holds {total} stations; at most {WATCHED_MAX} can be watched at a time", "box")
        yield states
        if after is None:
            return


async def _batch(place: Place, network: Network | None, after: str | None) -> tuple[list[State], int, str | None]:
    """Some stations as they are now, how many there are in all, and the cursor when there are more."""
    async with reading() as db:
        page = await search.find(db, place, Filter(network=network), Order.DISTANCE, BATCH, after)
        rows = [row for row in page.stations if isinstance(row, Station)]
        counted = await availability(db, [row.id or 0 for row in rows]) if rows else {}
    return _states(page.stations, counted), page.total_count, page.cursors[-1] if page.has_next else None


def _states(rows: Sequence[Station | StationRecord], counted: dict[int, Availability]) -> list[State]:
    now, moment_s = clock.now(), time.monotonic()
    return [
        State(row, counted[row.id or 0]) if isinstance(row, Station) else _of_record(row, now, moment_s) for row in rows
    ]


_recent: dict[int, tuple[float, State]] = {}
"""By station: when it was looked at, and what was seen. Thousands who come back at once look at the same ones."""


def _of_record(record: StationRecord, now: datetime, moment_s: float) -> State:
    seen_s, seen = _recent.get(record.id, (0.0, None))
    if seen and moment_s - seen_s < RECENT_S and _is_unchanged(seen.row, record):
        return seen
    if len(_recent) >= RECENT_MAX:
        _recent.clear()
    begin, end = record.segment.evse_start[record.row : record.row + 2]
    state = State(record, record.availability(now), record.segment.status[begin:end].tobytes())
    _recent[record.id] = moment_s, state
    return state


def _is_unchanged(row: Station | StationRecord, later: Station | StationRecord) -> bool:
    if isinstance(row, Station) or isinstance(later, Station):
        return isinstance(row, Station) and isinstance(later, Station) and row.updated_at == later.updated_at
    return row.segment is later.segment and row.row == later.row and row.version == later.version
