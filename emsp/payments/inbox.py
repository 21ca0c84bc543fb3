"""What the card processor tells us by webhook: kept first, understood later, in any order, any number of times."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from emsp import clock, events
from emsp.db.engine import Db, transaction
from emsp.events import Event
from emsp.payments import cards, hold
from emsp.payments.tables import ProcessorEvent


@dataclass(frozen=True, kw_only=True)
class ProcessorEventKept(Event):
    """A webhook is in the inbox."""

    event_id: str


async def keep(db: Db, *, event_id: str, kind: str, body: str) -> bool:
    """Keep a verified webhook as received; False when it was kept before."""
    statement = (
        insert(ProcessorEvent)
        .values(id=event_id, kind=kind, body=body, received_at=clock.now())
        .on_conflict_do_nothing()
        .returning(col(ProcessorEvent.id))
    )
    if (await db.execute(statement)).scalar_one_or_none() is None:
        return False
    await events.emit(db, ProcessorEventKept(event_id=event_id))
    return True


async def understand(event_id: str) -> None:
    """Job: act on a kept webhook. What it says of a payment is looked up, never taken from an old event."""
    async with transaction() as db:
        kept = await db.get_one(ProcessorEvent, event_id)
    if kept.handled_at:
        return
    if kept.kind == "setup_intent.succeeded":
        await cards.setup_succeeded(_subject(kept))
    async with transaction() as db:
        if kept.kind == "payment_intent.canceled":
            await hold.lapsed(db, _subject(kept))
        kept = await db.get_one(ProcessorEvent, event_id)
        kept.handled_at = clock.now()


def _subject(kept: ProcessorEvent) -> str:
    """The id of what an event is about. Only events about an object with an id have one: a balance has none."""
    return str(msgspec.json.decode(kept.body)["data"]["object"]["id"])
