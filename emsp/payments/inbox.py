"""What the card processor tells us by webhook: kept first, understood later, in any order, any number of times.

An event says only that something happened to a thing; whoever wants to know is handed the thing's id and looks up how
it stands, so that an old event that comes late does no harm.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from emsp import clock, events
from emsp.db.engine import Db, transaction
from emsp.events import Event
from emsp.payments.tables import ProcessorEvent

Handler = Callable[[str], Awaitable[None]]
"""Is handed the processor's id of a thing. As a job: opens its own transactions, may run twice, ignores what is not
its own."""

_handlers: dict[str, list[Handler]] = {}


@dataclass(frozen=True, kw_only=True)
class ProcessorEventKept(Event):
    """A webhook is in the inbox."""

    event_id: str


def on(kind: str, handler: Handler) -> None:
    """Let `handler` hear of events of a kind, such as `payout.paid`; `payout.` stands for every kind below it."""
    known = _handlers.setdefault(kind, [])
    if handler not in known:
        known.append(handler)


def handlers_of(kind: str) -> list[Handler]:
    """Who is to hear of an event of this kind, each once, in the order in which they asked."""
    hearing = [
        handler
        for asked, handlers in _handlers.items()
        if kind == asked or (asked.endswith(".") and kind.startswith(asked))
        for handler in handlers
    ]
    return list(dict.fromkeys(hearing))


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
    """Job: tell those who want to know of a kept webhook. What nobody wants to know is kept all the same."""
    async with transaction() as db:
        kept = await db.get_one(ProcessorEvent, event_id)
    if kept.handled_at:
        return
    for handler in handlers_of(kept.kind):
        await handler(_subject(kept))
    async with transaction() as db:
        kept = await db.get_one(ProcessorEvent, event_id)
        kept.handled_at = clock.now()


def _subject(kept: ProcessorEvent) -> str:
    """The id of what an event is about. Only events about an object with an id have one: a balance has none."""
    return str(msgspec.json.decode(kept.body)["data"]["object"]["id"])
