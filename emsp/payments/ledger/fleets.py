"""What fleets pay on their invoices: by direct debit over the card processor, or by transfer to our bank account."""

from __future__ import annotations

from emsp.db.engine import Db
from emsp.money import Money
from emsp.payments.ledger.book import BANK, CLEARING, minus, write


async def debit_received(db: Db, *, reference: str, payer: str, amount: Money) -> bool:
    """The card processor took what `payer` owes from its bank account. False when it was written before."""
    return await write(db, "debit_received", reference, [(CLEARING, amount), (payer, minus(amount))])


async def debit_returned(db: Db, *, reference: str, payer: str, amount: Money) -> bool:
    """The payer's bank took a debit back: the same is owed again. False when it was written before."""
    return await write(db, "debit_returned", reference, [(payer, amount), (CLEARING, minus(amount))])


async def transfer_received(db: Db, *, reference: str, payer: str, amount: Money) -> bool:
    """`payer` paid into our bank account; `reference` names the payment. False when it was written before."""
    return await write(db, "transfer_received", reference, [(BANK, amount), (payer, minus(amount))])
