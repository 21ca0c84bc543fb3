"""Automatic top-ups: as soon as the balance is below what the driver wants, the card pays in, without the driver there.

A card that says no pauses them, and the driver is told by e-mail; setting them again takes the pause away.
"""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from emsp import clock, logs
from emsp.accounts.mail import write_mail
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.db.engine import Db, transaction
from emsp.errors import Declined, Refused
from emsp.money import Money
from emsp.payments import balance, top_up
from emsp.payments.cards import paying_method
from emsp.payments.tables import AutoTopUp, PaymentMethod, TopUp
from emsp.payments.wallet_limits import refuse_currency, refuse_size
from emsp.payments.wallet_words import paused_mail

log = logs.log(__name__)


async def set_auto_top_up(
    db: Db, brand: Brand, driver: Driver, *, below: Money, amount: Money, payment_method_id: UUID | None
) -> AutoTopUp:
    """Keep the wish, over the one before; where the balance is below it already, it is topped up at once.

    Raises Refused with a code. One top-up is always enough: the amount is at least what there is to be.
    """
    refuse_currency(brand, below, "input", "below")
    refuse_size(brand, amount)
    if below.amount_minor < 1:
        raise Refused("AMOUNT_TOO_SMALL", "Say below which amount to top up.", "input", "below")
    if below.amount_minor > amount.amount_minor:
        raise Refused("AMOUNT_TOO_SMALL", f"Pay in at least {below}, so that one top-up is enough.", "input", "amount")
    await balance.lock(db, driver.id)
    method = await paying_method(db, driver.id, payment_method_id)
    values = AutoTopUp(
        driver_id=driver.id,
        payment_method_id=method.id,
        currency=amount.currency,
        below_minor=below.amount_minor,
        amount_minor=amount.amount_minor,
        updated_at=clock.now(),
    ).model_dump()
    others = {name: value for name, value in values.items() if name != "driver_id"}
    await db.execute(
        insert(AutoTopUp).values(**values).on_conflict_do_update(index_elements=["driver_id"], set_=others)
    )
    await balance.tell_if_low(db, driver.id, amount.currency)
    return await db.get_one(AutoTopUp, driver.id, populate_existing=True)


async def cancel_auto_top_up(db: Db, driver_id: UUID) -> AutoTopUp:
    """The driver wants no automatic top-ups any more; one that is under way is completed. Raises Refused."""
    wish = await db.get(AutoTopUp, driver_id, with_for_update=True)
    if wish is None:
        raise Refused("NOT_SET", "There are no automatic top-ups.")
    await db.delete(wish)
    return wish


async def auto_top_up_of(db: Db, driver_id: UUID) -> AutoTopUp | None:
    """What the driver wishes, if anything."""
    return await db.get(AutoTopUp, driver_id)


async def refill(driver_id: UUID) -> None:
    """Job: top up a balance that fell, once; a second run goes on with the same payment."""
    wanted = await _wanted(driver_id)
    if wanted:
        try:
            await top_up.go_on(wanted)
        except Declined as declined:
            log.info("an automatic top-up was declined", driver_id=str(driver_id), reason=declined.message)
    await _pause_after_decline(driver_id)


async def _wanted(driver_id: UUID) -> UUID | None:
    """The automatic top-up that is under way, or a new one where it is due."""
    async with transaction() as db:
        await balance.lock(db, driver_id)
        wish = await db.get(AutoTopUp, driver_id)
        last = await _last(db, wish) if wish else None
        if last and last.state in top_up.UNDER_WAY:
            return last.id
        if wish is None or wish.paused_at or (last and last.state == "FAILED"):
            return None
        if (await balance.balance_in(db, driver_id, wish.currency)).total.amount_minor >= wish.below_minor:
            return None
        opened = await top_up.open_top_up(
            db,
            reference=f"auto:{driver_id}:{uuid4()}",
            method=await db.get_one(PaymentMethod, wish.payment_method_id),
            amount=Money(wish.amount_minor, wish.currency),
            automatic=True,
        )
        return opened.id


async def _last(db: Db, wish: AutoTopUp) -> TopUp | None:
    """The last automatic top-up since the driver set them."""
    query = (
        select(TopUp)
        .where(TopUp.driver_id == wish.driver_id, col(TopUp.automatic), col(TopUp.created_at) >= wish.updated_at)
        .order_by(col(TopUp.created_at).desc())
        .limit(1)
    )
    return (await db.execute(query)).scalar_one_or_none()


async def _pause_after_decline(driver_id: UUID) -> None:
    async with transaction() as db:
        await balance.lock(db, driver_id)
        wish = await db.get(AutoTopUp, driver_id)
        last = await _last(db, wish) if wish else None
        if wish is None or wish.paused_at or last is None or last.state != "FAILED":
            return
        wish.paused_at = clock.now()
        driver = await db.get_one(Driver, driver_id)
        brand = await db.get_one(Brand, driver.brand_id)
        there_is = (await balance.balance_in(db, driver_id, wish.currency)).total
        subject, body = paused_mail(
            driver.language,
            brand=brand.name,
            amount=str(Money(wish.amount_minor, wish.currency)),
            balance=str(there_is),
        )
        await write_mail(db, recipient=driver.email, subject=subject, body=body, sender_name=brand.name)
