"""Charges on a saved card: what no hold covered, taken when the bill is known, by us or with the driver there.

A charge is one payment at the processor, whatever the number of attempts: it cannot be paid twice, so that a retry of
ours and a driver who pays at the same moment do no harm. Its state is looked up before anything is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update

from emsp import clock, events, logs
from emsp.db.engine import Db, transaction
from emsp.errors import AuthenticationRequired, Declined, KeyReused, ProcessorFailed
from emsp.money import Money
from emsp.payments.cards import wish_for
from emsp.payments.ports import Intent, Wish, processor
from emsp.payments.tables import Charge, PaymentMethod
from emsp.vault import digest

UNDER_WAY = ("NEW", "CREATED")
OPEN = (*UNDER_WAY, "DUE")
DRIVER_IS_PAYING = timedelta(hours=1)
"""For so long nothing is tried by itself after a driver began to pay: it would end what the bank has asked them."""
NEEDS_DRIVER = "your bank asks you to confirm the payment"
log = logs.log(__name__)


@dataclass(frozen=True, kw_only=True)
class ChargePaid(events.Event):
    """The processor has the money of a charge."""

    charge_id: UUID

    @property
    def lock(self) -> str:
        return f"charge:{self.charge_id}"


async def open_charge(
    db: Db, *, reference: str, driver_id: UUID, payment_method_id: UUID, amount: Money, state: str = "NEW"
) -> Charge:
    """The charge for `reference`, made if there is none yet, and asked for again if it was CANCELED.

    One that begins as DUE waits for the driver.
    """
    values = Charge(
        reference=reference,
        driver_id=driver_id,
        payment_method_id=payment_method_id,
        state=state,
        currency=amount.currency,
        amount_minor=amount.amount_minor,
    ).model_dump()
    anew = {"state": state, "amount_minor": amount.amount_minor, "processor_id": None}
    statement = insert(Charge).values(**values)
    statement = statement.on_conflict_do_update(
        index_elements=["reference"],
        set_=anew | {"attempts": col(Charge.attempts) + 1},
        where=col(Charge.state) == "CANCELED",
    )
    await db.execute(statement)
    query = select(Charge).where(Charge.reference == reference).execution_options(populate_existing=True)
    return (await db.execute(query)).scalar_one()


async def charges_for(db: Db, references: Sequence[str]) -> list[Charge]:
    """The charges for these references, the oldest first."""
    query = select(Charge).where(col(Charge.reference).in_(references)).order_by(col(Charge.created_at))
    return list((await db.execute(query)).scalars())


async def collect(charge_id: UUID) -> Charge:
    """Take the money without the driver; the charge, which is PAID, or under way where the processor takes its time.

    Raises Declined or AuthenticationRequired, with the charge left DUE, or ProcessorFailed (worth another try).
    """
    charge = await _created(charge_id)
    if charge.processor_id is None:
        return charge
    intent = await processor().intent(charge.processor_id)
    if charge.state == "CREATED" and charge.attempts and intent.status == "REQUIRES_PAYMENT_METHOD":
        await _failed(charge, Declined(intent.failure_code or "declined", intent.failure or "the card was declined"))
    if intent.status in _CONFIRMABLE:
        intent = await _confirm(charge, off_session=True)
    return await _outcome(charge, intent)


async def pay(charge_id: UUID, method: PaymentMethod, *, idempotency_key: str) -> Intent:
    """Let the driver, who is there, pay with one of their cards; the payment as it stands.

    SUCCEEDED, PROCESSING, or REQUIRES_ACTION with the client secret by which the app goes on; then ask again. The same
    key is the same attempt. Raises Declined with the charge left DUE, or ProcessorFailed.
    """
    charge = await _created(charge_id, method)
    if charge.processor_id is None:
        raise Declined("canceled", "this payment is not asked for any more")
    intent = await processor().intent(charge.processor_id)
    if intent.status in _CONFIRMABLE and not _is_asked_already(intent, method):
        intent = await _confirm(charge, off_session=False, card=method.processor_id, key=digest(idempotency_key))
    if intent.status == "REQUIRES_ACTION":
        await _become(charge_id, "DUE", failure=NEEDS_DRIVER, failure_code="authentication_required")
        return intent
    await _outcome(charge, intent)
    return intent


async def change_amount(charge_id: UUID, amount: Money) -> None:
    """A charge that is not paid asks for another amount from now on, or for nothing: then it is CANCELED."""
    async with transaction() as db:
        charge = await db.get_one(Charge, charge_id)
    if charge.state not in OPEN or charge.amount_minor == amount.amount_minor:
        return
    if charge.processor_id is not None:
        changed = await _change(charge.processor_id, amount, f"charge-{charge_id}-{charge.updated_at:%Y%m%d%H%M%S%f}")
        if changed.status in ("SUCCEEDED", "PROCESSING"):
            await _outcome(charge, changed)
            return
    if amount.amount_minor > 0:
        await _become(charge_id, charge.state, amount_minor=amount.amount_minor)
    else:
        await _become(charge_id, "CANCELED", next_attempt_at=None)


async def _change(processor_id: str, amount: Money, reference: str) -> Intent:
    if amount.amount_minor <= 0:
        return await processor().cancel(processor_id, reference=reference)
    intent = await processor().intent(processor_id)
    if intent.status not in _CONFIRMABLE or intent.amount_minor == amount.amount_minor:
        return intent
    reference = f"{reference}-{amount.amount_minor}"
    return await processor().change_amount(processor_id, amount_minor=amount.amount_minor, reference=reference)


async def intent_changed(processor_id: str) -> None:
    """The processor says that something happened to a payment: what it is now is looked up, whatever came before."""
    async with transaction() as db:
        query = select(Charge).where(Charge.processor_id == processor_id)
        charge = (await db.execute(query)).scalar_one_or_none()
    if charge is None:
        return
    intent = await processor().intent(processor_id)
    if intent.status == "SUCCEEDED":
        await _paid(charge, intent)
    elif intent.status == "CANCELED":
        await _start_anew(charge)
    elif charge.state == "DUE" and intent.status == "REQUIRES_PAYMENT_METHOD" and intent.failure:
        await _become(charge.id, "DUE", failure=intent.failure, failure_code=intent.failure_code)


_CONFIRMABLE = ("REQUIRES_CONFIRMATION", "REQUIRES_PAYMENT_METHOD", "REQUIRES_ACTION")


async def _created(charge_id: UUID, method: PaymentMethod | None = None) -> Charge:
    """The charge with its id at the processor, which is kept before anything is confirmed."""
    async with transaction() as db:
        charge = await db.get_one(Charge, charge_id, with_for_update=True)
        if method and charge.state in OPEN:
            charge.payment_method_id = method.id
            later = clock.now() + DRIVER_IS_PAYING
            charge.next_attempt_at = charge.next_attempt_at and max(charge.next_attempt_at, later)
            await db.flush()
        reference = f"charge-{charge_id}-{charge.attempts}" if charge.attempts else f"charge-{charge_id}"
        wish = await wish_for(db, charge, reference)
    if charge.state in OPEN and charge.processor_id is None:
        made = await _made(wish)
        return await _become(charge_id, "CREATED" if charge.state == "NEW" else "DUE", processor_id=made.processor_id)
    return charge


async def _made(wish: Wish) -> Intent:
    """The payment for a wish; one that was made before, by another card or amount, is found by its reference."""
    try:
        return await processor().create_charge(wish)
    except KeyReused:
        return await processor().create_charge(replace(wish, first_asked_at=None))


def _is_asked_already(intent: Intent, method: PaymentMethod) -> bool:
    """Whether the driver's bank has asked them about this card already and waits for the answer."""
    return intent.status == "REQUIRES_ACTION" and intent.payment_method == method.processor_id


async def _confirm(charge: Charge, *, off_session: bool, card: str | None = None, key: str | None = None) -> Intent:
    """Ask the bank, once per attempt; what became of it is what the processor says after that."""
    assert charge.processor_id is not None
    async with transaction() as db:
        row = await db.get_one(Charge, charge.id, with_for_update=True)
        row.attempts += 1
        card = card or (await db.get_one(PaymentMethod, row.payment_method_id)).processor_id
        reference = f"charge-{charge.processor_id}-{key or row.attempts}"
    try:
        await processor().confirm(charge.processor_id, reference=reference, off_session=off_session, card=card)
    except ProcessorFailed as failed:
        now = await processor().intent(charge.processor_id)
        if now.status in ("SUCCEEDED", "PROCESSING"):
            return now  # somebody else paid it at the same moment
        if isinstance(failed, Declined):
            await _failed(charge, failed)
        raise
    return await processor().intent(charge.processor_id)


async def _outcome(charge: Charge, intent: Intent) -> Charge:
    if intent.status == "SUCCEEDED":
        return await _paid(charge, intent)
    if intent.status == "PROCESSING":
        return charge
    if intent.status == "CANCELED":
        await _start_anew(charge)
    if intent.status == "REQUIRES_ACTION":
        await _failed(charge, AuthenticationRequired(NEEDS_DRIVER, intent.client_secret))
    await _failed(charge, Declined(intent.failure_code or "declined", intent.failure or "the card was declined"))
    return charge


async def _paid(charge: Charge, intent: Intent) -> Charge:
    """Told again it changes nothing, but whoever has to know of it is told."""
    facts = {"failure": None, "failure_code": None, "next_attempt_at": None}
    async with transaction() as db:
        amount_minor = intent.captured_minor or charge.amount_minor
        await _set(db, charge.id, "PAID", amount_minor=amount_minor, **facts)
        await events.emit(db, ChargePaid(charge_id=charge.id))
        return await db.get_one(Charge, charge.id, populate_existing=True)


async def _failed(charge: Charge, declined: Declined) -> None:
    """Raises `declined`, after it was noted."""
    await _become(charge.id, "DUE", failure=declined.message, failure_code=declined.code)
    raise declined


async def _start_anew(charge: Charge) -> None:
    """The payment was called off at the processor, not by us: the next attempt makes another one."""
    if charge.state in OPEN:
        facts = {"failure": "the payment was called off", "failure_code": "canceled"}
        await _become(charge.id, "DUE", processor_id=None, attempts=charge.attempts + 1, **facts)


async def _become(charge_id: UUID, state: str, **facts: object) -> Charge:
    async with transaction() as db:
        await _set(db, charge_id, state, **facts)
        return await db.get_one(Charge, charge_id, populate_existing=True)


async def _set(db: Db, charge_id: UUID, state: str, **facts: object) -> None:
    """What is paid stays paid, and what was called off can only turn out to be paid."""
    may_come_from = (*OPEN, "CANCELED") if state == "PAID" else OPEN
    await db.execute(
        update(Charge)
        .where(col(Charge.id) == charge_id, col(Charge.state).in_(may_come_from))
        .values(state=state, updated_at=clock.now(), **facts)
    )
    log.info("charge", charge_id=str(charge_id), state=state)
