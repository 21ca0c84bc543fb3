"""What goes wrong in operators' systems: each fault makes another record of a charge than an honest one."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_UP, Decimal

from msgspec import Struct
from msgspec.structs import replace

from emsp.money import exponent
from emsp.pricing.engine.tariff import Component, Dimension, NotComputable, Tariff
from tests.charging.corpus import HABITS, Charge, Written, cents, record_of


class Fault(Struct, frozen=True):
    """A kind of fault: how the operator sees the charge, or what it does to the figures that it came to."""

    name: str
    reason: str | None = None
    """What the verification calls it."""
    sees: Callable[[Charge], Charge] = lambda charge: charge
    asks: Callable[[Written], Written] = lambda written: written


def faulty(fault: Fault, honest: Written) -> Written | None:
    """The record with the fault in it, by the same habit; None where that cannot be."""
    seen = fault.sees(honest.charge)
    if seen is honest.charge:
        return fault.asks(honest)
    name, _, measure = honest.habit.partition(", ")
    try:
        report = seen.report()
    except (NotComputable, ValueError):
        return None
    figures = HABITS[name](seen, report)
    record = figures and record_of(honest.charge, figures, measure, parts=False, report=report)
    return Written(honest.charge, honest.habit, record) if record else None


def _components(tariff: Tariff, change: Callable[[Component], Component]) -> Tariff:
    elements = (replace(element, components=tuple(map(change, element.components))) for element in tariff.elements)
    return replace(tariff, elements=tuple(elements))


def _no_steps(charge: Charge) -> Charge:
    return replace(charge, tariff=_components(charge.tariff, lambda part: replace(part, step_size=1)))


def _coarse_steps(charge: Charge) -> Charge:
    steps = {Dimension.ENERGY: 1000, Dimension.TIME: 900, Dimension.PARKING_TIME: 900, Dimension.FLAT: 1}
    return replace(
        charge, tariff=_components(charge.tariff, lambda part: replace(part, step_size=steps[part.dimension]))
    )


def _in_utc(charge: Charge) -> Charge:
    return replace(charge, time_zone="UTC")


def _more_vat(charge: Charge) -> Charge:
    def change(part: Component) -> Component:
        return part if part.vat_percent is None else replace(part, vat_percent=part.vat_percent + 4)

    return replace(charge, tariff=_components(charge.tariff, change))


def _backwards(charge: Charge) -> Charge:
    return replace(charge, tariff=replace(charge.tariff, elements=charge.tariff.elements[::-1]))


def _in_wh(charge: Charge) -> Charge:
    periods = tuple(replace(period, energy_wh=period.energy_wh * 1000) for period in charge.periods)
    return replace(charge, periods=periods)


def _in_minutes(charge: Charge) -> Charge:
    periods = (
        replace(period, charging_s=period.charging_s * 60, parking_s=period.parking_s * 60) for period in charge.periods
    )
    return replace(charge, periods=tuple(periods))


def _tax_twice(honest: Written) -> Written:
    record = honest.record
    if record.gross_cost is None or not record.net_cost:
        return honest
    taxed_twice = cents(record.gross_cost * record.gross_cost / record.net_cost, record.currency)
    return replace(honest, record=replace(record, net_cost=record.gross_cost, gross_cost=taxed_twice))


def _more(minor: int = 0, percent: str = "0") -> Callable[[Written], Written]:
    def asks(honest: Written) -> Written:
        record, unit = honest.record, Decimal(1).scaleb(-exponent(honest.record.currency))
        extra = (record.net_cost * Decimal(percent) / 100).quantize(unit, ROUND_UP) + minor * unit
        gross = record.gross_cost
        gross = gross and cents(gross * (record.net_cost + extra) / record.net_cost, record.currency)
        return replace(honest, record=replace(record, net_cost=record.net_cost + extra, gross_cost=gross))

    return asks


FAULTS = (
    Fault("steps ignored", "STEP_SIZES", sees=_no_steps),
    Fault("steps too coarse", sees=_coarse_steps),
    Fault("times in UTC", "TIME_ZONE", sees=_in_utc),
    Fault("VAT 4 points more", "ANOTHER_TAX", sees=_more_vat),
    Fault("VAT added twice", "TAX_IN_NET", asks=_tax_twice),
    Fault("last element first", "ELEMENT_ORDER", sees=_backwards),
    Fault("Wh for kWh", "UNITS", sees=_in_wh),
    Fault("minutes for hours", "UNITS", sees=_in_minutes),
    Fault("1 minor unit more", asks=_more(minor=1)),
    Fault("2 minor units more", asks=_more(minor=2)),
    Fault("5 minor units more", asks=_more(minor=5)),
    Fault("1 % more", asks=_more(percent="1")),
    Fault("5 % more", asks=_more(percent="5")),
    Fault("10 % more", asks=_more(percent="10")),
    Fault("50 % more", asks=_more(percent="50")),
)
