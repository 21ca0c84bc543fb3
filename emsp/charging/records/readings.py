"""What a record says was measured, as far as it can be true, and how else the same measurement can be read."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from emsp.charging.records.record import ZERO, Record, measured_periods, seconds
from emsp.pricing.engine.trace import Period

MORE_WH, MORE_ENERGY = Decimal(50), Decimal("1.01")
MORE_S, MORE_TIME = Decimal(60), Decimal("1.01")
"""By how much periods may say more than the record or the clock does: numbers are rounded, and clocks differ."""
ROUNDED_S, ROUNDED_WH = Decimal(18), Decimal(5)
"""What is lost of a time or an energy that is written with two decimals, in hours or kWh."""


def believed(record: Record) -> list[Period]:
    """The measured periods that a bill may rest on, for the driver's and for ours.

    No period has more time than lies between its ends, nor all of them more energy than the record says.
    """
    return _not_more_energy(record, [_not_more_time(period) for period in measured_periods(record)])


def readings(record: Record) -> list[list[Period]]:
    """The periods that are believed, then the same with what is told more exactly elsewhere.

    Hours with few decimals are the clock's, and rounded energies sum to the record's.
    """
    periods = believed(record)
    by_clock = [_by_clock(period) for period in periods]
    others = [by_clock, _by_total(record, periods), _by_total(record, by_clock)]
    different = [other for index, other in enumerate(others) if other != periods and other not in others[:index]]
    return [periods, *different]


def _not_more_time(period: Period) -> Period:
    length_s = seconds(period.start, period.end)
    most_s = length_s * MORE_TIME + MORE_S
    if not length_s or max(period.charging_s, period.parking_s) <= most_s:
        return period
    return replace(period, charging_s=min(period.charging_s, length_s), parking_s=min(period.parking_s, length_s))


def _not_more_energy(record: Record, periods: list[Period]) -> list[Period]:
    told_wh = _energy_wh(periods)
    if not record.energy_wh or told_wh <= record.energy_wh * MORE_ENERGY + MORE_WH:
        return periods
    return _scaled(periods, record.energy_wh / told_wh)


def _by_clock(period: Period) -> Period:
    length_s = seconds(period.start, period.end)
    told_s = period.charging_s + period.parking_s
    if not told_s or abs(told_s - length_s) > ROUNDED_S:
        return period
    if not period.parking_s:
        return replace(period, charging_s=length_s)
    return replace(period, parking_s=length_s - min(period.charging_s, length_s))


def _by_total(record: Record, periods: list[Period]) -> list[Period]:
    told_wh = _energy_wh(periods)
    lost_wh = abs(told_wh - record.energy_wh)
    return (
        _scaled(periods, record.energy_wh / told_wh)
        if told_wh and 0 < lost_wh <= ROUNDED_WH * len(periods)
        else periods
    )


def _scaled(periods: list[Period], factor: Decimal) -> list[Period]:
    return [replace(period, energy_wh=period.energy_wh * factor) for period in periods]


def _energy_wh(periods: list[Period]) -> Decimal:
    return sum((period.energy_wh for period in periods), ZERO)
