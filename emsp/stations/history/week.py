"""The 168 hours of a station's local week, hour 0 being Monday 00:00 to 01:00; pure.

An hour that is passed twice when clocks are set back counts twice, one that is left out does not count.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

HOURS = 168
QUARTER_S = 900
"""Zones are set, and clocks change, by whole quarters of an hour of UTC."""


def empty() -> list[int]:
    """No seconds in any hour."""
    return [0] * HOURS


def add(seconds: list[int], since: datetime, until: datetime, time_zone: str) -> None:
    """Share the seconds from `since` to `until` out to the hours of the local week in which they passed."""
    there = _zone(time_zone)
    second, end = int(since.timestamp()), int(until.timestamp())
    while second < end:
        hour, ends = _hour_of(second // QUARTER_S, there)
        seconds[hour] += min(ends, end) - second
        second = ends


@lru_cache(maxsize=100_000)
def _hour_of(quarter: int, there: ZoneInfo) -> tuple[int, int]:
    """The hour of the local week in which a quarter of an hour lies, and the second of UTC at which it is surely over.

    Both are counted from 1970-01-01 UTC.
    """
    hour = _local_hour(quarter, there)
    later = quarter + 1
    while later % 4 and _local_hour(later, there) == hour:
        later += 1
    return hour, later * QUARTER_S


def _local_hour(quarter: int, there: ZoneInfo) -> int:
    local = datetime.fromtimestamp(quarter * QUARTER_S, UTC).astimezone(there)
    return local.weekday() * 24 + local.hour


@lru_cache(maxsize=600)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
