"""What becomes of kept documents: the features are told, and what cannot be understood is set apart.

Pushed, pulled and replayed documents all go this way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.exc import DBAPIError

from emsp import jobs, logs
from emsp.charging import track
from emsp.db.engine import Db, transaction
from emsp.errors import EmspError, Invalid
from emsp.ocpi import routing
from emsp.ocpi.connections import PartyId
from emsp.ocpi.keep import inbox
from emsp.ocpi.keep.inbox import Item
from emsp.ocpi.keep.meaning import meaning, understand
from emsp.ocpi.keep.prepared import NOTHING, Prepared
from emsp.ocpi.tables import Connection, InboxDocument
from emsp.ocpi.words.reading import read
from emsp.pricing import catalog
from emsp.stations import changes

log = logs.log(__name__)


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


By = Mapping[UUID, Sequence[Any]]
"""What was understood, by the partner that it belongs to."""


HandOver = Callable[[Db, By, Prepared], Awaitable[tuple[int, int, int]]]
"""Tells a feature, and gives how many things changed, did not, or were older than what is known."""
Owners = Mapping[PartyId, UUID]
NOBODY: Owners = {}
Owned = tuple[str, UUID, Any]
"""The key of an object, the partner that it belongs to, and what it means."""


async def take_in(
    db: Db,
    connection: Connection,
    module: str,
    items: Sequence[Item],
    prepared: Prepared = NOTHING,
    *,
    owners: Owners = NOBODY,
) -> Applied:
    """Keep the items (of distinct keys) and tell the features. A bad one is set apart alone.

    What is `prepared` already is not worked out again, nor are `owners` looked up that are known in this transaction.
    """
    if module == "cdrs":
        return await _take_in_cdrs(db, connection, items)
    await _keep(db, connection, module, items, prepared)
    known = prepared.meanings
    meanings = known | await understand(module, [item for item in items if item not in known])
    told = {item.key: meanings[item] for item in items}
    applied = await _apply(db, connection, module, told, prepared, owners)
    await inbox.set_apart(db, connection.id, module, applied.reasons)
    return applied


async def _keep(db: Db, connection: Connection, module: str, items: Sequence[Item], prepared: Prepared) -> None:
    """What was new a moment ago is copied, unless one of it has come by another way since."""
    known = [item for item in items if item.key not in prepared.unkept]
    if new := [item for item in items if item.key in prepared.unkept]:
        try:
            async with db.begin_nested():
                await inbox.add(db, connection.id, module, new)
        except DBAPIError:
            known = list(items)
    if known:
        await inbox.keep(db, connection.id, module, known)


async def _apply(
    db: Db, connection: Connection, module: str, meanings: Mapping[str, Any], prepared: Prepared, owners: Owners
) -> Applied:
    faults = {key: str(fault) for key, fault in meanings.items() if isinstance(fault, Invalid)}
    applied = Applied(reasons=faults)
    understood = {key: facts for key, facts in meanings.items() if key not in faults}
    if owned := await _owned(db, connection, understood, applied, owners):
        await _hand_over(db, WAYS[module], owned, prepared, applied)
    return applied


async def _owned(
    db: Db, connection: Connection, understood: Mapping[str, Any], applied: Applied, known: Owners
) -> list[Owned]:
    """The key of what was understood, the partner that it belongs to, and what it is; without what is of parties that
    do not come this way."""
    parties = {key: PartyId(facts.country_code, facts.party_id) for key, facts in understood.items()}
    unknown = set(parties.values()) - known.keys()
    owners = {**known, **(await routing.owners(db, connection.id, unknown) if unknown else {})}
    foreign = {key: str(_foreign(party)) for key, party in parties.items() if party not in owners}
    applied.reasons.update(foreign)
    return [(key, owners[parties[key]], facts) for key, facts in understood.items() if key not in foreign]


def _foreign(party: PartyId) -> Invalid:
    return Invalid(f"{party.country_code} {party.party_id} is not a party of this partner", "party_id")


async def _hand_over(db: Db, tell: HandOver, owned: Sequence[Owned], prepared: Prepared, applied: Applied) -> None:
    """All at once; when something among them cannot be stored, one half and then the other."""
    try:
        async with db.begin_nested():
            applied.add(*await tell(db, _by_owner(owned), prepared))
        return
    except (EmspError, DBAPIError, ValueError, ArithmeticError) as error:
        if len(owned) == 1:
            log.warning("a document could not be taken over", error=str(error), key=owned[0][0])
            applied.reasons[owned[0][0]] = _in_one_line(error)
            return
    middle = len(owned) // 2
    await _hand_over(db, tell, owned[:middle], prepared, applied)
    await _hand_over(db, tell, owned[middle:], prepared, applied)


def _by_owner(owned: Iterable[Owned]) -> By:
    found = defaultdict[UUID, list[Any]](list)
    for _, partner_id, facts in owned:
        found[partner_id].append(facts)
    return found


def _in_one_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:500]


async def _put_stations(db: Db, stations: By, prepared: Prepared) -> tuple[int, int, int]:
    counts = await changes.put_all_stations(db, stations, prepared.stations)
    return counts.changed, counts.unchanged, counts.older


async def _put_tariffs(db: Db, tariffs: By, _: Prepared) -> tuple[int, int, int]:
    put = [await catalog.put_tariffs(db, partner_id, tariffs[partner_id]) for partner_id in sorted(tariffs)]
    return sum(one.changed for one in put), sum(one.unchanged for one in put), sum(one.older for one in put)


async def _report_sessions(db: Db, reports: By, _: Prepared) -> tuple[int, int, int]:
    for partner_id, of_partner in reports.items():
        for report in of_partner:
            await track.session_reported(db, partner_id, report)
    return sum(map(len, reports.values())), 0, 0


WAYS: dict[str, HandOver] = {"locations": _put_stations, "tariffs": _put_tariffs, "sessions": _report_sessions}


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
            record = meaning("cdrs", inbox.item_in(document))
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
