"""From what was heard of a charge point, late and in pieces, to what it was when; pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from emsp.stations.history import week

IN_USE = frozenset({"CHARGING", "BLOCKED"})
SEEN = frozenset({*IN_USE, "AVAILABLE", "RESERVED"})
"""One that is out of order, or that nobody speaks of, is neither in use nor free."""
LONGEST_IN_USE = timedelta(hours=24)
LONGEST_SEEN = timedelta(days=14)
"""What is said to have lasted longer is not believed: nobody was heard in between."""


class Heard(NamedTuple):
    """A charge point had a status until then."""

    status: str
    until: datetime


class Interval(NamedTuple):
    """A charge point had a status from `since` until `until`."""

    status: str
    since: datetime
    until: datetime


def timeline(heard: Iterable[Heard], status: str, since: datetime, until: datetime) -> list[Interval]:
    """What a charge point was from `since` until `until`: all that was heard, and its present `status` after that."""
    intervals: list[Interval] = []
    for each in (*sorted(heard, key=lambda change: change.until), Heard(status, until)):
        end = min(each.until, until)
        if end <= since:
            continue
        if intervals and intervals[-1].status == each.status:
            intervals[-1] = intervals[-1]._replace(until=end)
        else:
            intervals.append(Interval(each.status, since, end))
        since = end
    return intervals


def count(intervals: Iterable[Interval], time_zone: str, occupied_s: list[int], observed_s: list[int]) -> None:
    """Add the intervals to the seconds in use, and seen, of each hour of the local week."""
    for interval in intervals:
        if _is_believed(interval):
            week.add(observed_s, interval.since, interval.until, time_zone)
            if interval.status in IN_USE:
                week.add(occupied_s, interval.since, interval.until, time_zone)


def _is_believed(interval: Interval) -> bool:
    longest = LONGEST_IN_USE if interval.status in IN_USE else LONGEST_SEEN
    return interval.status in SEEN and interval.until - interval.since <= longest
