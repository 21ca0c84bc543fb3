"""What becomes of kept documents: the features are told, and what cannot be understood is set apart.

Pushed, pulled and replayed documents all go this way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy.exc import DBAPIError

from emsp import jobs, logs
from emsp.charging import track
from emsp.db.engine import Db, transaction
from emsp.errors import EmspError, Invalid
from emsp.ocpi import routing, wire
from emsp.ocpi.connections import PartyId
from emsp.ocpi.keep import inbox
from emsp.ocpi.keep.inbox import Item
from emsp.ocpi.tables import Connection, InboxDocument
from emsp.ocpi.words import bridge, messages, quirks
from emsp.ocpi.words.reading import convert, read
from emsp.ocpi.words.translate_charge import record_of, report_of
from emsp.ocpi.words.translate_location import station_of
from emsp.ocpi.words.translate_tariff import tariff_facts
from emsp.pricing import catalog
from emsp.stations import changes

log = logs.log(__name__)
Understand = Callable[[Item], Any]
AT_A_STRETCH = 25
"""How many documents are read before others get a turn."""


class Applied(msgspec.Struct, kw_only=True):
    """What became of some documents; the reasons are by object key."""

    changed: int = 0
    unchanged: int = 0
    older: int = 0
    reasons: dict[str, str] = {}

    def add(self, changed: int, unchanged: int, older: int) -> None:
        self.changed += changed
        self.unchanged += unchanged
        self.older += older


class Way(NamedTuple):
    """How the objects of a module are understood, and which feature they go to."""

    understand: Understand
    hand_over: Callable[[Db, UUID, Sequence[Any]], Awaitable[tuple[int, int, int]]]


async def take_in(db: Db, connection: Connection, module: str, items: Sequence[Item]) -> Applied:
    """Keep the items (of distinct keys) and tell the features. A bad one is set apart alone."""
    if module == "cdrs":
        return await _take_in_cdrs(db, connection, items)
    keeping = asyncio.create_task(inbox.keep(db, connection.id, module, items))
    try:
        understood, reasons = await _understand(module, items)  # while PostgreSQL writes
    finally:
        ids = await keeping
    applied = await _apply(db, connection, module, understood, reasons)
    await inbox.set_apart(db, {ids[key]: reason for key, reason in applied.reasons.items()})
    return applied


async def _understand(module: str, items: Sequence[Item]) -> tuple[dict[str, Any], dict[str, str]]:
    """What items mean, and why others mean nothing, by their keys; others get a turn in between."""
    understood, reasons = dict[str, Any](), dict[str, str]()
    for position, item in enumerate(items, start=1):
        try:
            understood[item.key] = _understood(WAYS[module].understand, item)
        except Invalid as fault:
            reasons[item.key] = str(fault)
        if position % AT_A_STRETCH == 0:
            await asyncio.sleep(0)
    return understood, reasons


async def _apply(
    db: Db, connection: Connection, module: str, understood: dict[str, Any], reasons: dict[str, str]
) -> Applied:
    applied = Applied(reasons=reasons)
    for partner_id, facts in (await _by_owner(db, connection, understood, applied)).items():
        await _hand_over(db, partner_id, WAYS[module], facts, applied)
    return applied


def _understood(understand: Understand, item: Item) -> Any:
    if item.fault:
        raise Invalid(item.fault)
    return understand(item)


async def _by_owner(
    db: Db, connection: Connection, understood: dict[str, Any], applied: Applied
) -> dict[UUID, dict[str, Any]]:
    """What was understood, by the partner that it belongs to; what is of parties that do not come this way is not."""
    parties = {key: PartyId(facts.country_code, facts.party_id) for key, facts in understood.items()}
    owners = await routing.owners(db, connection.id, parties.values()) if parties else {}
    sorted_out: dict[UUID, dict[str, Any]] = {}
    for key, facts in understood.items():
        if partner_id := owners.get(parties[key]):
            sorted_out.setdefault(partner_id, {})[key] = facts
        else:
            applied.reasons[key] = str(_foreign(parties[key]))
    return sorted_out


def _foreign(party: PartyId) -> Invalid:
    return Invalid(f"{party.country_code} {party.party_id} is not a party of this partner", "party_id")


async def _hand_over(db: Db, partner_id: UUID, way: Way, understood: dict[str, Any], applied: Applied) -> None:
    """All at once; one by one when something among them cannot be stored."""
    try:
        async with db.begin_nested():
            applied.add(*await way.hand_over(db, partner_id, list(understood.values())))
        return
    except (EmspError, DBAPIError, ValueError, ArithmeticError) as error:
        if len(understood) == 1:
            log.warning("a document could not be taken over", error=str(error), key=next(iter(understood)))
            applied.reasons[next(iter(understood))] = _in_one_line(error)
            return
    for key, facts in understood.items():
        await _hand_over(db, partner_id, way, {key: facts}, applied)


def _in_one_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:500]


async def _put_stations(db: Db, partner_id: UUID, facts: Sequence[Any]) -> tuple[int, int, int]:
    counts = await changes.put_stations(db, partner_id, facts)
    return counts.changed, counts.unchanged, counts.older


async def _put_tariffs(db: Db, partner_id: UUID, facts: Sequence[Any]) -> tuple[int, int, int]:
    counts = await catalog.put_tariffs(db, partner_id, facts)
    return counts.changed, counts.unchanged, counts.older


async def _report_sessions(db: Db, partner_id: UUID, facts: Sequence[Any]) -> tuple[int, int, int]:
    for report in facts:
        await track.session_reported(db, partner_id, report)
    return len(facts), 0, 0


def _reader(module: str, message: type, translate: Callable[[Any], Any]) -> Understand:
    """How the objects of a module are understood, whatever version they are written in."""

    def understand(item: Item) -> Any:
        try:
            found, remarks = quirks.corrected(_message(module, message, item))
            facts = translate(found)
        except Invalid as fault:
            raise bridge.in_their_words(module, item.version, fault) from fault
        for remark in remarks:
            log.warning("an object was read with a correction", module=module, key=item.key, correction=remark)
        return facts

    return understand


def _message(module: str, message: type, item: Item) -> Any:
    if bridge.needs_lift(module, item.version):
        wire.refuse_nul(item.body)
        return convert(bridge.lift(module, item.version, wire.decode(item.body), item.owner), message)
    found: Any = read(item.body, message)
    return found if item.owner is None or found.country_code else _owned(found, item.owner)


def _owned(found: Any, owner: PartyId) -> Any:
    return msgspec.structs.replace(found, country_code=owner.country_code, party_id=owner.party_id)


WAYS = {
    "locations": Way(_reader("locations", messages.Location, station_of), _put_stations),
    "tariffs": Way(_reader("tariffs", messages.Tariff, tariff_facts), _put_tariffs),
    "sessions": Way(_reader("sessions", messages.Session, report_of), _report_sessions),
}
_read_cdr = _reader("cdrs", messages.Cdr, record_of)


async def _take_in_cdrs(db: Db, connection: Connection, items: Sequence[Item]) -> Applied:
    """A CDR may not change (CDRs, flow and lifecycle), but some do: every content is kept, and understood by a job.

    What came before under the same id is put aside, so that jobs that have not run yet still find it.
    """
    applied, new = Applied(reasons={}), []
    for item in items:
        document = await inbox.kept(db, connection.id, "cdrs", item.key, for_update=True)
        if document is None or document.state == inbox.APART:
            new.append(item)
        elif document.version != item.version or says_the_same(document.body.encode(), item.body):
            applied.unchanged += 1
        else:
            log.warning("a CDR came again with another content", key=item.key)
            await inbox.put_aside(db, document)
            new.append(item)
    ids = await inbox.keep(db, connection.id, "cdrs", new, state=inbox.RECEIVED)
    for key, document_id in ids.items():
        await jobs.defer(db, settle_inbox_cdr, lock=f"cdr:{connection.id}:{key}", document_id=document_id)
    applied.changed = len(new)
    return applied


def says_the_same(one: bytes, other: bytes) -> bool:
    """Whether two documents hold the same, however they are written."""
    return one == other or read(one, dict[str, Any]) == read(other, dict[str, Any])


async def settle_inbox_cdr(document_id: int) -> None:
    """Job: understand a kept CDR and hand it to charging; what cannot be understood is set apart."""
    async with transaction() as db:
        document = await db.get(InboxDocument, document_id, with_for_update=True)
        if document is None or document.state != inbox.RECEIVED:
            return
        connection = await db.get_one(Connection, document.connection_id)
        try:
            record = _understood(_read_cdr, inbox.item_in(document))
            partner_id = await routing.owner(db, connection.id, party := PartyId(record.country_code, record.party_id))
            if partner_id is None:
                raise _foreign(party)
        except Invalid as fault:
            log.error("a CDR is kept apart", document=document_id, reason=str(fault))
            await inbox.mark(db, document_id, inbox.APART, str(fault))
            return
        await track.record_received(db, partner_id, record)
        await inbox.mark(db, document_id, inbox.APPLIED)


async def replay(connection_id: UUID | None = None, module: str | None = None, *, reason: str | None = None) -> Applied:
    """Look again at every document that was set apart, each in a transaction of its own; `reason` is a part of why."""
    async with transaction() as db:
        waiting = await inbox.list_apart(db, connection_id, module, reason=reason, limit=100_000)
    total = Applied(reasons={})
    for document in waiting:
        async with transaction() as db:
            connection = await db.get_one(Connection, document.connection_id)
            applied = await take_in(db, connection, document.module, [inbox.item_in(document)])
        total.add(applied.changed, applied.unchanged, applied.older)
        total.reasons |= applied.reasons
    return total
