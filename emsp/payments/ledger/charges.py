"""What drivers and fleets owe for charges, and what the card processor took and gave back for them."""

from __future__ import annotations

from emsp.db.engine import Db
from emsp.money import Money
from emsp.payments.ledger.book import CLEARING, REVENUE, TAX, minus, write


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
