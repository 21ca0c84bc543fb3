"""From what the operator charges us to what the driver pays: a brand's price policy applied.

Either the tariff is turned into a retail tariff, which is kept as a snapshot with the quote and prices the
measured session later, or, where no tariff is known, a wholesale report is passed on line by line.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from emsp.pricing.engine import net_and_gross, price
from emsp.pricing.report import PRECISE, Assumption, AssumptionCode, Line, LineKind, Report, make_report
from emsp.pricing.tariff import Component, Element, PriceLimit, Tariff, TaxIncluded
from emsp.pricing.trace import Period
from emsp.pricing.vat import standard_vat_percent


class VatWhenUnstated(StrEnum):
    """What to do about a component without VAT."""

    PLACE_OF_CHARGING = "PLACE_OF_CHARGING"
    """Electricity is taxed where it is charged: the standard rate of that country."""
    NONE = "NONE"
    """Leave tax unknown: it comes on top."""


class PricePolicy(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How a brand makes its price from the operator's. The default passes it on as it is."""

    markup_percent: Decimal = Decimal(0)
    """On every price and limit; negative for a discount."""
    session_fee_net: Decimal | None = None
    session_fee_vat_percent: Decimal | None = None
    """None: the standard rate of the country of charging."""
    session_fee_currency: str | None = None
    """None: that of the tariff. A fee in another currency than the tariff is left out and reported so."""
    vat_when_unstated: VatWhenUnstated = VatWhenUnstated.PLACE_OF_CHARGING


class Place(Struct, frozen=True, omit_defaults=True):
    """Where something is sold: country (alpha-2 or alpha-3), the operator's party (NL-ABC), what it delivers."""

    country: str
    party: str = ""
    power_w: Decimal | None = None
    direct_current: bool | None = None


class Terms(Struct, frozen=True, omit_defaults=True):
    """By what a brand makes its price for somebody: its policy, its currency."""

    policy: PricePolicy = PricePolicy()
    currency: str | None = None


class SessionFee(Struct, frozen=True, omit_defaults=True):
    """What the brand asks once per session."""

    net: Decimal
    vat_percent: Decimal | None = None


class RetailTariff(Struct, frozen=True, omit_defaults=True):
    """What a driver is promised: a tariff, the brand's fee, and what was taken for granted in making them."""

    tariff: Tariff
    session_fee: SessionFee | None = None
    assumptions: tuple[Assumption, ...] = ()


def retail_tariff(tariff: Tariff, terms: Terms, place: Place) -> RetailTariff:
    """The driver's tariff for an operator's, at a place of charging."""
    policy, country = terms.policy, place.country
    with localcontext(PRECISE):
        factor = _factor(policy)
        vat = _vat(policy, country)
        elements = tuple(_retail_element(element, factor, vat, tariff.tax_included) for element in tariff.elements)
        retail = replace(
            tariff,
            elements=elements,
            min_price=_times(tariff.min_price, factor),
            max_price=_times(tariff.max_price, factor),
        )
    unstated = tariff.tax_included is not TaxIncluded.NOT_APPLICABLE and any(
        c.vat_percent is None and c.price for element in tariff.elements for c in element.components
    )
    fee, about_fee = _session_fee(policy, tariff.currency, country)
    return RetailTariff(retail, fee, (*_about_vat(unstated, vat, country), *about_fee))


def retail_price(retail: RetailTariff, periods: Sequence[Period], *, time_zone: str) -> Report:
    """What the driver pays for a session. Raises as `engine.price` does."""
    report = price(retail.tariff, periods, time_zone=time_zone)
    return _with_fee(report, report.lines, retail.session_fee, retail.assumptions)


def retail_report(report: Report, terms: Terms, place: Place) -> Report:
    """What the driver pays for a session of which only the wholesale report is known, not the tariff."""
    policy, country = terms.policy, place.country
    with localcontext(PRECISE):
        vat = _vat(policy, country)
        lines = [_retail_line(line, _factor(policy), vat) for line in report.lines]
    unstated = any(line.tax is None for line in report.lines)
    fee, about_fee = _session_fee(policy, report.currency, country)
    return _with_fee(report, lines, fee, (*_about_vat(unstated, vat, country), *about_fee))


def _factor(policy: PricePolicy) -> Decimal:
    return (100 + policy.markup_percent) / 100


def _vat(policy: PricePolicy, country: str) -> Decimal | None:
    if policy.vat_when_unstated is VatWhenUnstated.NONE:
        return None
    return standard_vat_percent(country)


def _retail_element(element: Element, factor: Decimal, vat: Decimal | None, tax_included: TaxIncluded) -> Element:
    return replace(
        element, components=tuple(_retail_component(c, factor, vat, tax_included) for c in element.components)
    )


def _retail_component(
    component: Component, factor: Decimal, vat: Decimal | None, tax_included: TaxIncluded
) -> Component:
    stated = component.vat_percent is not None or tax_included is TaxIncluded.NOT_APPLICABLE
    return replace(
        component,
        price=component.price * factor,
        vat_percent=component.vat_percent if stated else vat,
    )


def _times(limit: PriceLimit | None, factor: Decimal) -> PriceLimit | None:
    if limit is None:
        return None
    return PriceLimit(*(side if side is None else side * factor for side in (limit.net, limit.gross)))


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


def _session_fee(policy: PricePolicy, currency: str, country: str) -> tuple[SessionFee | None, tuple[Assumption, ...]]:
    if not policy.session_fee_net:
        return None, ()
    if policy.session_fee_currency not in (None, currency):
        other = {"currency": str(policy.session_fee_currency)}
        return None, (Assumption(AssumptionCode.SESSION_FEE_IN_OTHER_CURRENCY, other),)
    stated = policy.session_fee_vat_percent
    return SessionFee(policy.session_fee_net, standard_vat_percent(country) if stated is None else stated), ()


def _about_vat(unstated: bool, vat: Decimal | None, country: str) -> tuple[Assumption, ...]:
    if not unstated:
        return ()
    if vat is None:
        return (Assumption(AssumptionCode.VAT_UNKNOWN, {"country": country}),)
    known = {"country": country, "vat_percent": str(vat)}
    return (Assumption(AssumptionCode.VAT_OF_PLACE_OF_CHARGING, known),)


def _with_fee(
    report: Report, lines: Sequence[Line], fee: SessionFee | None, assumptions: tuple[Assumption, ...]
) -> Report:
    with localcontext(PRECISE):
        return make_report(
            report.currency,
            [*lines, *_fee_lines(fee)],
            {total.kind: total.measured for total in report.per_dimension},
            estimated=report.estimated,
            assumptions=(*report.assumptions, *assumptions),
        )


def _fee_lines(fee: SessionFee | None) -> list[Line]:
    if fee is None:
        return []
    net, gross = net_and_gross(fee.net, fee.vat_percent, TaxIncluded.NO)
    return [Line(kind=LineKind.SESSION_FEE, unit_price=fee.net, vat_percent=fee.vat_percent, net=net, gross=gross)]
