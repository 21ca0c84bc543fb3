"""A priced session in sums per dimension: kWh, hours and major units, None for what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from emsp.pricing.engine.report import DimensionTotal, LineKind, Report, plain, sum_known

KINDS = {
    "energy": (LineKind.ENERGY,),
    "time": (LineKind.TIME,),
    "parking": (LineKind.PARKING_TIME,),
    "fixed": (LineKind.FLAT,),
    "reservation": (LineKind.RESERVATION_TIME, LineKind.RESERVATION_FLAT),
}
"""The dimensions, named as in the totals of a CDR."""
UNITS = {"energy": "kWh", "time": "h", "parking": "h", "fixed": "session", "reservation": "h"}
PER_UNIT = {"kWh": Decimal(1000), "h": Decimal(3600), "session": Decimal(1)}
ZERO = Decimal(0)


class Total(NamedTuple):
    """A dimension in sum: kWh, hours or sessions, and amounts in major units. None is not known."""

    measured: Decimal
    billed: Decimal
    net: Decimal | None
    tax: Decimal | None
    gross: Decimal | None


NOTHING = Total(ZERO, ZERO, ZERO, ZERO, ZERO)


def totals(report: Report) -> dict[str, Total]:
    """Every dimension, also those that the session did not have. A floor or ceiling of the session is in none."""
    by_kind = {each.kind: each for each in report.per_dimension}
    return {name: _total(UNITS[name], [by_kind[kind] for kind in KINDS[name] if kind in by_kind]) for name in KINDS}


def _total(unit: str, parts: Sequence[DimensionTotal]) -> Total:
    """The parts in sum; a fee for a reservation is money of its dimension, but none of its time."""
    if not parts:
        return NOTHING
    counted = parts[0] if unit == "session" or parts[0].kind is not LineKind.RESERVATION_FLAT else None
    return Total(
        measured=counted.measured / PER_UNIT[unit] if counted else ZERO,
        billed=counted.billed / PER_UNIT[unit] if counted else ZERO,
        net=sum_known(part.net for part in parts),
        tax=sum_known(part.tax for part in parts),
        gross=sum_known(part.gross for part in parts),
    )


def text(number: Decimal | None) -> str | None:
    """A number in plain notation, to at most twelve decimals and without needless zeros: "5.625"."""
    return None if number is None else f"{plain(number) + ZERO:f}"


def row(report: Report) -> dict[str, str | None]:
    """The figures that a line of a batch is answered with."""
    sums = totals(report)
    energy, time, parking = sums["energy"], sums["time"], sums["parking"]
    return {
        "before_tax": text(report.net),
        "after_tax": text(report.gross),
        "energy_before_tax": text(energy.net),
        "time_before_tax": text(time.net),
        "parking_before_tax": text(parking.net),
        "fixed_before_tax": text(sums["fixed"].net),
        "billed_energy_kwh": text(energy.billed),
        "billed_time_h": text(time.billed),
        "billed_parking_h": text(parking.billed),
    }
