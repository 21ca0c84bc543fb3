"""Direct debits: an invoice is taken from the payer's bank account, once, and the bank may say no for weeks.

As with holds: the processor's id is kept before the debit is sent, and its state is looked up before anything is
redone. What a debit comes to is written in the books in the transaction in which its state changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update

from emsp import clock, events, jobs, logs
from emsp.db.engine import Db, transaction
from emsp.errors import Declined
from emsp.events import Event
from emsp.money import Money
from emsp.payments.ledger import fleets as books
from emsp.payments.ports import Intent, Wish, processor
from emsp.payments.tables import Debit, Mandate

UNDER_WAY = ("NEW", "CREATED", "PROCESSING")
ASK_AGAIN_AFTER = timedelta(days=1)
log = logs.log(__name__)


@dataclass(frozen=True, kw_only=True)
class DebitChanged(Event):
    """A debit was paid, failed or was returned; `reference` says what it was for."""

    reference: str

    @property
    def lock(self) -> str:
        return f"debit:{self.reference}"


async def open_debit(db: Db, *, reference: str, mandate: Mandate, amount: Money) -> Debit:
    """The debit for `reference`, made if there is none yet, to be taken by a mandate that is active."""
    values = Debit(
        reference=reference,
        mandate_id=mandate.id,
        payer=mandate.payer,
        currency=amount.currency,
        amount_minor=amount.amount_minor,
    ).model_dump()
    await db.execute(insert(Debit).values(**values).on_conflict_do_nothing())
    return (await db.execute(select(Debit).where(Debit.reference == reference))).scalar_one()


async def debits_for(db: Db, references: Sequence[str]) -> dict[str, Debit]:
    """The debits for these references."""
    query = select(Debit).where(col(Debit.reference).in_(references))
    return {debit.reference: debit for debit in (await db.execute(query)).scalars()}


async def collect(debit_id: UUID) -> None:
    """Job: send the debit to the bank. Raises ProcessorFailed (worth another try)."""
    async with transaction() as db:
        debit = await db.get_one(Debit, debit_id)
        mandate = await db.get_one(Mandate, debit.mandate_id)
    if debit.state not in ("NEW", "CREATED"):
        return
    if mandate.state != "ACTIVE" or mandate.payment_method_id is None:
        await _become(debit_id, "FAILED", failure="The mandate is not valid any more.")
        return
    try:
        intent = await _sent(debit, mandate.customer_id, mandate.payment_method_id)
    except Declined as declined:
        await _become(debit_id, "FAILED", failure=declined.message)
        return
    await _follow(debit_id, intent)


async def _sent(debit: Debit, customer: str, account: str) -> Intent:
    reference = f"debit-{debit.id}"
    if debit.processor_id is None:
        wish = Wish(
            customer=customer,
            card=account,
            amount_minor=debit.amount_minor,
            currency=debit.currency,
            reference=reference,
            first_asked_at=debit.created_at,
        )
        debit.processor_id = (await processor().create_debit(wish)).processor_id
        await _become(debit.id, "CREATED", processor_id=debit.processor_id)
    intent = await processor().intent(debit.processor_id)
    if intent.status == "REQUIRES_CONFIRMATION":
        intent = await processor().confirm(debit.processor_id, reference=reference, off_session=True)
    return intent


async def intent_changed(processor_id: str) -> None:
    """The processor says that something became of a payment; if it is a debit, its state is looked up."""
    async with transaction() as db:
        debit = (await db.execute(select(Debit).where(Debit.processor_id == processor_id))).scalar_one_or_none()
    if debit and debit.state in UNDER_WAY:
        await _follow(debit.id, await processor().intent(processor_id))


async def ask_again() -> None:
    """Job: look up the debits of which nothing was heard for a day; a webhook may have been lost."""
    long_ago = clock.now() - ASK_AGAIN_AFTER
    async with transaction() as db:
        query = select(Debit).where(col(Debit.state).in_(UNDER_WAY), Debit.updated_at < long_ago)
        waiting = list((await db.execute(query)).scalars())
        for debit in waiting:
            await jobs.defer(db, look_up if debit.processor_id else collect, debit_id=debit.id)


async def look_up(debit_id: UUID) -> None:
    """Job: see what became of a debit that was sent."""
    async with transaction() as db:
        debit = await db.get_one(Debit, debit_id)
    if debit.processor_id and debit.state in UNDER_WAY:
        await _follow(debit_id, await processor().intent(debit.processor_id))


async def _follow(debit_id: UUID, intent: Intent) -> None:
    if intent.status == "SUCCEEDED":
        await _become(debit_id, "PAID")
    elif intent.status == "PROCESSING":
        await _become(debit_id, "PROCESSING")
    elif intent.status in ("REQUIRES_PAYMENT_METHOD", "CANCELED"):
        await _become(debit_id, "FAILED", failure=intent.failure or "The bank refused the debit.")


async def returned(db: Db, *, payment_id: str, dispute_id: str, amount: Money, reason: str) -> bool:
    """The payer's bank took back a payment; whether that was a debit of ours, which then is owed again."""
    query = select(Debit).where(Debit.processor_id == payment_id).with_for_update()
    debit = (await db.execute(query, execution_options={"populate_existing": True})).scalar_one_or_none()
    if debit is None:
        return False
    if debit.state != "PAID":  # what became of it before that has not been heard yet
        await books.debit_received(db, reference=debit.reference, payer=debit.payer, amount=_amount(debit))
    if await books.debit_returned(db, reference=dispute_id, payer=debit.payer, amount=amount):
        debit.state, debit.updated_at = "RETURNED", clock.now()
        debit.failure = f"Your bank took the debit back ({reason.replace('_', ' ')})."
        await events.emit(db, DebitChanged(reference=debit.reference))
        log.warning("debit returned", debit_id=str(debit.id), reason=reason)
    return True


_FROM = {
    "CREATED": ("NEW",),
    "PROCESSING": ("CREATED", "PROCESSING"),
    "PAID": ("CREATED", "PROCESSING"),
    "FAILED": ("NEW", "CREATED", "PROCESSING"),
}


async def _become(debit_id: UUID, state: str, **facts: object) -> None:
    async with transaction() as db:
        moved = await db.execute(
            update(Debit)
            .where(col(Debit.id) == debit_id, col(Debit.state).in_(_FROM[state]))
            .values(state=state, updated_at=clock.now(), **facts)
            .returning(col(Debit.id))
        )
        if not moved.all() or state not in ("PAID", "FAILED"):
            return
        debit = await db.get_one(Debit, debit_id, populate_existing=True)
        if state == "PAID":
            await books.debit_received(db, reference=debit.reference, payer=debit.payer, amount=_amount(debit))
        await events.emit(db, DebitChanged(reference=debit.reference))
    log.info("debit", debit_id=str(debit_id), state=state)


def _amount(debit: Debit) -> Money:
    return Money(debit.amount_minor, debit.currency)
