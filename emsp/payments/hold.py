"""Holds: money reserved for one charge, captured at most once, released as soon as it is not needed.

Each function opens its own short transactions around its calls to the processor, and may run twice: the processor's id
is kept before the intent is confirmed, and its state is looked up before anything is redone. A hold that runs out is
gone: what it was for is charged when the bill is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update

from emsp import clock, events, logs
from emsp.db.engine import Db, transaction
from emsp.errors import AuthenticationRequired, Declined
from emsp.money import Money
from emsp.payments.cards import wish_for
from emsp.payments.ports import Intent, processor
from emsp.payments.tables import Hold

OPEN = ("NEW", "CREATED", "HELD")
INCREMENTS_MAX = 10
"""As often as card networks let one payment be raised."""
LAPSED = "it had lapsed"
NEEDS_DRIVER = "your bank asks you to confirm every payment with this card; use another one"
SURELY_LAPSED_AFTER = timedelta(minutes=10)
log = logs.log(__name__)


@dataclass(frozen=True, kw_only=True)
class HoldLapsed(events.Event):
    """A hold is gone without our having taken or released it."""

    reference: str

    @property
    def lock(self) -> str:
        return f"session:{self.reference}"


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
    if hold.state not in OPEN:
        raise Declined("declined", hold.failure or "the card was declined")
    if hold.processor_id is None:
        hold.processor_id = (await processor().create_hold(wish)).processor_id
        await _must_become(hold_id, "CREATED", hold.processor_id, processor_id=hold.processor_id)
    await _confirm(hold_id, hold.processor_id)


async def _confirm(hold_id: UUID, processor_id: str) -> None:
    intent = await processor().intent(processor_id)
    try:
        if intent.status == "REQUIRES_CONFIRMATION":
            intent = await processor().confirm(processor_id, reference=f"hold-{hold_id}", off_session=False)
        if intent.status == "REQUIRES_ACTION":  # the driver agreed to payments of this kind when they saved the card
            intent = await processor().confirm(processor_id, reference=f"hold-{hold_id}-agreed", off_session=True)
    except Declined as declined:
        message = NEEDS_DRIVER if isinstance(declined, AuthenticationRequired) else declined.message
        await _become(hold_id, "DECLINED", failure=message)
        await processor().cancel(processor_id, reference=f"hold-{hold_id}")
        raise Declined(declined.code, message) from declined
    if intent.status == "REQUIRES_CAPTURE":
        await _must_become(hold_id, "HELD", processor_id, releases_at=intent.releases_at)
        return
    message = intent.failure or "the card was declined"
    await _become(hold_id, "DECLINED", failure=message)
    await processor().cancel(processor_id, reference=f"hold-{hold_id}")
    raise Declined(intent.failure_code or "declined", message)


async def _must_become(hold_id: UUID, state: str, made: str, **facts: object) -> None:
    """Whoever released the hold meanwhile did not know of the payment: it is called off. Raises Declined then.

    `made` is the processor's id of the payment.
    """
    if not await _become(hold_id, state, **facts):
        await processor().cancel(made, reference=f"hold-{hold_id}")
        raise Declined("canceled", "the hold was released meanwhile")


async def raise_to(hold_id: UUID, amount: Money) -> Hold:
    """Reserve `amount` in all, if the card allows it; the hold as it stands then.

    Once the bank refused, or it was raised as often as it can be, nobody tries again. Raises ProcessorFailed.
    """
    async with transaction() as db:
        hold = await db.get_one(Hold, hold_id)
    if not can_be_raised(hold) or hold.processor_id is None or amount.amount_minor <= hold.amount_minor:
        return hold
    intent = await processor().intent(hold.processor_id)
    if intent.status == "CANCELED":
        await _lapse(hold)
    elif intent.status == "REQUIRES_CAPTURE" and intent.amount_minor <= hold.amount_minor:
        intent = await _increment(hold, amount.amount_minor) or intent
    if intent.status == "REQUIRES_CAPTURE" and intent.amount_minor > hold.amount_minor:
        raised = {"amount_minor": intent.amount_minor, "increments": hold.increments + 1}
        await _become(hold_id, "HELD", **raised, releases_at=intent.releases_at or hold.releases_at)
    async with transaction() as db:
        return await db.get_one(Hold, hold_id)


async def _increment(hold: Hold, amount_minor: int) -> Intent | None:
    assert hold.processor_id is not None
    reference = f"hold-{hold.id}-{hold.increments + 1}-{amount_minor}"
    try:
        return await processor().increment(hold.processor_id, amount_minor=amount_minor, reference=reference)
    except Declined as declined:
        log.info("a hold is not raised", hold_id=str(hold.id), code=declined.code)
        await _become(hold.id, "HELD", raise_refused_at=clock.now())
        return None


def can_be_raised(hold: Hold) -> bool:
    """Whether it is worth asking the bank for more."""
    return hold.state == "HELD" and hold.raise_refused_at is None and hold.increments < INCREMENTS_MAX


async def capture(reference: str, amount: Money) -> Money:
    """Take up to `amount` of the hold and give the rest back; what was taken. Nothing to take releases it."""
    hold = await _by_reference(reference)
    if hold is None or hold.state not in ("HELD", "CAPTURED") or hold.currency != amount.currency:
        await release(reference)
        return Money(0, amount.currency)
    if hold.state == "CAPTURED":
        return Money(hold.captured_minor, hold.currency)
    taken = min(amount.amount_minor, hold.amount_minor)
    if taken <= 0:
        await release(reference)
        return Money(0, amount.currency)
    intent = await _captured(hold, taken)
    if intent is None or intent.status != "SUCCEEDED":
        await _lapse(hold)
        return Money(0, amount.currency)
    await _become(hold.id, "CAPTURED", captured_minor=intent.captured_minor)
    return Money(intent.captured_minor, hold.currency)


async def _captured(hold: Hold, taken: int) -> Intent | None:
    """The payment after the capture; None when the bank gives nothing any more."""
    assert hold.processor_id is not None
    intent = await processor().intent(hold.processor_id)
    if intent.status != "REQUIRES_CAPTURE":
        return intent
    try:
        reference = f"hold-{hold.id}-{taken}"
        return await processor().capture(hold.processor_id, amount_minor=taken, reference=reference)
    except Declined as declined:
        log.warning("a hold cannot be captured", hold_id=str(hold.id), code=declined.code)
        intent = await processor().cancel(hold.processor_id, reference=f"hold-{hold.id}")
        return intent if intent.status == "SUCCEEDED" else None


async def release(reference: str) -> Money | None:
    """Give back all of the hold, if anything may be held; the amount that was held, else None."""
    hold = await _by_reference(reference)
    if hold is None or hold.state not in OPEN:
        return None
    if hold.processor_id is not None:
        intent = await processor().cancel(hold.processor_id, reference=f"hold-{hold.id}")
        if intent.status == "SUCCEEDED":
            await _become(hold.id, "CAPTURED", captured_minor=intent.captured_minor)
            return None
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


async def intent_changed(processor_id: str) -> None:
    """The processor says that something happened to a payment: what it is now is looked up, whatever came before."""
    async with transaction() as db:
        hold = (await db.execute(select(Hold).where(Hold.processor_id == processor_id))).scalar_one_or_none()
    if hold is None:
        return
    intent = await processor().intent(processor_id)
    if intent.status == "CANCELED":
        await _lapse(hold)
    elif intent.status == "SUCCEEDED":
        await _become(hold.id, "CAPTURED", captured_minor=intent.captured_minor)
    elif intent.status == "REQUIRES_CAPTURE" and hold.state in ("RELEASED", "DECLINED"):
        await processor().cancel(processor_id, reference=f"hold-{hold.id}")


async def look_for_lapsed() -> None:
    """Job: holds whose time is over and of which no webhook told."""
    over = col(Hold.releases_at) < clock.now() - SURELY_LAPSED_AFTER
    async with transaction() as db:
        holds = (await db.execute(select(Hold).where(Hold.state == "HELD", over).limit(500))).scalars().all()
    for hold in holds:
        if hold.processor_id:
            await intent_changed(hold.processor_id)


async def _lapse(hold: Hold) -> None:
    """The bank gave the money back to the driver; whoever counted on it is told once."""
    async with transaction() as db:
        if await _set(db, hold.id, "RELEASED", failure=LAPSED) and hold.state == "HELD":
            await events.emit(db, HoldLapsed(reference=hold.reference))


async def _by_reference(reference: str) -> Hold | None:
    async with transaction() as db:
        return (await db.execute(select(Hold).where(Hold.reference == reference))).scalar_one_or_none()


_FROM = {
    "CREATED": ("NEW",),
    "HELD": ("CREATED", "HELD"),
    "DECLINED": ("NEW", "CREATED"),
    "CAPTURED": ("CREATED", "HELD"),
    "RELEASED": OPEN,
}


async def _become(hold_id: UUID, state: str, **facts: object) -> bool:
    async with transaction() as db:
        return await _set(db, hold_id, state, **facts)


async def _set(db: Db, hold_id: UUID, state: str, **facts: object) -> bool:
    """Move the hold to `state` if it may go there; whether it did."""
    moved = await db.execute(
        update(Hold)
        .where(col(Hold.id) == hold_id, col(Hold.state).in_(_FROM[state]))
        .values(state=state, updated_at=clock.now(), **facts)
        .returning(col(Hold.id))
    )
    log.info("hold", hold_id=str(hold_id), state=state)
    return moved.scalar_one_or_none() is not None
