"""What happens to our money at the card processor: fees, payouts to our bank account, disputes."""

from __future__ import annotations

from emsp.db.engine import Db
from emsp.money import Money
from emsp.payments.ledger.book import BANK, CLEARING, minus, write
from emsp.payments.ledger.charges import WRITTEN_OFF

DISPUTED = "disputed"
FEES = "processor_fees"


async def processor_fee(db: Db, *, reference: str, fee: Money) -> bool:
    """The processor keeps a fee; `reference` is the movement of our balance that it is part of."""
    if not fee.amount_minor:
        return False
    return await write(db, "processor_fee", reference, [(FEES, fee), (CLEARING, minus(fee))])


async def payout_sent(db: Db, *, reference: str, amount: Money) -> bool:
    """The processor sends what it has for us to our bank account; less than nothing when a payout comes back."""
    return await write(db, "payout_sent", reference, [(BANK, amount), (CLEARING, minus(amount))])


async def dispute_opened(db: Db, *, reference: str, amount: Money) -> bool:
    """The card's bank took a payment back until the dispute about it is decided."""
    return await write(db, "dispute_opened", reference, [(DISPUTED, amount), (CLEARING, minus(amount))])


async def dispute_closed(db: Db, *, reference: str, disputed: Money, returned: Money) -> bool:
    """The dispute is decided: so much came back, and the rest is our loss."""
    entries = [(CLEARING, returned), (WRITTEN_OFF, disputed - returned), (DISPUTED, minus(disputed))]
    return await write(db, "dispute_closed", reference, entries)
