"""What a brand asks beside the operator's tariff: once per session, per kWh, per minute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from emsp.pricing.engine.price import net_and_gross
from emsp.pricing.engine.report import ZERO, Assumption, AssumptionCode, Line, LineKind, Report
from emsp.pricing.engine.tariff import TaxIncluded
from emsp.pricing.retail.conversion import factor
from emsp.pricing.retail.terms import FeePer, Terms

COUNTED = {
    LineKind.ENERGY_FEE: (LineKind.ENERGY, Decimal(1000)),
    LineKind.TIME_FEE: (LineKind.TIME, Decimal(3600)),
    LineKind.PARKING_FEE: (LineKind.PARKING_TIME, Decimal(3600)),
}
"""What each usage fee is counted by, and how much of it its price is for."""
KINDS = {
    FeePer.KWH: (LineKind.ENERGY_FEE, 1),
    FeePer.CHARGING_MINUTE: (LineKind.TIME_FEE, 60),
    FeePer.PARKING_MINUTE: (LineKind.PARKING_FEE, 60),
}


class SessionFee(Struct, frozen=True, omit_defaults=True):
    """What the brand asks once per session."""

    net: Decimal
    vat_percent: Decimal | None = None


class UsageFee(Struct, frozen=True, omit_defaults=True):
    """What the brand asks for usage: ENERGY_FEE per kWh, TIME_FEE and PARKING_FEE per hour."""

    kind: LineKind
    net: Decimal
    vat_percent: Decimal | None = None


class Fees(Struct, frozen=True):
    """The fees of a sale, in its currency, and what is to be said about them."""

    session: SessionFee | None
    usage: tuple[UsageFee, ...]
    assumptions: tuple[Assumption, ...]


def fees_of(terms: Terms, currency: str, country: str) -> Fees:
    """The fees that the policy asks in a country for a tariff in `currency`; what cannot be converted is left out."""
    policy = terms.policy
    vat = policy.vat_of_place(country)
    foreign = dict[str, None]()

    def net(amount: Decimal | None, stated: str | None) -> Decimal | None:
        by = factor(stated, currency, terms.rates)
        if amount and by is None:
            foreign[str(stated)] = None
        return amount * by if amount and by else None

    def rate(stated: Decimal | None) -> Decimal | None:
        return vat if stated is None else stated

    once = net(policy.session_fee_net, policy.session_fee_currency)
    usage = [(fee, *KINDS[fee.per], net(fee.net, fee.currency)) for fee in policy.usage_fees]
    return Fees(
        session=None if once is None else SessionFee(once, rate(policy.session_fee_vat_percent)),
        usage=tuple(
            UsageFee(kind, each * units, rate(fee.vat_percent)) for fee, kind, units, each in usage if each is not None
        ),
        assumptions=tuple(
            Assumption(AssumptionCode.SESSION_FEE_IN_OTHER_CURRENCY, {"currency": code}) for code in foreign
        ),
    )


def fee_lines(session: SessionFee | None, usage: Sequence[UsageFee], report: Report) -> Iterator[Line]:
    """The fees for what the report says was measured."""
    if session is not None:
        yield _line(LineKind.SESSION_FEE, session, session.net)
    measured = {total.kind: total.measured for total in report.per_dimension}
    for fee in usage:
        counted, units = COUNTED[fee.kind]
        volume = measured.get(counted, ZERO)
        if volume > 0:
            yield replace(_line(fee.kind, fee, fee.net * volume / units), measured=volume, billed=volume)


def _line(kind: LineKind, fee: SessionFee | UsageFee, amount: Decimal) -> Line:
    net, gross = net_and_gross(amount, fee.vat_percent, TaxIncluded.NO)
    return Line(kind=kind, unit_price=fee.net, vat_percent=fee.vat_percent, net=net, gross=gross)
