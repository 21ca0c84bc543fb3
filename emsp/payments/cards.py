"""Saved cards: begun by the app, confirmed at the processor, completed by whoever hears of it first."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update

from emsp import clock, events
from emsp.accounts.tables import Driver
from emsp.db.engine import Db, transaction
from emsp.errors import Declined, Invalid, KeyReused, NotFound, Refused
from emsp.events import Event
from emsp.payments.ports import Card, Setup, Wish, processor
from emsp.payments.tables import AutoTopUp, CardSetup, Charge, Customer, Hold, PaymentMethod, TopUp
from emsp.vault import digest

IN_USE = "PAYMENT_METHOD_IN_USE"
HELD, OWED = ("NEW", "CREATED", "HELD"), ("NEW", "CREATED", "DUE")


@dataclass(frozen=True)
class Added:
    """What became of an attempt: the saved card, or what the app needs to go on."""

    setup_id: UUID
    client_secret: str
    status: str
    method: PaymentMethod | None


@dataclass(frozen=True, kw_only=True)
class CardRemoved(Event):
    """A driver took a card away."""

    method_id: UUID


async def begin_card(driver: Driver, *, card_token: str | None, idempotency_key: str | None = None) -> Added:
    """Begin to save a card; with `card_token` (made by the processor's library in the app) at once.

    Raises Declined when the bank refuses the card, Invalid when the key came with another card before, and
    ProcessorFailed when the processor does not answer.
    """
    customer = await _ensure_customer(driver)
    reference = f"{driver.id}-{digest(idempotency_key) if idempotency_key else uuid4()}"
    try:
        setup = await processor().create_setup(customer=customer, reference=reference, card_token=card_token)
    except KeyReused as reused:
        raise Invalid("was sent before, with another card", "idempotency_key") from reused
    async with transaction() as db:
        values = CardSetup(driver_id=driver.id, processor_id=setup.processor_id).model_dump()
        await db.execute(insert(CardSetup).values(**values).on_conflict_do_nothing())
        row = await _setup_row(db, col(CardSetup.processor_id) == setup.processor_id)
        return await _outcome(db, row, setup)


async def finish_card(driver: Driver, setup_id: UUID) -> Added:
    """Complete an attempt that the driver confirmed in the app. Raises NotFound for another driver's."""
    async with transaction() as db:
        row = await _setup_row(db, col(CardSetup.id) == setup_id)
    if row.driver_id != driver.id:
        raise NotFound(f"card setup {setup_id}")
    setup = await processor().setup(row.processor_id)
    async with transaction() as db:
        return await _outcome(db, row, setup)


async def setup_succeeded(processor_id: str) -> None:
    """The processor says that an attempt succeeded: the card is saved even if the app never comes back."""
    async with transaction() as db:
        row = (await db.execute(select(CardSetup).where(CardSetup.processor_id == processor_id))).scalar_one_or_none()
    if row is None or row.completed_at:
        return
    setup = await processor().setup(processor_id)
    async with transaction() as db:
        await _outcome(db, row, setup)


async def methods_of(db: Db, driver_id: UUID) -> list[PaymentMethod]:
    """The driver's saved cards, the default one first."""
    query = (
        select(PaymentMethod)
        .where(PaymentMethod.driver_id == driver_id, col(PaymentMethod.removed_at).is_(None))
        .order_by(col(PaymentMethod.is_default).desc(), col(PaymentMethod.created_at))
    )
    return list((await db.execute(query)).scalars())


async def paying_method(db: Db, driver_id: UUID, method_id: UUID | None) -> PaymentMethod:
    """The card that pays: the one that is named, else the default. Raises Refused when there is none."""
    methods = await methods_of(db, driver_id)
    for method in methods:
        if method_id in (None, method.id):
            return method
    if method_id is None:
        raise Refused("PAYMENT_METHOD_MISSING", "Add a payment method first.", "input", "paymentMethodId")
    raise Refused("PAYMENT_METHOD_NOT_FOUND", "There is no such payment method.", "input", "paymentMethodId")


async def set_default(db: Db, driver_id: UUID, method_id: UUID) -> PaymentMethod:
    """Let a card pay where no other is named. Raises Refused for what is no card of the driver's."""
    await _lock(db, driver_id)
    chosen = await paying_method(db, driver_id, method_id)
    for method in await methods_of(db, driver_id):
        method.is_default = method.id == chosen.id
    await db.flush()
    return chosen


async def remove_card(db: Db, driver_id: UUID, method_id: UUID) -> None:
    """Take a card away; another one of the driver's pays by default from then on. Raises Refused.

    Not while money is held on it or due, and not while automatic top-ups pay with it.
    """
    await _lock(db, driver_id)
    method = await paying_method(db, driver_id, method_id)
    await _refuse_in_use(db, method)
    method.removed_at, was_default, method.is_default = clock.now(), method.is_default, False
    await db.flush()
    others = await methods_of(db, driver_id)
    if was_default and others:
        others[-1].is_default = True
    await events.emit(db, CardRemoved(method_id=method.id))


async def forget_card(method_id: UUID) -> None:
    """Job: the card processor forgets a card that was removed."""
    async with transaction() as db:
        method = await db.get_one(PaymentMethod, method_id)
    if method.removed_at:
        await processor().remove_card(method.processor_id)


async def _refuse_in_use(db: Db, method: PaymentMethod) -> None:
    field = ("input", "paymentMethodId")
    held = select(Hold.id).where(Hold.payment_method_id == method.id, col(Hold.state).in_(HELD))
    due = select(Charge.id).where(Charge.payment_method_id == method.id, col(Charge.state).in_(OWED))
    top_ups = select(AutoTopUp.driver_id).where(AutoTopUp.payment_method_id == method.id)
    if (await db.execute(held)).first():
        raise Refused(IN_USE, "Money is held on this card for a charge; remove it once that is paid.", *field)
    if (await db.execute(due)).first():
        raise Refused(IN_USE, "Something is due on this card; pay it first.", *field)
    if (await db.execute(top_ups)).first():
        raise Refused(IN_USE, "Your automatic top-up uses this card; change or cancel that first.", *field)


async def _lock(db: Db, driver_id: UUID) -> None:
    """A driver's cards are changed one by one."""
    await db.execute(select(Driver.id).where(Driver.id == driver_id).with_for_update())


async def customer_of(db: Db, driver_id: UUID) -> str:
    """The driver's id at the processor; there is one as soon as a card was saved."""
    return (await db.get_one(Customer, driver_id)).processor_id


async def wish_for(db: Db, payment: Hold | Charge | TopUp, reference: str) -> Wish:
    """What to ask of the processor for a hold, a charge or a top-up."""
    card = await db.get_one(PaymentMethod, payment.payment_method_id)
    return Wish(
        customer=await customer_of(db, payment.driver_id),
        card=card.processor_id,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        reference=reference,
        first_asked_at=payment.created_at,
    )


async def _ensure_customer(driver: Driver) -> str:
    async with transaction() as db:
        known = await db.get(Customer, driver.id)
    if known:
        return known.processor_id
    processor_id = await processor().create_customer(driver_id=str(driver.id), email=driver.email)
    async with transaction() as db:
        values = Customer(driver_id=driver.id, processor_id=processor_id).model_dump()
        await db.execute(insert(Customer).values(**values).on_conflict_do_nothing())
        return await customer_of(db, driver.id)


async def _setup_row(db: Db, condition: ColumnElement[bool]) -> CardSetup:
    row = (await db.execute(select(CardSetup).where(condition))).scalar_one_or_none()
    if row is None:
        raise NotFound("card setup")
    return row


async def _outcome(db: Db, row: CardSetup, setup: Setup) -> Added:
    if setup.card is None and setup.message:
        raise Declined("setup_failed", setup.message)
    method = await _save(db, row, setup.card) if setup.card else None
    return Added(row.id, setup.client_secret, setup.status, method)


async def _save(db: Db, row: CardSetup, card: Card) -> PaymentMethod:
    await _lock(db, row.driver_id)
    first = not await methods_of(db, row.driver_id)
    values = PaymentMethod(
        driver_id=row.driver_id,
        processor_id=card.processor_id,
        brand_name=card.brand_name,
        last4=card.last4,
        expires=card.expires,
        is_default=first,
    ).model_dump()
    await db.execute(insert(PaymentMethod).values(**values).on_conflict_do_nothing())
    await db.execute(update(CardSetup).where(col(CardSetup.id) == row.id).values(completed_at=clock.now()))
    query = select(PaymentMethod).where(PaymentMethod.processor_id == card.processor_id)
    return (await db.execute(query)).scalar_one()
