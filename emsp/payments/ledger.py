"""The books: named business events, each written once, in the transaction that causes it.

Callers say what happened; which account is debited and which credited is decided here. Debits are positive.
The database itself refuses a transaction whose entries do not sum to zero per currency.
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


async def charge_billed(db: Db, *, reference: str, payer: str, net_minor: int, total: Money) -> bool:
    """A driver or a fleet owes for a charge; the net is revenue, the rest tax."""
    net = Money(net_minor, total.currency)
    tax = total - net
    return await _write(db, "charge_billed", reference, [(payer, total), (REVENUE, _minus(net)), (TAX, _minus(tax))])


async def energy_bought(db: Db, *, reference: str, seller: str, cost: Money) -> bool:
    """We owe an operator for a charge, by its own record."""
    return await _write(db, "energy_bought", reference, [(ENERGY_COST, cost), (seller, _minus(cost))])


async def claim_opened(db: Db, *, reference: str, seller: str, disputed: Money) -> bool:
    """We do not owe an operator so much of what its record asks for."""
    return await _write(db, "claim_opened", reference, [(seller, disputed), (ENERGY_COST, _minus(disputed))])


async def claim_closed(db: Db, *, reference: str, seller: str, given_up: Money) -> bool:
    """So much of a claim stands no longer: we owe it after all, or the record that it was about is gone."""
    return await _write(db, "claim_closed", reference, [(ENERGY_COST, given_up), (seller, _minus(given_up))])


async def payment_received(db: Db, *, event: str, reference: str, payer: str, amount: Money) -> bool:
    """The card processor has money for us that `payer` owed. False when it was written before."""
    return await _write(db, event, reference, [(CLEARING, amount), (payer, _minus(amount))])


# Corrections.


async def charge_corrected(db: Db, *, reference: str, payer: str, net_minor: int, total: Money) -> bool:
    """A bill was corrected: what is owed for the charge changes by `total`, mostly less than nothing."""
    net = Money(net_minor, total.currency)
    entries = [(payer, total), (REVENUE, _minus(net)), (TAX, _minus(total - net))]
    return await _write(db, "charge_corrected", reference, entries)


async def energy_corrected(db: Db, *, reference: str, seller: str, differences: Sequence[Money]) -> bool:
    """An operator asks for another amount than before: by how much, one a currency, negative after a credit."""
    bought = [(ENERGY_COST, difference) for difference in differences]
    owed = [(seller, _minus(difference)) for difference in differences]
    return await _write(db, "energy_corrected", reference, [*bought, *owed])


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


async def payment_given_back(db: Db, *, reference: str, payer: str, amount: Money) -> bool:
    """The card processor gave money back to `payer`. False when it was written before."""
    return await _write(db, "payment_given_back", reference, [(payer, amount), (CLEARING, _minus(amount))])


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


async def _write(db: Db, event: str, reference: str, entries: Sequence[tuple[str, Money]]) -> bool:
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


def _minus(money: Money) -> Money:
    return Money(-money.amount_minor, money.currency)
