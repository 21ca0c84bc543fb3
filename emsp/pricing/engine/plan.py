"""A charge that has not happened yet, as the periods it would have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from itertools import groupby, pairwise
from operator import itemgetter

from msgspec import Struct

from emsp.pricing.engine.periods import Period, seconds_between
from emsp.pricing.engine.report import ZERO

SECONDS_PER_HOUR = 3600


class CurvePoint(Struct, frozen=True):
    """At most this power until this much energy of the charge has flowed."""

    until_energy_wh: Decimal
    power_w: Decimal


def periods_of_plan(
    start: datetime,
    energy_wh: Decimal,
    power_w: Decimal,
    stay_until: datetime | None = None,
    reserved_from: datetime | None = None,
    curve: Sequence[CurvePoint] = (),
) -> tuple[Period, ...]:
    """Charging at constant power or along a curve, to the full second, then parking until the stay ends.

    `power_w` is never exceeded. After the last point of the curve its power remains. Each change of power begins a
    period. Without `stay_until` the driver leaves as the charge ends. Who leaves earlier gets the energy of that
    time, which is then less than asked for. `reserved_from` puts a reservation before the start.
    Raises ValueError unless power is positive, energy is not negative, and times and points are in order.
    """
    if power_w <= 0 or any(point.power_w <= 0 for point in curve):
        raise ValueError("power_w must be more than 0")
    if energy_wh < 0:
        raise ValueError("energy_wh must not be negative")
    if any(later.until_energy_wh <= point.until_energy_wh for point, later in pairwise(curve)):
        raise ValueError("the points of the curve must follow each other in energy")
    if (stay_until or start) < start or (reserved_from or start) > start:
        raise ValueError("reserved_from, start and stay_until must follow each other")
    charging = tuple(_charging(start, stay_until, _stages(energy_wh, power_w, curve)))
    end = charging[-1].end
    return (*_reservation(reserved_from, start), *charging, *_parking(end, stay_until))


def _stages(energy_wh: Decimal, power_w: Decimal, curve: Sequence[CurvePoint]) -> list[tuple[Decimal, Decimal]]:
    """Power, and how much energy flows at it, one after another; at least one, and neighbours of different power."""
    stages, done_wh = [], ZERO
    for point in (*curve, CurvePoint(energy_wh, curve[-1].power_w if curve else power_w)):
        until_wh = min(point.until_energy_wh, energy_wh)
        if until_wh > done_wh:
            stages.append((min(power_w, point.power_w), until_wh - done_wh))
            done_wh = until_wh
    by_power = groupby(stages, key=itemgetter(0))
    return [(power, sum((wh for _, wh in same), ZERO)) for power, same in by_power] or [(power_w, ZERO)]


def _charging(start: datetime, stay_until: datetime | None, stages: list[tuple[Decimal, Decimal]]) -> Iterator[Period]:
    """The stages in time, until they are done or the driver leaves."""
    at, exact_s = start, ZERO
    for power_w, energy_wh in stages:
        exact_s += energy_wh * SECONDS_PER_HOUR / power_w
        end = start + timedelta(seconds=int(exact_s.to_integral_value(ROUND_CEILING)))
        if stay_until is not None and stay_until < end:
            seconds = seconds_between(at, stay_until)
            flowed_wh = min(energy_wh, power_w * seconds / SECONDS_PER_HOUR)
            yield Period(at, stay_until, flowed_wh, seconds, ZERO, power_w)
            return
        yield Period(at, end, energy_wh, seconds_between(at, end), ZERO, power_w)
        at = end


def _reservation(reserved_from: datetime | None, start: datetime) -> tuple[Period, ...]:
    if reserved_from is None or reserved_from == start:
        return ()
    return (Period(reserved_from, start, reserved=True),)


def _parking(end: datetime, stay_until: datetime | None) -> tuple[Period, ...]:
    if stay_until is None or stay_until <= end:
        return ()
    return (Period(end, stay_until, parking_s=seconds_between(end, stay_until), power_w=ZERO, current_a=ZERO),)
