"""What is odd about a record although it can be true: each with a code and a sentence for people.

What cannot be true at all is for `plausible`. Nothing here changes an amount by itself: the driver pays for what is
believed (`readings`), and what is asked beyond that shows as a difference.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from emsp.charging.records.readings import MORE_ENERGY, MORE_S, MORE_TIME, MORE_WH
from emsp.charging.records.record import ZERO, Asked, Record, seconds

APART = timedelta(minutes=15)
AFTER_STOP = timedelta(minutes=30)
OTHER_WH, OTHER_ENERGY = Decimal(1000), Decimal("1.1")
FAR_MORE = 2
ROUNDED_COSTS = Decimal("0.05")


class Odd(StrEnum):
    """What is odd."""

    ENERGY_DOES_NOT_SUM = "ENERGY_DOES_NOT_SUM"
    TIME_DOES_NOT_SUM = "TIME_DOES_NOT_SUM"
    TIME_BEYOND_CLOCK = "TIME_BEYOND_CLOCK"
    PERIOD_OUTSIDE = "PERIOD_OUTSIDE"
    COSTS_DO_NOT_SUM = "COSTS_DO_NOT_SUM"
    COST_WITHOUT_ENERGY = "COST_WITHOUT_ENERGY"
    OTHER_ENERGY = "OTHER_ENERGY"
    FAR_OTHER_ENERGY = "FAR_OTHER_ENERGY"
    OTHER_TIMES = "OTHER_TIMES"
    LONG_AFTER_STOP = "LONG_AFTER_STOP"
    OVERLAPPING = "OVERLAPPING"
    DUPLICATE = "DUPLICATE"


LOOKED_AT = frozenset({Odd.FAR_OTHER_ENERGY, Odd.DUPLICATE})
"""Nothing is billed by such a record until somebody has looked at it."""


class Suspicion(Struct, frozen=True):
    """One thing that is odd."""

    code: Odd
    text: str


class Seen(Struct, frozen=True, omit_defaults=True):
    """What the session itself had reported when the record came."""

    energy_wh: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stop_requested_at: datetime | None = None


def suspicions(record: Record, seen: Seen | None) -> list[Suspicion]:
    """Whatever is odd about the record in itself, and beside its session where that was seen."""
    found = [
        _energy_sum(record),
        _time_sum(record),
        _beyond_clock(record),
        _outside(record),
        _cost_sum(record),
        _cost_without_energy(record),
        *([_energy_seen(record, seen), _times_seen(record, seen), _after_stop(record, seen)] if seen else []),
    ]
    return [one for one in found if one is not None]


def _energy_sum(record: Record) -> Suspicion | None:
    told_wh = sum((period.energy_wh for period in record.periods), ZERO)
    most, least = record.energy_wh * MORE_ENERGY + MORE_WH, record.energy_wh / MORE_ENERGY - MORE_WH
    if not record.periods or least <= told_wh <= most:
        return None
    text = f"Its periods hold {_kwh(told_wh)} kWh, the record says {_kwh(record.energy_wh)} kWh."
    return Suspicion(Odd.ENERGY_DOES_NOT_SUM, text)


def _time_sum(record: Record) -> Suspicion | None:
    """The specification's total counts from start to end, parking and all."""
    elapsed_s = seconds(record.started_at, record.ended_at)
    if record.total_time_s is None or abs(record.total_time_s - elapsed_s) <= elapsed_s * (MORE_TIME - 1) + MORE_S:
        return None
    text = f"It lasted {_minutes(elapsed_s)} minutes, the record says {_minutes(record.total_time_s)}."
    return Suspicion(Odd.TIME_DOES_NOT_SUM, text)


def _beyond_clock(record: Record) -> Suspicion | None:
    for period in record.periods:
        length_s, told_s = seconds(period.start, period.end), max(period.charging_s, period.parking_s)
        if length_s and told_s > length_s * MORE_TIME + MORE_S:
            text = f"A period of {_minutes(length_s)} minutes is said to hold {_minutes(told_s)}."
            return Suspicion(Odd.TIME_BEYOND_CLOCK, text)
    return None


def _outside(record: Record) -> Suspicion | None:
    charging = [period for period in record.periods if not period.reserved]
    if all(period.start >= record.started_at - APART and period.end <= record.ended_at + APART for period in charging):
        return None
    return Suspicion(Odd.PERIOD_OUTSIDE, "A period lies outside the charge.")


def _cost_sum(record: Record) -> Suspicion | None:
    """Parts may sum to more than a total that has a ceiling, or less than one with a floor; that is for the tariff."""
    parts = [getattr(record.asked, name) for name in Asked.__struct_fields__]
    told = sum((part.net for part in parts if part is not None), ZERO)
    if any(tariff.min_price or tariff.max_price for tariff in record.tariffs) or told <= record.net_cost + Decimal(
        "0.05"
    ):
        return None
    return Suspicion(
        Odd.COSTS_DO_NOT_SUM, f"Its parts sum to {told}, the total is {record.net_cost} {record.currency}."
    )


def _cost_without_energy(record: Record) -> Suspicion | None:
    if record.energy_wh or record.net_cost <= 0:
        return None
    return Suspicion(Odd.COST_WITHOUT_ENERGY, f"No energy flowed, and it asks for {record.net_cost} {record.currency}.")


def _energy_seen(record: Record, seen: Seen) -> Suspicion | None:
    """Only a session that was told to be over had told all of its energy."""
    if seen.ended_at is None or not seen.energy_wh or record.energy_wh <= seen.energy_wh * OTHER_ENERGY + OTHER_WH:
        return None
    far = record.energy_wh > seen.energy_wh * FAR_MORE + OTHER_WH
    text = f"The session ended with {_kwh(Decimal(seen.energy_wh))} kWh, the record says {_kwh(record.energy_wh)} kWh."
    return Suspicion(Odd.FAR_OTHER_ENERGY if far else Odd.OTHER_ENERGY, text)


def _times_seen(record: Record, seen: Seen) -> Suspicion | None:
    pairs = ((seen.started_at, record.started_at), (seen.ended_at, record.ended_at))
    if all(session is None or abs(session - told) <= APART for session, told in pairs):
        return None
    return Suspicion(Odd.OTHER_TIMES, "It begins or ends at another time than its session did.")


def _after_stop(record: Record, seen: Seen) -> Suspicion | None:
    if seen.stop_requested_at is None or record.ended_at - seen.stop_requested_at <= AFTER_STOP:
        return None
    late = (record.ended_at - seen.stop_requested_at) // timedelta(minutes=1)
    return Suspicion(Odd.LONG_AFTER_STOP, f"It ends {late} minutes after it was asked to stop.")


def _kwh(energy_wh: Decimal) -> str:
    return f"{(energy_wh / 1000).quantize(Decimal('0.01')):f}"


def _minutes(elapsed_s: Decimal) -> str:
    return f"{(elapsed_s / 60).quantize(Decimal(1)):f}"
