"""The report of a priced session: what the receipt, the quote and a dispute all read.

Amounts are computed with forty digits and leave here with at most twelve decimals. The quantisation is done
on the running total, and each line is the step from one running total to the next: so lines sum to their
total exactly, and the total is the true total, however many thirds of a cent the lines hold. Rounding to
minor units of a currency is no business of this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from emsp.pricing.tariff import Restrictions

PRECISE = Context(prec=40, rounding=ROUND_HALF_EVEN)
FINEST = Decimal("1E-12")
ZERO = Decimal(0)


class LineKind(StrEnum):
    """What a line is for."""

    ENERGY = "ENERGY"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"
    FLAT = "FLAT"
    RESERVATION_TIME = "RESERVATION_TIME"
    RESERVATION_FLAT = "RESERVATION_FLAT"
    SESSION_FEE = "SESSION_FEE"
    """What the brand asks for each session, beside the operator's tariff."""
    MIN_PRICE = "MIN_PRICE"
    """The difference up to the lowest price of a session."""
    MAX_PRICE = "MAX_PRICE"
    """The (negative) difference down to the highest price of a session."""


class AssumptionCode(StrEnum):
    """What was taken for granted; the parameters are named beside each."""

    SPLIT_PRO_RATA = "SPLIT_PRO_RATA"
    """A price changed within a period that was reported as one: energy and time were split evenly over it."""
    POWER_AVERAGED = "POWER_AVERAGED"
    """A price depends on power, which was not reported: energy over time was taken."""
    CURRENT_DERIVED = "CURRENT_DERIVED"
    """A price depends on current, which was not reported: power at 230 V was taken."""
    ENERGY_WITHOUT_PRICE = "ENERGY_WITHOUT_PRICE"
    """energy_wh: the tariff prices energy, but nothing in it applied to this much. It may not be free."""
    CONSTANT_POWER = "CONSTANT_POWER"
    """power_w: the charge was planned at this power throughout."""
    VAT_OF_PLACE_OF_CHARGING = "VAT_OF_PLACE_OF_CHARGING"
    """country, vat_percent: the operator states no VAT; the standard rate of the country was added."""
    VAT_UNKNOWN = "VAT_UNKNOWN"
    """country: the operator states no VAT and no rate is known for the country; tax comes on top."""
    SESSION_FEE_IN_OTHER_CURRENCY = "SESSION_FEE_IN_OTHER_CURRENCY"
    """currency: the brand's session fee is in another currency than the tariff and was left out."""


class Assumption(Struct, frozen=True, omit_defaults=True):
    """One thing taken for granted, as a code with parameters; the words are made for display."""

    code: AssumptionCode
    parameters: dict[str, str] = {}


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the bill. Quantities are Wh or seconds by kind, and 1 for what is charged once.

    `unit_price` is per kWh, per hour or per session, with or without tax as the tariff has it. Of net and
    gross at least one is known; tax is known when both are.
    """

    kind: LineKind
    element_index: int | None = None
    applied_because: Restrictions | None = None
    start: datetime | None = None
    end: datetime | None = None
    measured: Decimal = Decimal(1)
    billed: Decimal = Decimal(1)
    step_size: int = 0
    """The step that `billed` was rounded up to together with its dimension; 0 when it was not."""
    unit_price: Decimal = ZERO
    vat_percent: Decimal | None = None
    net: Decimal | None = None
    tax: Decimal | None = None
    gross: Decimal | None = None


class DimensionTotal(Struct, frozen=True):
    """The lines of one kind in sum; `measured` counts also what no line was made for, because it is free."""

    kind: LineKind
    measured: Decimal
    billed: Decimal
    net: Decimal | None
    tax: Decimal | None
    gross: Decimal | None


class Report(Struct, frozen=True, omit_defaults=True):
    """A priced session. None means that the figure cannot be known, never zero."""

    currency: str
    lines: tuple[Line, ...]
    net: Decimal | None
    tax: Decimal | None
    gross: Decimal | None
    per_dimension: tuple[DimensionTotal, ...]
    estimated: bool = False
    """A price depended on something that the periods do not say; the assumptions tell which."""
    assumptions: tuple[Assumption, ...] = ()


class TaxTotal(Struct, frozen=True):
    """What is taxed at one rate; a None rate holds lines whose rate is unknown or mixed."""

    vat_percent: Decimal | None
    net: Decimal | None
    tax: Decimal | None


def make_report(
    currency: str,
    lines: Sequence[Line],
    measured: dict[LineKind, Decimal],
    *,
    estimated: bool = False,
    assumptions: tuple[Assumption, ...] = (),
) -> Report:
    """Totals over lines whose net and gross are still in full precision; quantises as told at the top."""
    settled = _settled(lines)
    net, tax, gross = _totals(settled)
    kinds = dict.fromkeys((*measured, *(line.kind for line in settled)))
    return Report(
        currency=currency,
        lines=settled,
        net=net,
        tax=tax,
        gross=gross,
        per_dimension=tuple(_dimension_total(kind, settled, measured.get(kind)) for kind in kinds),
        estimated=estimated,
        assumptions=assumptions,
    )


def taxes_by_rate(report: Report) -> tuple[TaxTotal, ...]:
    """The report's net and tax for every VAT rate, in order of appearance; they sum to its totals."""
    rates = dict.fromkeys(line.vat_percent for line in report.lines)
    totals = ((rate, _totals([li for li in report.lines if li.vat_percent == rate])) for rate in rates)
    return tuple(TaxTotal(rate, net, tax) for rate, (net, tax, _) in totals)


def sum_known(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum, or None as soon as one amount is unknown."""
    total = ZERO
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def plain(value: Decimal) -> Decimal:
    """The same number, to at most twelve decimals, without trailing zeros and without an exponent."""
    value = value.quantize(FINEST, context=PRECISE).normalize(PRECISE)
    return value if value.as_tuple().exponent <= 0 else value.quantize(Decimal(1))  # type: ignore[operator]


def difference(new: Decimal | None, old: Decimal | None) -> Decimal | None:
    """New less old, or None when either is unknown."""
    return None if new is None or old is None else new - old


def _settled(lines: Sequence[Line]) -> tuple[Line, ...]:
    nets = _steps_of_running_total([line.net for line in lines])
    grosses = _steps_of_running_total([line.gross for line in lines])
    return tuple(
        replace(
            line,
            measured=plain(line.measured),
            billed=plain(line.billed),
            net=net,
            gross=gross,
            tax=difference(gross, net),
        )
        for line, net, gross in zip(lines, nets, grosses, strict=True)
    )


def _steps_of_running_total(amounts: list[Decimal | None]) -> list[Decimal | None]:
    exact, quantised, steps = ZERO, ZERO, list[Decimal | None]()
    for amount in amounts:
        if amount is None:
            steps.append(None)
            continue
        exact += amount
        before, quantised = quantised, plain(exact)
        steps.append(plain(quantised - before))
    return steps


def _totals(lines: Sequence[Line]) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    net = sum_known(line.net for line in lines)
    gross = sum_known(line.gross for line in lines)
    return net, difference(gross, net), gross


def _dimension_total(kind: LineKind, lines: Sequence[Line], measured: Decimal | None) -> DimensionTotal:
    own = [line for line in lines if line.kind == kind]
    net, tax, gross = _totals(own)
    billed = sum((line.billed for line in own), ZERO)
    seen = sum((line.measured for line in own), ZERO) if measured is None else plain(measured)
    return DimensionTotal(kind, seen, billed, net, tax, gross)
