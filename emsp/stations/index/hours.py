"""Which stations are open at a time: each distinct opening hours are read once a minute."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from emsp.stations import opening
from emsp.stations.index.boxes import Mask

if TYPE_CHECKING:
    from emsp.stations.index.columns import Segment

NOT_READ, CLOSED, OPEN = -1, 0, 1


class Hours:
    """What is open at one moment, of the opening hours that were asked about."""

    def __init__(self, table: Any, at: datetime) -> None:
        self.table, self.at = table, at
        self.is_open = np.full(len(table), NOT_READ, dtype=np.int8)

    def of(self, refs: Any) -> Mask:
        """Whether those with these references are known to be open."""
        for ref in np.unique(refs[self.is_open[refs] == NOT_READ]):
            self.is_open[ref] = OPEN if opening.open_at(self.at, *self.table[ref]) else CLOSED
        return self.is_open[refs] == OPEN


_now: WeakKeyDictionary[Segment, Hours] = WeakKeyDictionary()
_seconds: WeakKeyDictionary[Segment, tuple[int, bool]] = WeakKeyDictionary()
"""How many opening hours were looked at, and whether one of them has an end within a minute."""


def open_now(segment: Segment, at: datetime, chosen: Any) -> Mask:
    """Of each chosen row, whether it is known to be open."""
    moment, known = moment_of(segment, at), _now.get(segment)
    if known is None or known.at != moment or len(known.is_open) != len(segment.hours):
        known = _now[segment] = Hours(segment.hours, moment)
    return known.of(segment.hours_ref[chosen])


def moment_of(segment: Segment, at: datetime) -> datetime:
    """The beginning of the minute, in which nothing opens or closes; the very time where something may."""
    seen, found = _seconds.get(segment, (0, False))
    if seen < len(segment.hours):
        found = found or any(_has_seconds(hours.opening_hours) for hours in segment.hours[seen:])
        _seconds[segment] = len(segment.hours), found
    return at if found else at.replace(second=0, microsecond=0)


def _has_seconds(document: dict[str, Any] | None) -> bool:
    hours = opening.read(document)
    periods = [*hours.exceptional_openings, *hours.exceptional_closings] if hours else []
    return any(end.second or end.microsecond for period in periods for end in (period.period_begin, period.period_end))
