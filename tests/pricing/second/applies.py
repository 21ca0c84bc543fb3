"""Whether an element of a tariff applies to a slice of a session: every restriction, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.pricing.second.walk import Document, Slice, number

END_OF_DAY = ("00:00", "23:59")  # by the letter 23:59 leaves out a minute, which nobody means


def applies(element: Document, now: Slice) -> bool:
    """All restrictions of the element hold; `reservation` is a question of its own."""
    stated = {name: value for name, value in (element.get("restrictions") or {}).items() if value not in (None, [])}
    return _at_this_time(stated, now) and all(
        HOLDS[name](value, now) for name, value in stated.items() if name not in ("start_time", "end_time")
    )


def _at_this_time(stated: Document, now: Slice) -> bool:
    """From `start_time` until before `end_time`, over midnight if the end is the smaller; texts compare like times."""
    clock, start, end = now.clock, stated.get("start_time", "00:00"), stated.get("end_time", "00:00")
    if start == end:
        return True
    if end in END_OF_DAY:
        return bool(start <= clock)
    if end < start:
        return bool(start <= clock or clock < end)
    return bool(start <= clock < end)


HOLDS: dict[str, Callable[[Any, Slice], bool]] = {
    "start_date": lambda value, now: value <= now.date,
    "end_date": lambda value, now: now.date < value,
    "day_of_week": lambda value, now: now.day in value,
    "min_kwh": lambda value, now: number(value) <= now.session_kwh,
    "max_kwh": lambda value, now: now.session_kwh < number(value),
    "min_power": lambda value, now: number(value) <= now.power_kw,
    "max_power": lambda value, now: now.power_kw < number(value),
    "min_current": lambda value, now: number(value) <= now.current_a,
    "max_current": lambda value, now: now.current_a < number(value),
    "min_duration": lambda value, now: int(value) <= now.session_s,
    "max_duration": lambda value, now: now.session_s < int(value),
    "reservation": lambda value, now: True,
}
