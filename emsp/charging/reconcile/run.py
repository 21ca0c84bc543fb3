"""The comparison itself: the processor is asked first, so that what happens meanwhile is known on our side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from sqlmodel import col, func, select

from emsp import clock, logs
from emsp.charging.reconcile.compare import Difference, Intent, Ours, Repaid, Theirs, compare, counted
from emsp.charging.reconcile.ours import known_to_us, our_books
from emsp.db.engine import Db, transaction
from emsp.payments import movements
from emsp.payments.ports import processor
from emsp.payments.tables import ProcessorMovement, Reconciliation

EVERY_DAY_LOOKS_BACK = timedelta(days=35)
MARGIN = timedelta(hours=1)
"""By so much earlier we ask the processor: its clock is another one."""
log = logs.log(__name__)


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """How much was compared, and what differs."""

    payments: int
    refunds: int
    differences: list[Difference]


async def reconcile_daily() -> None:
    """Job: hold the books of the last weeks against the processor's, and say what differs."""
    await reconcile(clock.now() - EVERY_DAY_LOOKS_BACK)


async def reconcile(since: datetime | None = None) -> Reconciled:
    """Compare everything that was begun since then, or ever; the result is kept. Raises ProcessorFailed."""
    start = since or datetime(2000, 1, 1, tzinfo=UTC)
    await movements.pull()
    theirs = await _their_books(start)
    async with transaction() as db:
        ours = await our_books(db, start)
        found = compare(ours, await _without_older(db, ours, theirs))
        compared = {"payments": len(ours.payments), "refunds": len(ours.refunds)}
        db.add(Reconciliation(compared=compared, differences=[msgspec.to_builtins(one) for one in found]))
    for one in found:
        log.error("the books differ", kind=one.kind, subject=one.subject, ours=one.ours, theirs=one.theirs)
    log.info("books compared", **compared, differences=counted(found))
    return Reconciled(**compared, differences=found)


async def _without_older(db: Db, ours: Ours, theirs: Theirs) -> Theirs:
    """Theirs without what we began before the time that is looked at."""
    older = await known_to_us(db, theirs.processor_ids - ours.processor_ids)
    return Theirs(
        intents=[one for one in theirs.intents if one.id not in older],
        refunds=[one for one in theirs.refunds if one.id not in older],
        balance=theirs.balance,
    )


async def _their_books(since: datetime) -> Theirs:
    intents = [
        Intent(
            id=one.processor_id,
            status=one.status,
            currency=one.currency,
            captured_minor=one.captured_minor,
            reference=one.reference,
        )
        async for one in processor().intents_since(since - MARGIN)
    ]
    refunds = [
        Repaid(
            id=one.processor_id,
            status=one.status,
            currency=one.currency or "",
            amount_minor=one.amount_minor,
        )
        async for one in processor().repayments_since(since - MARGIN)
    ]
    async with transaction() as db:
        query = select(ProcessorMovement.currency, func.sum(ProcessorMovement.net_minor))
        sums = await db.execute(query.group_by(col(ProcessorMovement.currency)))
        balance = {currency: int(minor) for currency, minor in sums}
    return Theirs(intents=intents, refunds=refunds, balance=balance)
