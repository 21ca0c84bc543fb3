"""What a charge without a record is thought to bring and to cost, from what its session told last; pure.

Net of tax, in the currency of sale: what the operator asks in another currency is converted by the rate of the quote.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from emsp.money import Money, round_money
from emsp.pricing.engine.billed import billed
from emsp.pricing.engine.periods import Period, seconds_between
from emsp.pricing.engine.price import price
from emsp.pricing.engine.tariff import NotComputable, Tariff
from emsp.pricing.retail.prices import RetailTariff, retail_price


class Estimate(Struct, frozen=True):
    """What a charge is thought to bring and to cost; of one currency."""

    revenue: Money
    cost: Money


def estimated(
    retail: RetailTariff | None,
    wholesale: Tariff | None,
    *,
    started_at: datetime,
    ended_at: datetime,
    energy_wh: int,
    time_zone: str,
) -> Estimate | None:
    """By the quoted rule over the last energy and time that were told; None where no rule gives a price."""
    if retail is None or ended_at < started_at:
        return None
    whole = Period(started_at, ended_at, Decimal(energy_wh), charging_s=seconds_between(started_at, ended_at))
    try:
        bill = billed(retail_price(retail, [whole], time_zone=time_zone))
        costs = price(wholesale, [whole], time_zone=time_zone).net if wholesale else None
    except (NotComputable, ValueError, KeyError):
        return None
    revenue = Money(bill.net_minor, bill.currency)
    if wholesale is None or costs is None:
        return Estimate(revenue, Money(0, bill.currency))
    cost = converted(round_money(costs, wholesale.currency), retail)
    return Estimate(revenue, cost or Money(0, bill.currency))


def converted(cost: Money, retail: RetailTariff) -> Money | None:
    """A cost in the currency of sale; None where no rate is known."""
    into, moved = retail.tariff.currency, retail.conversion
    if cost.currency == into:
        return cost
    if moved is None or (moved.currency, moved.into) != (cost.currency, into):
        return None
    return round_money(cost.amount * moved.rate, into)
