"""Refunds: money given back on a payment that was taken, each once.

As with holds: the processor's id is kept, and its state looked up, before anything is redone. Money that arrived may
still come back, from a card that was closed: then the refund has failed after all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update

from emsp import clock, events, logs
from emsp.db.engine import Db, transaction
from emsp.errors import Declined
from emsp.money import Money
from emsp.payments.ports import Repayment, processor
from emsp.payments.tables import Refund

UNDER_WAY = ("NEW", "SENT")
log = logs.log(__name__)


@dataclass(frozen=True, kw_only=True)
class RefundChanged(events.Event):
    """A refund arrived, or did not."""

    refund_id: UUID

    @property
    def lock(self) -> str:
        return f"refund:{self.refund_id}"


async def open_refund(
    db: Db, *, reference: str, driver_id: UUID, payment_id: str, amount: Money, reason: str
) -> Refund | None:
    """A refund of `amount` on the payment that the processor knows as `payment_id`; None when it was opened before."""
    values = Refund(
        reference=reference,
        driver_id=driver_id,
        payment_id=payment_id,
        reason=reason,
        currency=amount.currency,
        amount_minor=amount.amount_minor,
    ).model_dump()
    statement = insert(Refund).values(**values).on_conflict_do_nothing().returning(col(Refund.id))
    opened = (await db.execute(statement)).scalar_one_or_none()
    return await db.get_one(Refund, opened) if opened else None


async def give_back(refund_id: UUID) -> Refund:
    """Send the money, or see what became of it; the refund as it stands. Raises ProcessorFailed (worth another try)."""
    async with transaction() as db:
        refund = await db.get_one(Refund, refund_id)
    if refund.state not in UNDER_WAY:
        return refund
    try:
        made = await _made(refund)
    except Declined as declined:
        return await _become(refund_id, "FAILED", failure=declined.message)
    return await _outcome(refund_id, made)


async def _outcome(refund_id: UUID, made: Repayment) -> Refund:
    if made.status == "SUCCEEDED":
        return await _become(refund_id, "DONE")
    if made.status in ("FAILED", "CANCELED"):
        return await _become(refund_id, "FAILED", failure=made.failure or "the card processor could not send it")
    return await _become(refund_id, "SENT")


async def repayment_changed(processor_id: str) -> None:
    """The processor says that something happened to a refund: what it is now is looked up, whatever came before."""
    async with transaction() as db:
        refund = (await db.execute(select(Refund).where(Refund.processor_id == processor_id))).scalar_one_or_none()
    if refund is None:
        return
    now = await _outcome(refund.id, await processor().repayment(processor_id))
    if now.state not in UNDER_WAY:
        async with transaction() as db:
            await events.emit(db, RefundChanged(refund_id=refund.id))


async def _made(refund: Refund) -> Repayment:
    if refund.processor_id is not None:
        return await processor().repayment(refund.processor_id)
    reference = f"refund-{refund.id}"
    made = await processor().refund(refund.payment_id, amount_minor=refund.amount_minor, reference=reference)
    await _become(refund.id, "SENT", processor_id=made.processor_id)
    return made


async def refunds_on(db: Db, payment_ids: Sequence[str]) -> list[Refund]:
    """Every refund on these payments, the oldest first."""
    query = select(Refund).where(col(Refund.payment_id).in_(payment_ids)).order_by(col(Refund.created_at))
    return list((await db.execute(query)).scalars())


_FROM = {"SENT": UNDER_WAY, "DONE": UNDER_WAY, "FAILED": (*UNDER_WAY, "DONE")}


async def _become(refund_id: UUID, state: str, **facts: object) -> Refund:
    async with transaction() as db:
        await db.execute(
            update(Refund)
            .where(col(Refund.id) == refund_id, col(Refund.state).in_(_FROM[state]))
            .values(state=state, updated_at=clock.now(), **facts)
        )
        refund = await db.get_one(Refund, refund_id, populate_existing=True)
    log.info("refund", refund_id=str(refund_id), state=refund.state)
    return refund
