"""Charges that could not be paid, drivers who pay them, and the time that passes between."""

from datetime import timedelta
from uuid import UUID

from sqlmodel import col, func, select, update

from emsp import clock
from emsp.accounts.tables import Mail
from emsp.brands.tables import Brand
from emsp.charging.dues import pay as due_paying
from emsp.charging.dues.due import Due, dues_of
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.money import Money
from emsp.payments.ledger.balances import top_up_received
from emsp.payments.tables import Charge, Hold, LedgerEntry, LedgerTransaction, PaymentMethod
from tests.charging.conftest import Place
from tests.charging.outside import FakeCards
from tests.charging.saying import now, record, run_jobs, say
from tests.graphql import rows


async def fallen_due(place: Place, cards: FakeCards, *, held_minor: int = 200) -> ChargingSession:
    """A charge of 5.45 EUR of which 2 EUR were held, and whose rest the bank refused."""
    session = await place.held(cards, amount_minor=held_minor, state="ENDED")
    cards.declines = True
    await say(place, record(session))
    await run_jobs()
    cards.declines = False
    assert ((await now(session)).state, cards.taken()) == ("PAYMENT_DUE", [held_minor])
    return session


async def pay(
    place: Place, session: ChargingSession, *, key: str = "first", card: PaymentMethod | None = None
) -> due_paying.Paying:
    """The driver pays what is due."""
    method_id = card.id if card else None
    return await due_paying.pay_due(place.driver.id, session.id, payment_method_id=method_id, idempotency_key=key)


async def dues(place: Place) -> list[Due]:
    """What the driver is to pay."""
    async with transaction() as db:
        return await dues_of(db, place.driver.id)


async def another_card(place: Place) -> PaymentMethod:
    async with transaction() as db:
        return await rows.card(db, place.driver)


async def on_the_balance(place: Place, amount_minor: int, reference: str = "paid in") -> None:
    """The driver paid in so much before."""
    async with transaction() as db:
        amount = Money(amount_minor, "EUR")
        await top_up_received(db, reference=reference, driver_id=place.driver.id, amount=amount)


async def paid_in() -> int:
    """What was paid in onto balances, in minor units."""
    query = (
        select(func.coalesce(func.sum(LedgerEntry.amount_minor), 0))
        .join(LedgerTransaction, col(LedgerTransaction.id) == col(LedgerEntry.transaction_id))
        .where(LedgerTransaction.event == "top_up_received", LedgerEntry.account == "processor_clearing")
    )
    async with transaction() as db:
        return int((await db.execute(query)).scalar_one())


async def the_charge() -> Charge:
    """The only charge that there is."""
    async with transaction() as db:
        return (await db.execute(select(Charge))).scalar_one()


async def the_hold() -> Hold:
    """The only hold that there is."""
    async with transaction() as db:
        return (await db.execute(select(Hold))).scalar_one()


async def mails() -> list[tuple[str, str]]:
    """Subject and body of what was written to drivers, receipts aside, in order."""
    async with transaction() as db:
        found = await db.execute(select(Mail).where(col(Mail.document_id).is_(None)).order_by(col(Mail.created_at)))
        return [(mail.subject, mail.body) for mail in found.scalars()]


async def days_pass(days: int) -> None:
    """The charge has been due for so long."""
    back = timedelta(days=days)
    async with transaction() as db:
        await db.execute(
            update(Charge).values(
                created_at=col(Charge.created_at) - back, next_attempt_at=col(Charge.next_attempt_at) - back
            )
        )


async def set_policy(place: Place, **policy: object) -> None:
    """The brand's drivers pay by another policy from now on."""
    async with transaction() as db:
        brand = await db.get_one(Brand, place.driver.brand_id)
        brand.payment_policy = policy


async def set_cap(place: Place, cap_minor: int) -> None:
    """The brand holds so much at most."""
    async with transaction() as db:
        (await db.get_one(Brand, place.driver.brand_id)).hold_cap_minor = cap_minor


def hours_until(at: object) -> int:
    """Whole hours from now, rounded up."""
    assert hasattr(at, "timestamp")
    return -(-int(at.timestamp() - clock.now().timestamp()) // 3600)  # type: ignore[attr-defined]


async def moved(session_id: UUID, **facts: object) -> None:
    """The session as it would be by now."""
    async with transaction() as db:
        await db.execute(update(ChargingSession).where(col(ChargingSession.id) == session_id).values(**facts))
