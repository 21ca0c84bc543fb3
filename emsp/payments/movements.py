"""Movements of our balance at the card processor: each kept once, its fee booked, and what was paid out.

What movements bring in or give back is booked by whoever asked for it; a comparison of the two is for `reconcile`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select

from emsp import logs
from emsp.db.engine import Db, transaction
from emsp.money import Money
from emsp.payments import disputes
from emsp.payments.ledger import processor as books
from emsp.payments.ports import Movement, processor
from emsp.payments.tables import Charge, Debit, Hold, ProcessorMovement, TopUp

FEES = ("FEE", "NETWORK_COST", "TAX")
PAYOUTS = ("PAYOUT", "PAYOUT_REVERSAL")
DISPUTES = ("DISPUTE", "DISPUTE_REVERSAL")
PAYMENTS = (Hold, Charge, TopUp, Debit)
OVERLAP = timedelta(hours=2)
AT_ONCE = 200
log = logs.log(__name__)


async def pull() -> None:
    """Job: keep what moved since the last time.

    The list comes newest first and is written oldest first, so that a pull which was killed leaves no gap behind it.
    """
    since = await _since()
    if since is None:
        return
    found = [movement async for movement in processor().movements_since(since)]
    new: list[Movement] = []
    found.reverse()
    for start in range(0, len(found), AT_ONCE):
        async with transaction() as db:
            new += [movement for movement in found[start : start + AT_ONCE] if await _keep(db, movement)]
    for dispute in {movement.source for movement in new if movement.kind in DISPUTES and movement.source}:
        await disputes.dispute_changed(dispute)
    if new:
        log.info("movements kept", count=len(new))


async def payout_changed(processor_id: str) -> None:
    """The processor says that something happened to a payout; what that moved is among the rest."""
    await pull()


async def _since() -> datetime | None:
    """From shortly before the last movement that is kept, else before our first payment: what was there before us is
    not ours to book. None as long as there is no payment."""
    async with transaction() as db:
        last: datetime | None = await db.scalar(select(func.max(ProcessorMovement.created_at)))
        firsts = [await db.scalar(select(func.min(table.created_at))) for table in PAYMENTS]
    began = last or min((first for first in firsts if first), default=None)
    return began - OVERLAP if began else None


async def _keep(db: Db, movement: Movement) -> bool:
    """Keep a movement and book what it cost; False when it was kept before."""
    values = ProcessorMovement(
        id=movement.id,
        kind=movement.kind,
        source=movement.source,
        currency=movement.currency,
        amount_minor=movement.amount_minor,
        fee_minor=movement.fee_minor,
        net_minor=movement.net_minor,
        created_at=movement.created_at,
    ).model_dump()
    statement = insert(ProcessorMovement).values(**values).on_conflict_do_nothing()
    if (await db.execute(statement.returning(col(ProcessorMovement.id)))).scalar_one_or_none() is None:
        return False
    await _book(db, movement)
    return True


async def _book(db: Db, movement: Movement) -> None:
    fee = movement.fee_minor - (movement.amount_minor if movement.kind in FEES else 0)
    await books.processor_fee(db, reference=movement.id, fee=Money(fee, movement.currency))
    if movement.kind in PAYOUTS:
        sent = Money(-movement.amount_minor, movement.currency)
        await books.payout_sent(db, reference=movement.id, amount=sent)
