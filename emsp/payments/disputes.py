"""Disputes: a card's owner goes to the bank about a payment; kept as they stand, booked, and answered by support.

A webhook only says that something happened. How a dispute stands is looked up each time, so the order in which we hear
of it makes no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlalchemy import String, cast
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from emsp import clock, events, logs
from emsp.db.engine import Db, transaction
from emsp.errors import NotFound, Refused
from emsp.events import Event
from emsp.money import Money
from emsp.payments import debits
from emsp.payments.ledger import processor as books
from emsp.payments.ports import DisputeFacts, processor
from emsp.payments.tables import Charge, Dispute, Hold, TopUp
from emsp.vault import digest

ANSWERABLE = ("NEEDS_RESPONSE", "WARNING_NEEDS_RESPONSE")
DECIDED = ("WON", "LOST", "PREVENTED", "WARNING_CLOSED")
PAYMENTS = (Hold, Charge, TopUp)
log = logs.log(__name__)


@dataclass(frozen=True, kw_only=True)
class DisputeChanged(Event):
    """A dispute was opened, answered or decided."""

    dispute_id: UUID

    @property
    def lock(self) -> str:
        return f"dispute:{self.dispute_id}"


async def dispute_changed(processor_id: str) -> None:
    """The processor says that something happened to a dispute: it is looked up and kept as it stands."""
    facts = await processor().dispute(processor_id)
    async with transaction() as db:
        await keep(db, facts)


async def keep(db: Db, facts: DisputeFacts) -> Dispute | None:
    """Keep a dispute as it stands and book what it did to our money. None when it is of no payment of this kind."""
    if facts.payment_id is None:
        log.warning("dispute without a payment", dispute=facts.processor_id)
        return None
    dispute = await _row(db, facts, facts.payment_id)
    await _book(db, facts, facts.payment_id)
    if dispute.state == facts.state or (dispute.state in DECIDED and _is_open(facts.state)):
        return dispute
    dispute.state, dispute.fee_minor, dispute.updated_at = facts.state, facts.fee_minor, clock.now()
    dispute.evidence_due_at = facts.evidence_due_at
    dispute.closed_at = None if facts.state not in DECIDED else dispute.closed_at or clock.now()
    await db.flush()
    await events.emit(db, DisputeChanged(dispute_id=dispute.id))
    log.info("dispute", dispute=facts.processor_id, state=facts.state)
    return dispute


async def disputes(db: Db, *, only_open: bool = False) -> list[Dispute]:
    """All disputes, those to be answered soonest first."""
    query = select(Dispute).order_by(col(Dispute.closed_at).is_not(None), col(Dispute.evidence_due_at))
    query = query.where(col(Dispute.closed_at).is_(None)) if only_open else query
    return list((await db.execute(query)).scalars())


async def dispute_named(db: Db, name: str) -> Dispute:
    """The dispute with this id of ours or of the processor's. Raises NotFound."""
    either = (col(Dispute.processor_id) == name) | (cast(col(Dispute.id), String) == name)
    found: Dispute | None = await db.scalar(select(Dispute).where(either))
    if found is None:
        raise NotFound(f"there is no dispute {name!r}")
    return found


async def answer(dispute: Dispute, texts: Mapping[str, str], *, submit: bool) -> Dispute:
    """Hand in what we know; with `submit` it goes to the bank, once and for all. Raises Refused when it is too late."""
    if dispute.state not in ANSWERABLE:
        raise Refused("DISPUTE_NOT_ANSWERABLE", f"This dispute is {dispute.state}: it cannot be answered any more.")
    reference = f"{dispute.id}-{digest(msgspec.json.encode(texts, order='sorted').decode())}-{submit}"
    facts = await processor().hand_in_evidence(
        dispute.processor_id, texts=dict(texts), submit=submit, reference=reference
    )
    async with transaction() as db:
        await keep(db, facts)
        row = await db.get_one(Dispute, dispute.id)
        row.evidence = dict(texts)
        row.submitted_at = clock.now() if submit else row.submitted_at
        return row


def _is_open(state: str) -> bool:
    """Whether an older look-up found this; an appeal is news also after a decision."""
    return state not in DECIDED and not state.startswith("APPEAL_")


async def _row(db: Db, facts: DisputeFacts, payment_id: str) -> Dispute:
    """The row of a dispute, locked; made with an empty state if there is none."""
    values = Dispute(
        processor_id=facts.processor_id,
        payment_id=payment_id,
        driver_id=await _driver_of(db, payment_id),
        state="",
        reason=facts.reason,
        currency=facts.currency,
        amount_minor=facts.amount_minor,
        created_at=facts.created_at or clock.now(),
    ).model_dump()
    await db.execute(insert(Dispute).values(**values).on_conflict_do_nothing())
    query = select(Dispute).where(Dispute.processor_id == facts.processor_id).with_for_update()
    return (await db.execute(query, execution_options={"populate_existing": True})).scalar_one()


async def _driver_of(db: Db, payment_id: str) -> UUID | None:
    for table in PAYMENTS:
        found: UUID | None = await db.scalar(select(table.driver_id).where(table.processor_id == payment_id))
        if found:
            return found
    return None


async def _book(db: Db, facts: DisputeFacts, payment_id: str) -> None:
    for movement in facts.movements:
        fee = Money(movement.fee_minor, movement.currency)
        await books.processor_fee(db, reference=movement.id, fee=fee)
    taken = _sum(facts, lambda amount: -min(amount, 0))
    back = _sum(facts, lambda amount: max(amount, 0))
    if not taken.amount_minor:
        return
    about = {"payment_id": payment_id, "dispute_id": facts.processor_id}
    if await debits.returned(db, **about, amount=taken, reason=facts.reason):
        return
    await books.dispute_opened(db, reference=facts.processor_id, amount=taken)
    if facts.state == "LOST" or (facts.state in DECIDED and back.amount_minor):
        await books.dispute_closed(db, reference=facts.processor_id, disputed=taken, returned=back)


def _sum(facts: DisputeFacts, part: Callable[[int], int]) -> Money:
    currencies = [movement.currency for movement in facts.movements] or [facts.currency]
    return Money(sum(part(movement.amount_minor) for movement in facts.movements), currencies[0])
