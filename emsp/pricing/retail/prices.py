"""From what the operator charges us to what the driver pays: a brand's price policy applied.

Either the tariff is turned into a retail tariff, which is kept as a snapshot with the quote and prices the
measured session later, or, where no tariff is known, a wholesale report is passed on line by line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from emsp.pricing.engine.price import net_and_gross, price
from emsp.pricing.engine.report import PRECISE, Assumption, AssumptionCode, Line, Report, make_report
from emsp.pricing.engine.tariff import Component, Element, PriceLimit, Tariff, TaxIncluded
from emsp.pricing.engine.trace import Period
from emsp.pricing.retail.conversion import Conversion, conversion
from emsp.pricing.retail.discounts import discount_lines, plan_in
from emsp.pricing.retail.fees import Fees, SessionFee, UsageFee, fee_lines, fees_of
from emsp.pricing.retail.own_prices import OwnPrice, Place, own_price_at, tariff_of
from emsp.pricing.retail.plan_terms import HeldPlan, PlanTerms
from emsp.pricing.retail.terms import (
    Guarantee,
    LateCorrections,
    PricePolicy,
    SoldIn,
    Terms,
    UsageFeePolicy,
    VatWhenUnstated,
)

__all__ = [
    "Conversion",
    "Guarantee",
    "HeldPlan",
    "LateCorrections",
    "OwnPrice",
    "Place",
    "PlanTerms",
    "PricePolicy",
    "RetailTariff",
    "SessionFee",
    "SoldIn",
    "Terms",
    "UsageFee",
    "UsageFeePolicy",
    "VatWhenUnstated",
    "own_tariff",
    "retail_price",
    "retail_report",
    "retail_tariff",
]

REMEMBERED = 4096
NO_FEES = Fees(None, (), ())
ONE = Decimal(1)
Said = tuple[Assumption, ...]


class RetailTariff(Struct, frozen=True, omit_defaults=True):
    """What a driver is promised: a tariff, the brand's fees, their plan, and what was taken for granted.

    All amounts are in the tariff's currency; `conversion` says how they came into it.
    """

    tariff: Tariff
    session_fee: SessionFee | None = None
    assumptions: Said = ()
    usage_fees: tuple[UsageFee, ...] = ()
    plan: HeldPlan | None = None
    conversion: Conversion | None = None
    own_price: bool = False
    """From the brand's own price table, whatever the operator asks."""
    guarantee: Guarantee = Guarantee.QUOTED_RULE


@lru_cache(maxsize=REMEMBERED)
def retail_tariff(tariff: Tariff, terms: Terms, place: Place) -> RetailTariff:
    """The driver's tariff at a place of charging: the brand's own price, else one made from the operator's.

    Remembered: thousands of connectors have few tariffs between them.
    """
    own = own_tariff(terms, place)
    if own is not None:
        return own
    with localcontext(PRECISE):
        moved, about_currency = _into_currency_of_sale(tariff.currency, terms)
        vat = _vat_when_unstated(terms.policy, place)
        unstated = _leaves_vat_open(tariff)
        sold = _with_vat(tariff, vat) if unstated and vat is not None else tariff
        sold = _multiplied(sold, _factor(terms.policy, moved), moved.into if moved else tariff.currency)
        fees = fees_of(terms, sold.currency, place.country)
    return _promised(sold, terms, fees, (*_about_vat(unstated, vat, place.country), *about_currency), moved)


def own_tariff(terms: Terms, place: Place) -> RetailTariff | None:
    """The brand's own price at a place; None where its table has none. It needs no tariff of the operator's."""
    entry = own_price_at(terms.policy.own_prices, place)
    if entry is None:
        return None
    tariff = tariff_of(entry, terms.policy.vat_of_place(place.country))
    on_top = tariff.tax_included is TaxIncluded.NO and _leaves_vat_open(tariff)
    return replace(_promised(tariff, terms, NO_FEES, _about_vat(on_top, None, place.country)), own_price=True)


def retail_price(retail: RetailTariff, periods: Sequence[Period], *, time_zone: str) -> Report:
    """What the driver pays for a session. Raises as `engine.price` does."""
    report = price(retail.tariff, periods, time_zone=time_zone)
    return _with_fees_and_plan(report, report.lines, retail)


def retail_report(report: Report, terms: Terms, place: Place) -> Report:
    """What the driver pays for a session of which only the wholesale report is known, not the tariff."""
    with localcontext(PRECISE):
        moved, about_currency = _into_currency_of_sale(report.currency, terms)
        vat = _vat_when_unstated(terms.policy, place)
        unstated = any(line.tax is None for line in report.lines)
        lines = [_retail_line(line, _factor(terms.policy, moved), vat) for line in report.lines]
        report = replace(report, currency=moved.into if moved else report.currency)
        fees = fees_of(terms, report.currency, place.country)
    about = (*_about_vat(unstated, vat, place.country), *about_currency)
    return _with_fees_and_plan(report, lines, _promised(Tariff(report.currency, ()), terms, fees, about, moved))


def _promised(tariff: Tariff, terms: Terms, fees: Fees, about: Said, moved: Conversion | None = None) -> RetailTariff:
    plan, about_plan = plan_in(terms, tariff.currency)
    return RetailTariff(
        tariff=tariff,
        session_fee=fees.session,
        assumptions=(*about, *fees.assumptions, *about_plan),
        usage_fees=fees.usage,
        plan=plan,
        conversion=moved,
        guarantee=terms.policy.guarantee,
    )


def _with_fees_and_plan(report: Report, lines: Sequence[Line], retail: RetailTariff) -> Report:
    with localcontext(PRECISE):
        asked = [*lines, *fee_lines(retail.session_fee, retail.usage_fees, report)]
        return make_report(
            report.currency,
            [*asked, *(discount_lines(asked, retail.plan) if retail.plan else ())],
            {total.kind: total.measured for total in report.per_dimension},
            estimated=report.estimated,
            assumptions=(*report.assumptions, *retail.assumptions),
        )


def _into_currency_of_sale(currency: str, terms: Terms) -> tuple[Conversion | None, Said]:
    """The conversion that the policy asks for, and what is to be said about it."""
    into = terms.currency
    if terms.policy.currency is SoldIn.OPERATOR or into in (None, currency):
        return None, ()
    moved = conversion(currency, str(into), terms.rates)
    names = {"currency": currency, "into": str(into)}
    if moved is None:
        return None, (Assumption(AssumptionCode.CURRENCY_NOT_CONVERTED, names),)
    as_of = {"as_of": moved.as_of.isoformat()}
    told = Assumption(
        AssumptionCode.CURRENCY_CONVERTED, names | as_of | {"rate": str(moved.rate), "source": moved.source}
    )
    return moved, (told, Assumption(AssumptionCode.EXCHANGE_RATE_OLD, as_of)) if moved.old else (told,)


def _factor(policy: PricePolicy, moved: Conversion | None) -> Decimal:
    return (100 + policy.markup_percent) / 100 * (moved.rate if moved else ONE)


def _multiplied(tariff: Tariff, factor: Decimal, currency: str) -> Tariff:
    if factor == ONE and currency == tariff.currency:
        return tariff
    return replace(
        tariff,
        currency=currency,
        elements=_each_component(tariff, lambda c: replace(c, price=c.price * factor)),
        min_price=_times(tariff.min_price, factor),
        max_price=_times(tariff.max_price, factor),
    )


def _with_vat(tariff: Tariff, vat: Decimal) -> Tariff:
    return replace(
        tariff,
        elements=_each_component(tariff, lambda c: c if c.vat_percent is not None else replace(c, vat_percent=vat)),
    )


def _each_component(tariff: Tariff, changed: Callable[[Component], Component]) -> tuple[Element, ...]:
    return tuple(replace(element, components=tuple(map(changed, element.components))) for element in tariff.elements)


def _times(limit: PriceLimit | None, factor: Decimal) -> PriceLimit | None:
    if limit is None:
        return None
    return PriceLimit(*(side if side is None else side * factor for side in (limit.net, limit.gross)))


def _leaves_vat_open(tariff: Tariff) -> bool:
    return tariff.tax_included is not TaxIncluded.NOT_APPLICABLE and any(
        c.vat_percent is None and c.price for element in tariff.elements for c in element.components
    )


def _vat_when_unstated(policy: PricePolicy, place: Place) -> Decimal | None:
    return None if policy.vat_when_unstated is VatWhenUnstated.NONE else policy.vat_of_place(place.country)


def _about_vat(unstated: bool, vat: Decimal | None, country: str) -> Said:
    if not unstated:
        return ()
    if vat is None:
        return (Assumption(AssumptionCode.VAT_UNKNOWN, {"country": country}),)
    known = {"country": country, "vat_percent": str(vat)}
    return (Assumption(AssumptionCode.VAT_OF_PLACE_OF_CHARGING, known),)


def _retail_line(line: Line, factor: Decimal, vat: Decimal | None) -> Line:
    net, gross, rate = line.net, line.gross, line.vat_percent
    if net is None and gross is not None:
        net, gross = net_and_gross(gross, vat, TaxIncluded.YES)
        rate = vat
    elif gross is None and net is not None:
        net, gross = net_and_gross(net, vat, TaxIncluded.NO)
        rate = vat
    return replace(
        line,
        unit_price=line.unit_price * factor,
        vat_percent=rate,
        net=None if net is None else net * factor,
        gross=None if gross is None else gross * factor,
    )
