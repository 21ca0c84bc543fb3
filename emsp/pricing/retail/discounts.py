"""What a driver's plan takes off a charge: lines of their own, so that one sees what the plan is good for.

The terms apply one after the other, each to what the former have left: free energy (the earliest kWh of the
charge first), the plan's own price per kWh where that is lower, a share of what energy costs, the brand's
session fee, a share of everything. Net and gross move together, at each VAT rate apart. Where the operator caps
the price of a session, a discount is cut in the same proportion: nothing is given back that was not asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec.structs import replace

from emsp.pricing.engine.report import (
    PRECISE,
    ZERO,
    Assumption,
    AssumptionCode,
    Discount,
    DiscountOn,
    Line,
    LineKind,
    sum_known,
)
from emsp.pricing.retail.conversion import factor
from emsp.pricing.retail.plan_terms import HeldPlan
from emsp.pricing.retail.terms import Terms

WH_PER_KWH = 1000
LIMITS = (LineKind.MIN_PRICE, LineKind.MAX_PRICE)
ENERGY_KINDS = (LineKind.ENERGY, LineKind.ENERGY_FEE)
FEES = (LineKind.SESSION_FEE, LineKind.ENERGY_FEE, LineKind.TIME_FEE, LineKind.PARKING_FEE)
ONE = Decimal(1)


def plan_in(terms: Terms, currency: str) -> tuple[HeldPlan | None, tuple[Assumption, ...]]:
    """The driver's plan for a sale in `currency`, and what is to be said about it."""
    plan = terms.plan
    if plan is None:
        return None, ()
    said = list[Assumption]()
    if plan.terms.energy_price is not None:
        stated = plan.terms.energy_price_currency or terms.currency
        by = factor(stated, currency, terms.rates)
        own = None if by is None else PRECISE.multiply(plan.terms.energy_price, by)
        if own is None:
            said.append(Assumption(AssumptionCode.PLAN_PRICE_IN_OTHER_CURRENCY, {"currency": str(stated)}))
        plan = replace(plan, terms=replace(plan.terms, energy_price=own, energy_price_currency=None))
    if plan.terms.free_energy_wh:
        said.append(Assumption(AssumptionCode.FREE_ENERGY_LEFT, {"energy_wh": str(plan.free_energy_left_wh)}))
    return plan, tuple(said)


def discount_lines(lines: Sequence[Line], plan: HeldPlan) -> list[Line]:
    """What the plan takes off a charge with these lines."""
    taken = _Taken(plan, [_Left(line, line.net, line.gross) for line in lines], _kept_by_ceiling(lines))
    taken.free_energy()
    taken.energy_price()
    taken.share(DiscountOn.ENERGY_PERCENT, plan.terms.energy_discount_percent, ENERGY_KINDS)
    if plan.terms.no_session_fee:
        taken.share(DiscountOn.SESSION_FEE, Decimal(100), (LineKind.SESSION_FEE,))
    return [*taken.lines(), *_off_the_total([*lines, *taken.lines()], plan)]


@dataclass(slots=True)
class _Left:
    """What is left of a line, and how much energy of it was free."""

    line: Line
    net: Decimal | None
    gross: Decimal | None
    free_wh: Decimal = ZERO

    @property
    def amount(self) -> Decimal:
        """Above zero where there is something to take off."""
        return (self.net if self.gross is None else self.gross) or ZERO


@dataclass(slots=True)
class _Sum:
    net: Decimal | None = ZERO
    gross: Decimal | None = ZERO
    energy_wh: Decimal = ZERO


@dataclass(slots=True)
class _Taken:
    """What was taken off so far, by the term of the plan and the VAT rate."""

    plan: HeldPlan
    left: list[_Left]
    kept: tuple[Decimal, Decimal]
    sums: dict[tuple[DiscountOn, Decimal | None], _Sum] = field(default_factory=dict)

    def free_energy(self) -> None:
        """The earliest kWh that cost something, up to what is left of the month's."""
        counted = next((left.line.kind for left in self._priced(ENERGY_KINDS)), None)
        for kind in ENERGY_KINDS:
            still_free = Decimal(self.plan.free_energy_left_wh)
            for left in self._priced((kind,)):
                left.free_wh = min(left.line.billed, still_free)
                still_free -= left.free_wh
                if left.free_wh > 0:
                    energy_wh = left.free_wh if kind is counted else ZERO
                    self._take(DiscountOn.FREE_ENERGY, left, left.free_wh / left.line.billed, energy_wh)

    def energy_price(self) -> None:
        """What energy costs above the plan's own price."""
        terms = self.plan.terms
        if terms.energy_price is None:
            return
        for left in self._priced((LineKind.ENERGY,)):
            amount = left.gross if terms.tax_included else left.net
            energy_wh = left.line.billed - left.free_wh
            own = terms.energy_price * energy_wh / WH_PER_KWH
            if amount is not None and amount > own:
                self._take(DiscountOn.ENERGY_PRICE, left, (amount - own) / amount, energy_wh)

    def share(self, on: DiscountOn, percent: Decimal, kinds: Sequence[LineKind]) -> None:
        """So many percent of what is left of lines of these kinds."""
        for left in self._priced(kinds) if percent else ():
            self._take(on, left, percent / 100)

    def lines(self) -> list[Line]:
        """A line for each term and VAT rate."""
        return [_line(self.plan, on, rate, of) for (on, rate), of in self.sums.items()]

    def _priced(self, kinds: Sequence[LineKind]) -> list[_Left]:
        return [left for left in self.left if left.line.kind in kinds and left.line.billed > 0 and left.amount > 0]

    def _take(self, on: DiscountOn, left: _Left, share: Decimal, energy_wh: Decimal = ZERO) -> None:
        net, gross = _times(left.net, share), _times(left.gross, share)
        kept_net, kept_gross = (ONE, ONE) if left.line.kind in FEES else self.kept
        of = self.sums.setdefault((on, left.line.vat_percent), _Sum())
        of.net = sum_known((of.net, _times(net, kept_net)))
        of.gross = sum_known((of.gross, _times(gross, kept_gross)))
        of.energy_wh += energy_wh
        left.net, left.gross = _less(left.net, net), _less(left.gross, gross)


def _kept_by_ceiling(lines: Sequence[Line]) -> tuple[Decimal, Decimal]:
    """Which share of the operator's prices, net and gross, its ceiling leaves to be paid."""
    tariff = [line for line in lines if line.kind not in (*FEES, *LIMITS)]
    cut = [line for line in lines if line.kind is LineKind.MAX_PRICE]

    def kept(whole: Decimal | None, off: Decimal | None) -> Decimal:
        return max(ONE + off / whole, ZERO) if whole and whole > 0 and off is not None else ONE

    return (
        kept(sum_known(line.net for line in tariff), sum_known(line.net for line in cut)),
        kept(sum_known(line.gross for line in tariff), sum_known(line.gross for line in cut)),
    )


def _off_the_total(lines: Sequence[Line], plan: HeldPlan) -> Iterator[Line]:
    """A share of the total, at each VAT rate what it has of it; a floor or ceiling has no rate of its own."""
    percent = plan.terms.discount_percent
    if not percent:
        return
    net, gross = sum_known(line.net for line in lines), sum_known(line.gross for line in lines)
    rated = [line for line in lines if line.kind not in LIMITS]
    rated_net, rated_gross = sum_known(line.net for line in rated), sum_known(line.gross for line in rated)
    rates: list[Decimal | None] = list(dict.fromkeys(line.vat_percent for line in rated))
    if len(rates) < 2 or not rated_net or not rated_gross:
        of = _Sum(_times(net, percent / 100), _times(gross, percent / 100))
        yield from _if_anything(plan, rates[0] if len(rates) == 1 else None, of)
        return
    for rate in rates:
        own = [line for line in rated if line.vat_percent == rate]
        net_share = _times(sum_known(line.net for line in own), percent / 100 / rated_net)
        gross_share = _times(sum_known(line.gross for line in own), percent / 100 / rated_gross)
        yield from _if_anything(plan, rate, _Sum(_product(net, net_share), _product(gross, gross_share)))


def _if_anything(plan: HeldPlan, rate: Decimal | None, of: _Sum) -> Iterator[Line]:
    if (of.net or ZERO) > 0 or (of.gross or ZERO) > 0:
        yield _line(plan, DiscountOn.TOTAL_PERCENT, rate, of)


def _line(plan: HeldPlan, on: DiscountOn, rate: Decimal | None, of: _Sum) -> Line:
    terms = plan.terms
    percents = {
        DiscountOn.ENERGY_PERCENT: terms.energy_discount_percent,
        DiscountOn.TOTAL_PERCENT: terms.discount_percent,
    }
    discount = Discount(
        plan=plan.name,
        on=on,
        percent=percents.get(on),
        energy_wh=of.energy_wh or None,
        allowance=plan.allowance if on is DiscountOn.FREE_ENERGY else None,
    )
    return Line(
        kind=LineKind.PLAN_DISCOUNT,
        unit_price=(terms.energy_price or ZERO) if on is DiscountOn.ENERGY_PRICE else ZERO,
        vat_percent=rate,
        net=_times(of.net, -ONE),
        gross=_times(of.gross, -ONE),
        discount=discount,
    )


def _times(amount: Decimal | None, factor: Decimal) -> Decimal | None:
    return None if amount is None else amount * factor


def _product(amount: Decimal | None, factor: Decimal | None) -> Decimal | None:
    return None if amount is None or factor is None else amount * factor


def _less(amount: Decimal | None, off: Decimal | None) -> Decimal | None:
    return None if amount is None or off is None else amount - off
