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

from emsp.pricing.engine.tariff import Restrictions

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
    ENERGY_FEE = "ENERGY_FEE"
    """What the brand asks for each kWh, beside the operator's tariff."""
    TIME_FEE = "TIME_FEE"
    """What the brand asks for the time of charging."""
    PARKING_FEE = "PARKING_FEE"
    """What the brand asks for the time of parking after charging."""
    PLAN_DISCOUNT = "PLAN_DISCOUNT"
    """What the driver's plan takes off (negative); `Line.discount` says by which of its terms."""
    MIN_PRICE = "MIN_PRICE"
    """The difference up to the lowest price of a session."""
    MAX_PRICE = "MAX_PRICE"
    """The (negative) difference down to the highest price of a session."""
    GOODWILL = "GOODWILL"
    """The (negative) difference down to what was billed at first: a later correction makes no charge dearer."""
    REFUND = "REFUND"
    """What support gave back (negative); the receipt says why."""


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
    CHARGING_CURVE = "CHARGING_CURVE"
    """power_w: the charge was planned at up to this power, which falls as the battery fills."""
    CHARGING_LOSSES = "CHARGING_LOSSES"
    """percent: of the energy that is billed, so much does not arrive in the battery."""
    BATTERY_LEVEL_ASSUMED = "BATTERY_LEVEL_ASSUMED"
    """percent: the battery was taken to hold so much at the start, as nothing was said."""
    NO_VEHICLE = "NO_VEHICLE"
    """power_w: no vehicle was named; one that takes this much power was assumed."""
    WORST_CASE = "WORST_CASE"
    """energy_wh, until: the worst case allows for so much energy and for a stay until then."""
    VAT_OF_PLACE_OF_CHARGING = "VAT_OF_PLACE_OF_CHARGING"
    """country, vat_percent: the operator states no VAT; the standard rate of the country was added."""
    VAT_UNKNOWN = "VAT_UNKNOWN"
    """country: the operator states no VAT and no rate is known for the country; tax comes on top."""
    SESSION_FEE_IN_OTHER_CURRENCY = "SESSION_FEE_IN_OTHER_CURRENCY"
    """currency: a fee of the brand's is in another currency than the tariff, without a rate, and was left out."""
    PLAN_PRICE_IN_OTHER_CURRENCY = "PLAN_PRICE_IN_OTHER_CURRENCY"
    """currency: the plan's own price is in another currency than the tariff, without a rate, and was left out."""
    FREE_ENERGY_LEFT = "FREE_ENERGY_LEFT"
    """energy_wh: so much of the plan's free energy is left in this month."""
    CURRENCY_CONVERTED = "CURRENCY_CONVERTED"
    """currency, into, rate (units of `into` for one of `currency`), as_of, source: the prices were converted."""
    CURRENCY_NOT_CONVERTED = "CURRENCY_NOT_CONVERTED"
    """currency, into: no rate is known between the two; the prices stayed in the operator's currency."""
    EXCHANGE_RATE_OLD = "EXCHANGE_RATE_OLD"
    """as_of: there is no newer rate than that of this day."""


class DiscountOn(StrEnum):
    """What a plan takes off, in the order in which it does."""

    FREE_ENERGY = "FREE_ENERGY"
    """Energy that is free in each month."""
    ENERGY_PRICE = "ENERGY_PRICE"
    """What a kWh costs more than the plan's own price."""
    ENERGY_PERCENT = "ENERGY_PERCENT"
    """A share of what energy costs."""
    SESSION_FEE = "SESSION_FEE"
    """The brand's fee for each session."""
    TOTAL_PERCENT = "TOTAL_PERCENT"
    """A share of everything that is left."""


class Allowance(Struct, frozen=True):
    """The free energy of one membership of a plan (by its id) in one month (YYYY-MM)."""

    membership_id: str
    month: str


class Discount(Struct, frozen=True, omit_defaults=True):
    """Which term of which plan (by the name that drivers see) a line of PLAN_DISCOUNT is due to."""

    plan: str
    on: DiscountOn
    percent: Decimal | None = None
    energy_wh: Decimal | None = None
    """How much energy was free, or cheaper."""
    allowance: Allowance | None = None
    """What free energy was taken from."""


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
    tariff_id: str | None = None
    """Of which tariff, where several price the session."""
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
    discount: Discount | None = None


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
    return PRECISE.add(PRECISE.normalize(PRECISE.quantize(value, FINEST)), ZERO)


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
