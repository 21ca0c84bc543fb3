"""Opening hours: is a place open at a moment? A value that is not stated is not known, which is not closed.

The document reads: `twentyfourseven`; `regular_hours` as [{weekday 1 (Monday) to 7, period_begin, period_end}] in
local time; `exceptional_openings` and `exceptional_closings` as [{period_begin, period_end}] in UTC. Closings
win over openings, openings over regular hours.

The end of a period is not in it. An end at 00:00, 24:00 or 23:59 means the end of the day, and an end before the
beginning lies on the next day: all of these occur.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

DAY_MIN = 24 * 60
WEEK_MIN = 7 * DAY_MIN
LAST_MINUTE = DAY_MIN - 1


class RegularHours(msgspec.Struct, frozen=True):
    """Every week on `weekday` (1 is Monday), local time as HH:MM."""

    weekday: int
    period_begin: str
    period_end: str


class ExceptionalPeriod(msgspec.Struct, frozen=True):
    """Once, from `period_begin` until `period_end`."""

    period_begin: datetime
    period_end: datetime


class OpeningHours(msgspec.Struct, frozen=True):
    """When a place can be reached."""

    twentyfourseven: bool = False
    regular_hours: list[RegularHours] = []
    exceptional_openings: list[ExceptionalPeriod] = []
    exceptional_closings: list[ExceptionalPeriod] = []


def open_at(
    at: datetime, time_zone: str, twenty_four_seven: bool | None, document: dict[str, Any] | None
) -> bool | None:
    """Whether a place is open at an aware time; None when it is not stated or cannot be read."""
    hours = read(document)
    if hours is None:
        return True if twenty_four_seven and not document else None
    if _within(hours.exceptional_closings, at):
        return False
    if twenty_four_seven or hours.twentyfourseven or _within(hours.exceptional_openings, at):
        return True
    zone = _zone(time_zone)
    if zone is None or not hours.regular_hours:
        return None
    minute = _minute_of_week(at, zone)
    return any(begin <= minute + turn < end for begin, end in week(hours) for turn in (0, WEEK_MIN))


def is_always_open(twenty_four_seven: bool | None, document: dict[str, Any] | None) -> bool | None:
    """Whether the regular hours leave no minute out, in whatever words; None when nothing is stated."""
    return _is_always_open(twenty_four_seven, msgspec.json.encode(document))


@lru_cache(maxsize=1_000)
def _is_always_open(twenty_four_seven: bool | None, written: bytes) -> bool | None:
    """Most hours are those of many places."""
    hours = read(msgspec.json.decode(written))
    if twenty_four_seven or (hours is not None and hours.twentyfourseven):
        return True
    if hours is None or not hours.regular_hours:
        return twenty_four_seven
    periods = week(hours)
    reached = 0
    for begin, end in sorted(periods + [(begin - WEEK_MIN, end - WEEK_MIN) for begin, end in periods]):
        if begin > reached:
            return False
        reached = max(reached, end)
    return reached >= WEEK_MIN


def read(document: dict[str, Any] | None) -> OpeningHours | None:
    """The opening hours of a station's document; None when there are none or they do not make sense."""
    if not document:
        return None
    try:
        hours = msgspec.convert(document, OpeningHours)
        week(hours)
    except ValueError:
        return None
    return hours


def week(hours: OpeningHours) -> list[tuple[int, int]]:
    """The regular hours as (first, end) minutes since Monday 00:00; an end may lie beyond the week.

    Raises ValueError for a weekday or a time that does not exist.
    """
    return [_period(regular) for regular in hours.regular_hours]


def _period(regular: RegularHours) -> tuple[int, int]:
    if not 1 <= regular.weekday <= 7:
        raise ValueError(f"weekday {regular.weekday} is not between 1 and 7")
    midnight = (regular.weekday - 1) * DAY_MIN
    begin, end = _minute(regular.period_begin), _minute(regular.period_end)
    if end == LAST_MINUTE:
        end = DAY_MIN
    return midnight + begin, midnight + (end if end > begin else end + DAY_MIN)


def _minute(text: str) -> int:
    hour, minute, *_ = (int(part) for part in text.split(":"))
    if not (0 <= hour < 24 and 0 <= minute < 60) and (hour, minute) != (24, 0):
        raise ValueError(f"{text} is no time of day")
    return hour * 60 + minute


def _minute_of_week(at: datetime, zone: ZoneInfo) -> int:
    local = at.astimezone(zone)
    return local.weekday() * DAY_MIN + local.hour * 60 + local.minute


def _within(periods: Sequence[ExceptionalPeriod], at: datetime) -> bool:
    return any(_aware(period.period_begin) <= at < _aware(period.period_end) for period in periods)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None
