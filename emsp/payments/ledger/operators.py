"""What we owe operators for energy, and what we claim of it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, func, select

from emsp.db.engine import Db
from emsp.money import Money
from emsp.payments.ledger.book import BANK, ENERGY_COST, REVENUE, TAX, minus, write
from emsp.payments.tables import LedgerEntry, LedgerTransaction

ACCRUED_REVENUE = "accrued_revenue"
ACCRUED_COST = "accrued_cost"


async def energy_bought(db: Db, *, reference: str, seller: str, cost: Money) -> bool:
    """We owe an operator for a charge, by its own record."""
    return await write(db, "energy_bought", reference, [(ENERGY_COST, cost), (seller, minus(cost))])


async def energy_corrected(db: Db, *, reference: str, seller: str, differences: Sequence[Money]) -> bool:
    """An operator asks for another amount than before: by how much, one a currency, negative after a credit."""
    bought = [(ENERGY_COST, difference) for difference in differences]
    owed = [(seller, minus(difference)) for difference in differences]
    return await write(db, "energy_corrected", reference, [*bought, *owed])


async def energy_asked(db: Db, references: Sequence[str]) -> dict[str, Money]:
    """What was booked for the energy of these records, by currency, claims left aside."""
    total = func.sum(LedgerEntry.amount_minor)
    query = (
        select(LedgerEntry.currency, total)
        .join(LedgerTransaction, col(LedgerTransaction.id) == col(LedgerEntry.transaction_id))
        .where(
            LedgerEntry.account == ENERGY_COST,
            col(LedgerTransaction.event).in_(("energy_bought", "energy_corrected")),
            col(LedgerTransaction.reference).in_(references),
        )
        .group_by(col(LedgerEntry.currency))
    )
    return {currency: Money(int(amount), currency) for currency, amount in await db.execute(query)}


async def claim_opened(db: Db, *, reference: str, seller: str, disputed: Money) -> bool:
    """We do not owe an operator so much of what its record asks for."""
    return await write(db, "claim_opened", reference, [(seller, disputed), (ENERGY_COST, minus(disputed))])


async def claim_closed(db: Db, *, reference: str, seller: str, given_up: Money) -> bool:
    """So much of a claim stands no longer: we owe it after all, or the record that it was about is gone."""
    return await write(db, "claim_closed", reference, [(ENERGY_COST, given_up), (seller, minus(given_up))])


async def accrual_made(db: Db, *, reference: str, revenue: Money, cost: Money) -> bool:
    """A charge ended, and its month is over before its record came: what it is thought to bring and to cost, net."""
    brings = [(ACCRUED_REVENUE, revenue), (REVENUE, minus(revenue))]
    costs = [(ENERGY_COST, cost), (ACCRUED_COST, minus(cost))]
    return await write(db, "accrual_made", reference, [*brings, *costs])


async def accrual_undone(db: Db, *, reference: str, revenue: Money, cost: Money) -> bool:
    """The charge was billed, or came to nothing: what was thought of it before is taken out again."""
    brings = [(REVENUE, revenue), (ACCRUED_REVENUE, minus(revenue))]
    costs = [(ACCRUED_COST, cost), (ENERGY_COST, minus(cost))]
    return await write(db, "accrual_undone", reference, [*brings, *costs])


async def invoice_paid(db: Db, *, reference: str, seller: str, net: Money, tax: Money) -> bool:
    """We paid an operator's invoice from the bank. Its tax is ours to reclaim, so that it lessens the tax we owe."""
    return await write(db, "invoice_paid", reference, [(seller, net), (TAX, tax), (BANK, minus(net + tax))])
