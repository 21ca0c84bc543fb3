"""What drivers and fleets owe for charges, and what the card processor took and gave back for them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, func, select

from emsp.db.engine import Db
from emsp.money import Money
from emsp.payments.ledger.book import CLEARING, REVENUE, TAX, minus, write
from emsp.payments.tables import LedgerEntry, LedgerTransaction

WRITTEN_OFF = "receivable_written_off"


async def charge_billed(db: Db, *, reference: str, payer: str, net_minor: int, total: Money) -> bool:
    """A driver or a fleet owes for a charge; the net is revenue, the rest tax."""
    net = Money(net_minor, total.currency)
    tax = total - net
    return await write(db, "charge_billed", reference, [(payer, total), (REVENUE, minus(net)), (TAX, minus(tax))])


async def charge_corrected(db: Db, *, reference: str, payer: str, net_minor: int, total: Money) -> bool:
    """A bill was corrected: what is owed for the charge changes by `total`, mostly less than nothing."""
    net = Money(net_minor, total.currency)
    entries = [(payer, total), (REVENUE, minus(net)), (TAX, minus(total - net))]
    return await write(db, "charge_corrected", reference, entries)


async def payment_received(db: Db, *, event: str, reference: str, payer: str, amount: Money) -> bool:
    """The card processor has money for us that `payer` owed. False when it was written before."""
    return await write(db, event, reference, [(CLEARING, amount), (payer, minus(amount))])


async def payment_given_back(db: Db, *, reference: str, payer: str, amount: Money) -> bool:
    """The card processor gave money back to `payer`. False when it was written before."""
    return await write(db, "payment_given_back", reference, [(payer, amount), (CLEARING, minus(amount))])


async def giving_back_failed(db: Db, *, reference: str, payer: str, amount: Money) -> bool:
    """What was given back to `payer` came back to the card processor. False when it was written before."""
    return await write(db, "giving_back_failed", reference, [(CLEARING, amount), (payer, minus(amount))])


async def was_given_back(db: Db, reference: str) -> bool:
    """Whether it is in the books that this was given back."""
    query = select(LedgerTransaction.id).where(
        LedgerTransaction.event == "payment_given_back", LedgerTransaction.reference == reference
    )
    return await db.scalar(query) is not None


async def charged_off(db: Db, *, reference: str, payer: str, amount: Money) -> bool:
    """What `payer` owes is too little to be asked for, and is given up; or is owed again, when less than nothing.

    False when it was written before.
    """
    return await write(db, "charged_off", reference, [(WRITTEN_OFF, amount), (payer, minus(amount))])


async def given_up(db: Db, receipts: Sequence[str]) -> int:
    """What was given up of these receipts in all, in minor units; references begin with the receipt (RECEIPT:more)."""
    query = (
        select(func.coalesce(func.sum(LedgerEntry.amount_minor), 0))
        .join(LedgerTransaction, col(LedgerTransaction.id) == col(LedgerEntry.transaction_id))
        .where(
            LedgerEntry.account == WRITTEN_OFF,
            LedgerTransaction.event == "charged_off",
            func.split_part(LedgerTransaction.reference, ":", 1).in_(receipts),
        )
    )
    return int((await db.execute(query)).scalar_one())
