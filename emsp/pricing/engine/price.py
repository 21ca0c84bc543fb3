"""Prices a session: a tariff and the periods of a charge go in, a report that can be shown comes out.

The rules are those of OCPI 2.2.1 and 2.3.0 (chapters Tariffs and CDRs). At every moment, and for each
dimension separately, the first element applies whose restrictions hold and that has the dimension. Where the
specification leaves a choice that partners make differently, it is one of `policies.Policies`. Decided here:

* SPLIT_PRO_RATA: where a restriction turns within a period, its energy and time are split evenly over it, and
  the report says that it is estimated if a price changed for an amount that was not measured on both sides.
* UNUSED_RESERVATION: periods that are all reserved are a reservation that ended without a charge.
* ONE_SESSION: where several tariffs price a session, energy and durations that restrictions ask for, the one
  FLAT and the rounding to steps are those of the whole session; floor and ceiling hold for the lines of their
  own tariff.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from zoneinfo import ZoneInfo

from emsp.pricing.engine.limits import limit_lines
from emsp.pricing.engine.offers import NOTHING, Offers, Phase, offers_of
from emsp.pricing.engine.policies import DEFAULT, Policies, VatOmitted
from emsp.pricing.engine.report import (
    PRECISE,
    ZERO,
    Assumption,
    AssumptionCode,
    Line,
    LineKind,
    Report,
    make_report,
    plain,
)
from emsp.pricing.engine.steps import round_up_to_steps
from emsp.pricing.engine.tariff import Dimension, NotComputable, Tariff, net_and_gross
from emsp.pricing.engine.trace import Period, Run, Trace

__all__ = ["NotComputable", "Period", "Report", "net_and_gross", "price", "price_by_period"]

UNITS_PER_PRICE = {
    LineKind.ENERGY: Decimal(1000),
    LineKind.TIME: Decimal(3600),
    LineKind.PARKING_TIME: Decimal(3600),
    LineKind.RESERVATION_TIME: Decimal(3600),
}
WHOLE = Decimal(1)
GENERAL_KINDS = (None, "REGULAR")
"""Tariff types for a driver with a contract and no charging preference (enum TariffType)."""

Priced = Sequence[tuple[Period, Tariff | None]]


def price(tariff: Tariff, periods: Sequence[Period], *, time_zone: str, policies: Policies = DEFAULT) -> Report:
    """Prices the periods of one session with one tariff, in the IANA time zone of the place of charging.

    Raises NotComputable when the tariff cannot be priced, ValueError when a period is impossible, and
    ZoneInfoNotFoundError (a KeyError) for an unknown zone.
    """
    return _price([tariff], [(period, tariff) for period in _in_order(periods)], time_zone, policies)


def price_by_period(
    tariffs: Sequence[Tariff], periods: Sequence[Period], *, time_zone: str, policies: Policies = DEFAULT
) -> Report:
    """Prices the periods of one session, each with the tariff that it names (OCPI: ChargingPeriod `tariff_id`).

    If there is only one tariff, or no period names any, the first one without a type or of type REGULAR that is
    valid at the start prices them all; else a period that names none has no price. Raises as `price` does, and
    NotComputable when a tariff is missing or the currencies differ.
    """
    if not tariffs:
        raise NotComputable("there is no tariff")
    ordered = _in_order(periods)
    if len(tariffs) == 1 or not any(period.tariff_id for period in ordered):
        general = _general(tariffs, ordered[0].start if ordered else None)
        return _price([general], [(period, general) for period in ordered], time_zone, policies)
    priced = [(period, _named(tariffs, period.tariff_id)) for period in ordered]
    used = list({id(tariff): tariff for _, tariff in priced if tariff is not None}.values())
    return _price(used, priced, time_zone, policies)


def _in_order(periods: Sequence[Period]) -> list[Period]:
    for p in periods:
        if p.start.tzinfo is None or p.end.tzinfo is None:
            raise ValueError(f"period starting {p.start.isoformat()} has no time zone")
        if p.end < p.start:
            raise ValueError(f"period starting {p.start.isoformat()} ends before it starts")
        if p.energy_wh < 0 or p.charging_s < 0 or p.parking_s < 0:
            raise ValueError(f"period starting {p.start.isoformat()} has a negative volume")
    return sorted(periods, key=lambda p: (p.start, p.end))


def _general(tariffs: Sequence[Tariff], at: datetime | None) -> Tariff:
    """The tariff for a session of which nothing says which one it is."""
    general = [tariff for tariff in tariffs if tariff.kind in GENERAL_KINDS] or list(tariffs)
    return next((tariff for tariff in general if at is not None and _is_valid(tariff, at)), general[0])


def _is_valid(tariff: Tariff, at: datetime) -> bool:
    since, until = tariff.valid_from, tariff.valid_until
    return (since is None or since <= at) and (until is None or at < until)


def _named(tariffs: Sequence[Tariff], tariff_id: str | None) -> Tariff | None:
    """The tariff of this id, which is compared without case, as OCPI's CiStrings are; None for no id."""
    if not tariff_id:
        return None
    for tariff in tariffs:
        if tariff.external_id is not None and tariff.external_id.casefold() == tariff_id.casefold():
            return tariff
    raise NotComputable(f"the tariff {tariff_id} of a period is missing")


def _price(tariffs: Sequence[Tariff], periods: Priced, time_zone: str, policies: Policies) -> Report:
    _refuse_not_computable(tariffs)
    zone = ZoneInfo(time_zone)
    reserved = [priced for priced in periods if priced[0].reserved]
    charged = [priced for priced in periods if not priced[0].reserved]
    with localcontext(PRECISE):
        trace = Trace(zone, policies)
        if reserved:
            phase = Phase.RESERVATION if charged else Phase.UNUSED_RESERVATION
            trace.walk(_with_offers(reserved, tariffs, phase, policies))
        trace.walk(_with_offers(charged, tariffs, Phase.CHARGE, policies))
        round_up_to_steps(trace.runs, policies.step_sizes)
        lines = [_line(run, policies.vat_omitted, several=len(tariffs) > 1) for run in trace.runs]
        for tariff in tariffs:
            own = [line for run, line in zip(trace.runs, lines, strict=False) if run.offer.tariff is tariff]
            lines += limit_lines(tariff, own, policies, a_charge=any(t is tariff for _, t in charged))
        return make_report(
            tariffs[0].currency,
            lines,
            trace.measured,
            estimated=bool(trace.guesses),
            assumptions=(*trace.assumptions(), *_energy_without_price(tariffs, trace)),
        )


def _refuse_not_computable(tariffs: Sequence[Tariff]) -> None:
    for tariff in tariffs:
        if tariff.not_computable is not None:
            raise NotComputable(tariff.not_computable)
        if not any(element.components for element in tariff.elements):
            raise NotComputable("the tariff has no price components")
        if tariff.currency != tariffs[0].currency:
            raise NotComputable(f"one tariff is in {tariffs[0].currency}, another in {tariff.currency}")


def _with_offers(
    priced: Priced, tariffs: Sequence[Tariff], phase: Phase, policies: Policies
) -> list[tuple[Period, Offers]]:
    offers = {id(tariff): offers_of(tariff, phase, policies.durations) for tariff in tariffs}
    return [(period, NOTHING if tariff is None else offers[id(tariff)]) for period, tariff in priced]


def _line(run: Run, vat_omitted: VatOmitted, *, several: bool) -> Line:
    offer, component = run.offer, run.offer.component
    amount = component.price * run.billed / UNITS_PER_PRICE.get(offer.kind, WHOLE)
    untaxed = component.vat_percent is None and vat_omitted is VatOmitted.NOT_APPLICABLE
    vat_percent = ZERO if untaxed else component.vat_percent
    net, gross = net_and_gross(amount, vat_percent, offer.tariff.tax_included)
    return Line(
        kind=offer.kind,
        tariff_id=offer.tariff.external_id if several else None,
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


def _energy_without_price(tariffs: Sequence[Tariff], trace: Trace) -> Iterator[Assumption]:
    priced = sum((run.measured for run in trace.runs if run.offer.kind is LineKind.ENERGY), ZERO)
    missing = trace.measured.get(LineKind.ENERGY, ZERO) - priced
    if missing > 0 and any(_prices_energy(tariff) for tariff in tariffs):
        yield Assumption(AssumptionCode.ENERGY_WITHOUT_PRICE, {"energy_wh": str(plain(missing))})


def _prices_energy(tariff: Tariff) -> bool:
    return any(c.dimension is Dimension.ENERGY and c.price for e in tariff.elements for c in e.components)
