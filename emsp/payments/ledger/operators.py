"""What we owe operators for energy, and what we claim of it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, func, select

from emsp.db.engine import Db
from emsp.money import Money
from emsp.payments.ledger.book import ENERGY_COST, minus, write
from emsp.payments.tables import LedgerEntry, LedgerTransaction


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
