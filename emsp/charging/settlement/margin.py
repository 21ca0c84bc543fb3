"""What is left of what drivers and fleets pay: net revenue less the cost of energy, by party and brand."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import case
from sqlmodel import col, func, select

from emsp.brands.tables import Brand
from emsp.charging.settlement.months import Month
from emsp.charging.settlement.movements import session_of_entry
from emsp.charging.tables import ChargingSession
from emsp.db.engine import Db
from emsp.payments.ledger.book import ENERGY_COST, REVENUE
from emsp.payments.tables import LedgerEntry, LedgerTransaction
from emsp.stations.tables import Station


class Margin(Struct, frozen=True, kw_only=True):
    """What the books have of a month for a brand at a party's charge points, in minor units, net.

    Without a brand and party it is what no charge can be told of. Corrections, credits, claims and accruals count in
    the month in which they were booked.
    """

    brand: str | None
    party: str | None
    currency: str
    charges: int
    revenue_minor: int
    cost_minor: int

    @property
    def margin_minor(self) -> int:
        return self.revenue_minor - self.cost_minor


async def margins(db: Db, month: Month, *, brand: str | None = None) -> list[Margin]:
    """The margin of a month (UTC) by brand, party and currency; all together are the books. One brand by its slug."""
    begins, ends = month.bounds("UTC")
    session_id, joins = session_of_entry()
    party = col(Station.country_code) + "-" + col(Station.party_id)
    columns: list[Any] = [
        Brand.slug,
        party,
        LedgerEntry.currency,
        func.count(col(ChargingSession.id).distinct()),
        -_sum_of(REVENUE),
        _sum_of(ENERGY_COST),
    ]
    query: Any = select(*columns).join(LedgerTransaction, col(LedgerTransaction.id) == col(LedgerEntry.transaction_id))
    for table, condition in joins:
        query = query.outerjoin(table, condition)
    query = (
        query.outerjoin(ChargingSession, col(ChargingSession.id) == session_id)
        .outerjoin(Brand, col(Brand.id) == col(ChargingSession.brand_id))
        .outerjoin(Station, col(Station.id) == col(ChargingSession.station_id))
        .where(
            col(LedgerEntry.account).in_((REVENUE, ENERGY_COST)),
            LedgerTransaction.created_at >= begins,
            LedgerTransaction.created_at < ends,
        )
        .group_by(col(Brand.slug), party, col(LedgerEntry.currency))
        .order_by(col(Brand.slug), party, col(LedgerEntry.currency))
    )
    if brand is not None:
        query = query.where(Brand.slug == brand)
    return [
        Margin(
            brand=slug,
            party=of_party,
            currency=currency,
            charges=charges,
            revenue_minor=int(revenue),
            cost_minor=int(cost),
        )
        for slug, of_party, currency, charges, revenue, cost in await db.execute(query)
    ]


def _sum_of(account: str) -> Any:
    return func.sum(case((col(LedgerEntry.account) == account, LedgerEntry.amount_minor), else_=0))
