"""Money that a driver pays in beforehand: one payment per wish, completed by whoever hears of it first.

The payment is confirmed with the driver there: where the bank asks for them, the app goes on with the client secret.
The processor's id is kept before the payment is confirmed, and looked up ever after.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update

from emsp import clock, events, logs
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.db.engine import Db, transaction
from emsp.errors import Declined, Invalid, ProcessorFailed
from emsp.money import Money
from emsp.payments import balance
from emsp.payments.cards import paying_method, wish_for
from emsp.payments.ledger.balances import top_up_received
from emsp.payments.ports import Intent, processor
from emsp.payments.tables import PaymentMethod, TopUp
from emsp.payments.wallet_limits import refuse_amount
from emsp.vault import digest

UNDER_WAY = ("NEW", "CREATED")
ABANDONED_AFTER = timedelta(hours=1)
LOOK_AGAIN_AFTER = timedelta(minutes=5)
DECLINED = "the card was declined"
log = logs.log(__name__)


@dataclass(frozen=True)
class ToppedUp:
    """A top-up as it stands; `client_secret` where the bank waits for the driver."""

    top_up: TopUp
    client_secret: str | None = None


async def top_up(
    brand: Brand, driver: Driver, *, amount: Money, payment_method_id: UUID | None, idempotency_key: str
) -> ToppedUp:
    """Pay in `amount` with the driver there; the same key goes on with the same payment.

    Raises Refused with a code, Invalid for a key that came with something else before, Declined when the bank says no,
    and ProcessorFailed when the processor does not answer.
    """
    reference = f"{driver.id}:{digest(idempotency_key)}"
    async with transaction() as db:
        await balance.lock(db, driver.id)
        known = await _by_reference(db, reference)
        if known is None:
            await refuse_amount(db, brand, driver.id, amount)
            method = await paying_method(db, driver.id, payment_method_id)
            known = await open_top_up(db, reference=reference, method=method, amount=amount)
        elif (known.amount_minor, known.currency) != (amount.amount_minor, amount.currency):
            raise Invalid("was sent before, with another amount", "idempotency_key")
        elif payment_method_id not in (None, known.payment_method_id):
            raise Invalid("was sent before, with another card", "idempotency_key")
    return await go_on(known.id)


async def open_top_up(
    db: Db, *, reference: str, method: PaymentMethod, amount: Money, automatic: bool = False
) -> TopUp:
    """The top-up for `reference`, made if there is none yet."""
    values = TopUp(
        reference=reference,
        driver_id=method.driver_id,
        payment_method_id=method.id,
        automatic=automatic,
        currency=amount.currency,
        amount_minor=amount.amount_minor,
    ).model_dump()
    await db.execute(insert(TopUp).values(**values).on_conflict_do_nothing())
    found = await _by_reference(db, reference)
    assert found is not None
    return found


async def go_on(top_up_id: UUID) -> ToppedUp:
    """Take the next step of a top-up, or see what became of it. Raises Declined or ProcessorFailed."""
    async with transaction() as db:
        row = await db.get_one(TopUp, top_up_id)
        wish = await wish_for(db, row, f"top-up-{row.id}")
    if row.state == "FAILED":
        raise Declined("declined", row.failure or DECLINED)
    if row.state not in UNDER_WAY:
        return ToppedUp(row)
    if row.processor_id is None:
        created = await processor().create_charge(wish)
        row = await _become(top_up_id, "CREATED", processor_id=created.processor_id)
    return await _confirmed(row)


async def intent_changed(processor_id: str) -> None:
    """The processor says that something happened to a payment; what that is, is looked up."""
    async with transaction() as db:
        query = select(TopUp).where(TopUp.processor_id == processor_id)
        row = (await db.execute(query)).scalar_one_or_none()
    if row is not None and row.state != "PAID":
        await _outcome(row, await processor().intent(processor_id))


async def take_up_again() -> None:
    """Job: top-ups that nobody went on with: looked up, and given up once the driver has surely left."""
    async with transaction() as db:
        query = select(TopUp).where(
            col(TopUp.state).in_(UNDER_WAY), col(TopUp.updated_at) < clock.now() - LOOK_AGAIN_AFTER
        )
        waiting = list((await db.execute(query)).scalars())
    for row in waiting:
        try:
            await _look_again(row)
        except ProcessorFailed as failed:
            log.warning("a top-up could not be looked up", top_up=str(row.id), reason=str(failed))


async def _look_again(row: TopUp) -> None:
    is_abandoned = clock.now() - row.created_at > ABANDONED_AFTER
    if row.processor_id is None:
        if is_abandoned:
            await _become(row.id, "CANCELED", failure="it was begun and never completed")
        return
    intent = await processor().intent(row.processor_id)
    if is_abandoned and intent.status in ("REQUIRES_ACTION", "REQUIRES_CONFIRMATION"):
        intent = await processor().cancel(row.processor_id, reference=f"top-up-{row.id}")
    await _outcome(row, intent)


async def _confirmed(row: TopUp) -> ToppedUp:
    assert row.processor_id is not None
    intent = await processor().intent(row.processor_id)
    if intent.status == "REQUIRES_CONFIRMATION":
        try:
            intent = await processor().confirm(
                row.processor_id, reference=f"top-up-{row.id}", off_session=row.automatic
            )
        except Declined as declined:
            await _give_up(row, declined.message)
            raise
    outcome = await _outcome(row, intent)
    if outcome.state == "FAILED":
        raise Declined("declined", outcome.failure or DECLINED)
    return ToppedUp(outcome, intent.client_secret if intent.status == "REQUIRES_ACTION" else None)


async def _outcome(row: TopUp, intent: Intent) -> TopUp:
    """What the state of the payment means for the top-up. Money that arrived is booked, whatever was thought before."""
    if intent.status == "SUCCEEDED":
        return await _received(row.id, intent)
    if intent.status == "REQUIRES_PAYMENT_METHOD":
        return await _give_up(row, intent.failure or DECLINED)
    if intent.status == "CANCELED":
        return await _become(row.id, "CANCELED")
    return row


async def _give_up(row: TopUp, failure: str) -> TopUp:
    """What was declined is cancelled, so that it cannot succeed behind the driver's back."""
    assert row.processor_id is not None
    ended = await processor().cancel(row.processor_id, reference=f"top-up-{row.id}")
    if ended.status == "SUCCEEDED":
        return await _received(row.id, ended)
    return await _become(row.id, "FAILED", failure=failure)


async def _received(top_up_id: UUID, intent: Intent) -> TopUp:
    async with transaction() as db:
        row = await db.get_one(TopUp, top_up_id, with_for_update=True, populate_existing=True)
        amount = Money(intent.captured_minor, row.currency)
        if await top_up_received(db, reference=str(row.id), driver_id=row.driver_id, amount=amount):
            await events.emit(db, balance.BalanceGrew(driver_id=row.driver_id))
            log.info("topped up", top_up=str(row.id), amount=str(amount))
        row.state, row.failure, row.updated_at = "PAID", None, clock.now()
        return row


async def _by_reference(db: Db, reference: str) -> TopUp | None:
    return (await db.execute(select(TopUp).where(TopUp.reference == reference))).scalar_one_or_none()


_FROM = {"CREATED": ("NEW",), "FAILED": UNDER_WAY, "CANCELED": UNDER_WAY}


async def _become(top_up_id: UUID, state: str, **facts: object) -> TopUp:
    async with transaction() as db:
        await db.execute(
            update(TopUp)
            .where(col(TopUp.id) == top_up_id, col(TopUp.state).in_(_FROM[state]))
            .values(state=state, updated_at=clock.now(), **facts)
        )
        return await db.get_one(TopUp, top_up_id, populate_existing=True)
