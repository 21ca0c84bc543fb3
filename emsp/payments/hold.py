"""Holds: money reserved for one charge, captured at most once, released as soon as it is not needed.

Each function opens its own short transactions around at most one call to the processor, and may run twice:
the processor's id is kept before the intent is confirmed, and its state is looked up before anything is redone.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update

from emsp import clock, logs
from emsp.db.engine import Db, transaction
from emsp.errors import AuthenticationRequired, Declined
from emsp.money import Money
from emsp.payments.cards import wish_for
from emsp.payments.ports import Intent, processor
from emsp.payments.tables import Hold

log = logs.log(__name__)


async def open_hold(db: Db, *, reference: str, driver_id: UUID, payment_method_id: UUID, amount: Money) -> Hold:
    """The hold for `reference`, made if there is none yet; a retry uses the same one."""
    values = Hold(
        reference=reference,
        driver_id=driver_id,
        payment_method_id=payment_method_id,
        currency=amount.currency,
        amount_minor=amount.amount_minor,
    ).model_dump()
    await db.execute(insert(Hold).values(**values).on_conflict_do_nothing())
    return (await db.execute(select(Hold).where(Hold.reference == reference))).scalar_one()


async def place(hold_id: UUID) -> None:
    """Reserve the money. Raises Declined, with the hold marked so, or ProcessorFailed (worth another try)."""
    async with transaction() as db:
        hold = await db.get_one(Hold, hold_id)
        wish = await wish_for(db, hold, f"hold-{hold_id}")
    if hold.state == "HELD" or not hold.amount_minor:
        return
    if hold.state == "DECLINED":
        raise Declined("declined", hold.failure or "the card was declined")
    if hold.processor_id is None:
        hold.processor_id = (await processor().create_hold(wish)).processor_id
        await _become(hold_id, "CREATED", processor_id=hold.processor_id)
    await _confirm(hold_id, hold.processor_id)


async def _confirm(hold_id: UUID, processor_id: str) -> None:
    intent = await processor().intent(processor_id)
    if intent.status == "REQUIRES_CONFIRMATION":
        try:
            intent = await processor().confirm(processor_id, reference=f"hold-{hold_id}", off_session=False)
        except Declined as declined:
            await _become(hold_id, "DECLINED", failure=declined.message)
            raise
    if intent.status == "REQUIRES_CAPTURE":
        await _become(hold_id, "HELD", releases_at=intent.releases_at)
    elif intent.status == "REQUIRES_ACTION":
        message = "your bank asks you to confirm this card; save it again in the app to do so"
        await _become(hold_id, "DECLINED", failure=message)
        await processor().cancel(processor_id, reference=f"hold-{hold_id}")
        raise AuthenticationRequired(message, intent.client_secret)
    else:
        await _become(hold_id, "DECLINED", failure="the card was declined")
        raise Declined("declined", "the card was declined")


async def capture(reference: str, amount: Money) -> Money:
    """Take up to `amount` of the hold and give the rest back; what was taken. Nothing to take releases it."""
    hold = await _by_reference(reference)
    if hold is None or hold.state not in ("HELD", "CAPTURED") or hold.currency != amount.currency:
        await release(reference)
        return Money(0, amount.currency)
    if hold.state == "CAPTURED":
        return Money(hold.captured_minor, hold.currency)
    taken = min(amount.amount_minor, hold.amount_minor)
    if not taken:
        await release(reference)
        return Money(0, amount.currency)
    intent = await _captured(hold, taken)
    if intent.status == "CANCELED":
        await _become(hold.id, "RELEASED", failure="it had lapsed")
        return Money(0, amount.currency)
    await _become(hold.id, "CAPTURED", captured_minor=intent.captured_minor)
    return Money(intent.captured_minor, hold.currency)


async def _captured(hold: Hold, taken: int) -> Intent:
    assert hold.processor_id is not None
    intent = await processor().intent(hold.processor_id)
    if intent.status != "REQUIRES_CAPTURE":
        return intent
    return await processor().capture(hold.processor_id, amount_minor=taken, reference=f"hold-{hold.id}")


async def release(reference: str) -> Money | None:
    """Give back all of the hold, if anything may be held; the amount that was held, else None."""
    hold = await _by_reference(reference)
    if hold is None or hold.state not in ("NEW", "CREATED", "HELD"):
        return None
    if hold.processor_id is not None:
        await processor().cancel(hold.processor_id, reference=f"hold-{hold.id}")
    await _become(hold.id, "RELEASED")
    return amount_of(hold) if hold.state == "HELD" else None


def amount_of(hold: Hold) -> Money:
    """What is, or was, reserved."""
    return Money(hold.amount_minor, hold.currency)


async def by_ids(db: Db, ids: Sequence[UUID]) -> dict[UUID, Hold]:
    """The holds with these ids."""
    return {hold.id: hold for hold in (await db.execute(select(Hold).where(col(Hold.id).in_(ids)))).scalars()}


async def captured(db: Db, reference: str) -> list[tuple[str, int]]:
    """What was taken of the hold for `reference`: the processor's id and minor units; empty when nothing was."""
    query = select(Hold).where(Hold.reference == reference, Hold.state == "CAPTURED")
    holds = (await db.execute(query)).scalars()
    return [(hold.processor_id, hold.captured_minor) for hold in holds if hold.processor_id]


async def lapsed(db: Db, processor_id: str) -> None:
    """The processor says that it cancelled the intent, whatever the reason."""
    await db.execute(
        update(Hold)
        .where(col(Hold.processor_id) == processor_id, col(Hold.state).in_(("NEW", "CREATED", "HELD")))
        .values(state="RELEASED", updated_at=clock.now())
    )


async def _by_reference(reference: str) -> Hold | None:
    async with transaction() as db:
        return (await db.execute(select(Hold).where(Hold.reference == reference))).scalar_one_or_none()


_FROM = {
    "CREATED": ("NEW",),
    "HELD": ("CREATED", "HELD"),
    "DECLINED": ("NEW", "CREATED"),
    "CAPTURED": ("HELD",),
    "RELEASED": ("NEW", "CREATED", "HELD"),
}


async def _become(hold_id: UUID, state: str, **facts: object) -> None:
    async with transaction() as db:
        await db.execute(
            update(Hold)
            .where(col(Hold.id) == hold_id, col(Hold.state).in_(_FROM[state]))
            .values(state=state, updated_at=clock.now(), **facts)
        )
    log.info("hold", hold_id=str(hold_id), state=state)
