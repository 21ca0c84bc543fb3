"""How entries are written: each business event once, in the transaction that causes it. Debits are positive.

The database itself refuses a transaction whose entries do not sum to zero per currency, and any change of one.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select

from emsp.db.engine import Db
from emsp.money import Money
from emsp.payments.tables import LedgerEntry, LedgerTransaction

REVENUE = "revenue"
TAX = "tax"
ENERGY_COST = "energy_cost"
CLEARING = "processor_clearing"
BANK = "bank"


async def write(db: Db, event: str, reference: str, entries: Sequence[tuple[str, Money]]) -> bool:
    """Write a business event once; False when it was written before. Entries of nothing are left out."""
    statement = (
        insert(LedgerTransaction)
        .values(event=event, reference=reference, created_at=func.now())
        .on_conflict_do_nothing()
        .returning(col(LedgerTransaction.id))
    )
    written = (await db.execute(statement)).scalar_one_or_none()
    if written is None:
        return False
    for account, money in entries:
        if money.amount_minor:
            db.add(
                LedgerEntry(
                    transaction_id=written, account=account, currency=money.currency, amount_minor=money.amount_minor
                )
            )
    await db.flush()
    return True


def minus(money: Money) -> Money:
    """The same amount the other way."""
    return Money(-money.amount_minor, money.currency)


async def balance(db: Db, account: str, currency: str) -> Money:
    """What stands on an account: positive is owed to us, or ours."""
    query = select(func.coalesce(func.sum(LedgerEntry.amount_minor), 0)).where(
        LedgerEntry.account == account, LedgerEntry.currency == currency
    )
    return Money(int((await db.execute(query)).scalar_one()), currency)


async def imbalance(db: Db) -> dict[str, int]:
    """Every currency whose entries do not sum to zero, with the sum; empty when the books balance."""
    total = func.sum(LedgerEntry.amount_minor)
    query = select(LedgerEntry.currency, total).group_by(col(LedgerEntry.currency)).having(total != 0)
    return {currency: int(amount) for currency, amount in await db.execute(query)}
