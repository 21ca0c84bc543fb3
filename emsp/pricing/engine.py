"""Prices a session: a tariff and the periods of a charge go in, a report that can be shown comes out.

The rules are those of OCPI 2.2.1 and 2.3.0 (chapters Tariffs and CDRs). At every moment, and for each
dimension separately, the first element applies whose restrictions hold and that has the dimension. Policies,
where the specification is silent or disputed:

* ONE_FLAT: the first FLAT that becomes active is charged once per session, and one more for a reservation.
* LAST_PRICED_STEP: the step size is that of the last stretch that had a component (even one at price zero);
  it rounds the total of its dimension, as far as that had components, once for ENERGY and once for TIME and
  PARKING_TIME together. The extra amount is billed on the last line of the dimension.
* SPLIT_PRO_RATA: where a restriction turns within a period, its energy and time are split evenly over it, and
  the report says that it is estimated if a price changed for an amount that was not measured on both sides.
* LIMITS_APART: floor and ceiling act on net and gross independently; a side without a limit of its own moves
  in proportion to the other.
* UNUSED_RESERVATION: periods that are all reserved are a reservation that ended without a charge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_CEILING, Decimal, localcontext
from zoneinfo import ZoneInfo

from emsp.pricing.report import (
    PRECISE,
    ZERO,
    Assumption,
    AssumptionCode,
    Line,
    LineKind,
    Report,
    difference,
    make_report,
    plain,
    sum_known,
)
from emsp.pricing.tariff import (
    Dimension,
    Element,
    NotComputable,
    PriceLimit,
    ReservationUse,
    Restrictions,
    Tariff,
    TaxIncluded,
)
from emsp.pricing.trace import Offer, Offers, Period, Run, Trace

__all__ = ["NotComputable", "Period", "Report", "price"]

STEPPED_TOGETHER = (
    (LineKind.ENERGY,),
    (LineKind.TIME, LineKind.PARKING_TIME),
    (LineKind.RESERVATION_TIME,),
)
UNITS_PER_PRICE = {
    LineKind.ENERGY: Decimal(1000),
    LineKind.TIME: Decimal(3600),
    LineKind.PARKING_TIME: Decimal(3600),
    LineKind.RESERVATION_TIME: Decimal(3600),
}
CHARGING_KINDS = {dimension: LineKind(dimension.value) for dimension in Dimension}
RESERVATION_KINDS = {Dimension.TIME: LineKind.RESERVATION_TIME, Dimension.FLAT: LineKind.RESERVATION_FLAT}
COUNTED = Decimal("1E-6")
WHOLE = Decimal(1)


def price(tariff: Tariff, periods: Sequence[Period], *, time_zone: str) -> Report:
    """Prices the periods of one session with one tariff, in the IANA time zone of the place of charging.

    Raises NotComputable when the tariff cannot be priced, ValueError when a period is impossible, and
    ZoneInfoNotFoundError (a KeyError) for an unknown zone.
    """
    _refuse_not_computable(tariff)
    zone = ZoneInfo(time_zone)
    reserved, charged = _in_phases(periods)
    with localcontext(PRECISE):
        trace = Trace(zone)
        trace.walk(_reservation_offers(tariff, unused=not charged), reserved)
        trace.walk(_charging_offers(tariff), charged)
        _round_up_to_steps(trace.runs)
        lines = [_line(run, tariff.tax_included) for run in trace.runs]
        lines += _limit_lines(tariff, lines)
        return make_report(
            tariff.currency,
            lines,
            trace.measured,
            estimated=bool(trace.guesses),
            assumptions=(*trace.assumptions(), *_energy_without_price(tariff, trace)),
        )


def _refuse_not_computable(tariff: Tariff) -> None:
    if tariff.not_computable is not None:
        raise NotComputable(tariff.not_computable)
    if not any(element.components for element in tariff.elements):
        raise NotComputable("the tariff has no price components")


def _in_phases(periods: Sequence[Period]) -> tuple[list[Period], list[Period]]:
    for p in periods:
        if p.start.tzinfo is None or p.end.tzinfo is None:
            raise ValueError(f"period starting {p.start.isoformat()} has no time zone")
        if p.end < p.start:
            raise ValueError(f"period starting {p.start.isoformat()} ends before it starts")
        if p.energy_wh < 0 or p.charging_s < 0 or p.parking_s < 0:
            raise ValueError(f"period starting {p.start.isoformat()} has a negative volume")
    ordered = sorted(periods, key=lambda p: p.start)
    return [p for p in ordered if p.reserved], [p for p in ordered if not p.reserved]


def _charging_offers(tariff: Tariff) -> Offers:
    return [
        _offers_of(index, element, CHARGING_KINDS)
        for index, element in enumerate(tariff.elements)
        if element.restrictions is None or element.restrictions.reservation is None
    ]


def _reservation_offers(tariff: Tariff, *, unused: bool) -> Offers:
    wanted = [ReservationUse.RESERVATION_EXPIRES] if unused else []
    return [
        _offers_of(index, element, RESERVATION_KINDS)
        for use in [*wanted, ReservationUse.RESERVATION]
        for index, element in enumerate(tariff.elements)
        if element.restrictions is not None and element.restrictions.reservation is use
    ]


def _offers_of(
    index: int, element: Element, kinds: dict[Dimension, LineKind]
) -> tuple[Restrictions | None, list[Offer]]:
    return element.restrictions, [
        Offer(kinds[component.dimension], index, component, element.restrictions)
        for component in element.components
        if component.dimension in kinds
    ]


def _round_up_to_steps(runs: list[Run]) -> None:
    """Sets what is billed: as measured, and in each group rounded up once, on its last run."""
    for run in runs:
        run.billed = run.measured
    for kinds in STEPPED_TOGETHER:
        group = [run for run in runs if run.offer.kind in kinds]
        if group:
            last = max(reversed(group), key=lambda run: run.end)
            _round_up(last, [run for run in group if run.offer.kind == last.offer.kind])


def _round_up(last: Run, dimension: list[Run]) -> None:
    """Rounds the dimension's total up to the step of its last run, overlooking the seventh decimal."""
    step = last.offer.component.step_size
    if step <= 0:
        return
    total = sum((run.measured for run in dimension), ZERO)
    steps = (total.quantize(COUNTED) / step).to_integral_value(ROUND_CEILING)
    last.step_size = step
    last.billed = last.measured + max(steps * step - total, ZERO)


def _line(run: Run, tax_included: TaxIncluded) -> Line:
    offer, component = run.offer, run.offer.component
    amount = component.price * run.billed / UNITS_PER_PRICE.get(offer.kind, WHOLE)
    net, gross = net_and_gross(amount, component.vat_percent, tax_included)
    return Line(
        kind=offer.kind,
        element_index=offer.element_index,
        applied_because=offer.restrictions,
        start=run.start,
        end=run.end,
        measured=run.measured,
        billed=run.billed,
        step_size=run.step_size,
        unit_price=component.price,
        vat_percent=component.vat_percent,
        net=net,
        gross=gross,
    )


def net_and_gross(
    amount: Decimal, vat_percent: Decimal | None, tax_included: TaxIncluded
) -> tuple[Decimal | None, Decimal | None]:
    """Both sides of an amount; the side that an unstated VAT leaves open is None. Nothing bears no tax."""
    if tax_included is TaxIncluded.NOT_APPLICABLE or not amount:
        return amount, amount
    if tax_included is TaxIncluded.YES:
        return None if vat_percent is None else amount * 100 / (100 + vat_percent), amount
    return amount, None if vat_percent is None else amount * (100 + vat_percent) / 100


def _limit_lines(tariff: Tariff, lines: list[Line]) -> list[Line]:
    """What lifts the session to its floor and what cuts it to its ceiling, as lines of their own."""
    net, gross = sum_known(li.net for li in lines), sum_known(li.gross for li in lines)
    rates = {li.vat_percent for li in lines}
    rate = rates.pop() if len(rates) == 1 else None
    added = []
    for kind, limit, clamp in (
        (LineKind.MIN_PRICE, tariff.min_price, max),
        (LineKind.MAX_PRICE, tariff.max_price, min),
    ):
        if limit is None:
            continue
        new_net, new_gross = _limited(net, gross, limit, clamp)
        if (new_net, new_gross) != (net, gross):
            delta_net, delta_gross = difference(new_net, net), difference(new_gross, gross)
            added.append(Line(kind=kind, net=delta_net, gross=delta_gross, vat_percent=rate))
            net, gross = new_net, new_gross
    return added


def _limited(
    net: Decimal | None,
    gross: Decimal | None,
    limit: PriceLimit,
    clamp: Callable[[Decimal, Decimal], Decimal],
) -> tuple[Decimal | None, Decimal | None]:
    new_net = net if net is None or limit.net is None else clamp(net, limit.net)
    new_gross = gross if gross is None or limit.gross is None else clamp(gross, limit.gross)
    if limit.gross is None and new_net != net:
        new_gross = _in_proportion(gross, net, new_net)
    if limit.net is None and new_gross != gross:
        new_net = _in_proportion(net, gross, new_gross)
    return new_net, new_gross


def _in_proportion(amount: Decimal | None, before: Decimal | None, after: Decimal | None) -> Decimal | None:
    """What the amount becomes when its counterpart moves; unknown when there is nothing to compare."""
    return amount * after / before if amount is not None and before and after is not None else None


def _energy_without_price(tariff: Tariff, trace: Trace) -> Iterator[Assumption]:
    priced = sum((run.measured for run in trace.runs if run.offer.kind is LineKind.ENERGY), ZERO)
    missing = trace.measured.get(LineKind.ENERGY, ZERO) - priced
    prices = (c.dimension is Dimension.ENERGY and c.price for e in tariff.elements for c in e.components)
    if missing > 0 and any(prices):
        yield Assumption(AssumptionCode.ENERGY_WITHOUT_PRICE, {"energy_wh": str(plain(missing))})
