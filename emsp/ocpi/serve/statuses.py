"""PATCHes that change the status of an EVSE and nothing else, the one change that comes all the time (chapter
Locations, example: a simple status update): those of the same moment share one transaction.

Only what is plain goes this way: the document is kept, understood, in the caller's version, the EVSE is in it, and
nobody else writes it at the moment. Everything else, whatever is wrong with it, goes the long way alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row

from emsp import clock, logs
from emsp.db.engine import Db
from emsp.db.together import Together, without_waiting
from emsp.ocpi import wire
from emsp.ocpi.keep import inbox
from emsp.ocpi.keep.objects import Json, Target, is_stale, merged, when
from emsp.ocpi.serve.places import LEVELS, member, with_child
from emsp.ocpi.words.translate_location import status_of
from emsp.stations import statuses
from emsp.stations.statuses import Outcome, StatusReport
from emsp.stations.upserts import recordset, run

STATUS_ONLY = {"status", "last_updated", "uid"}
log = logs.log(__name__)

HELD = f"""
    SELECT i.id, i.connection_id, i.object_key, i.version, i.body
      FROM {recordset({"connection_id": "uuid", "country_code": "text", "party_id": "text", "object_key": "text"}, "w")}
      JOIN ocpi_route r USING (connection_id, country_code, party_id)
      JOIN ocpi_inbox i USING (connection_id, object_key)
     WHERE i.module = 'locations' AND i.state = '{inbox.APPLIED}' AND r.allowed
     ORDER BY i.object_key FOR NO KEY UPDATE OF i SKIP LOCKED
"""
KEEP = f"""
    UPDATE ocpi_inbox SET body = new.body, content_hash = new.hash, received_at = :now, handled_at = :now
      FROM {recordset({"id": "int8", "body": "text", "hash": "text"}, "new")} WHERE ocpi_inbox.id = new.id
"""


class _Kept:
    """A kept Location as the PATCHes of a moment change it."""

    def __init__(self, row: Row[Any]) -> None:
        self.id: int = row.id
        self.version: str = row.version
        self.location: Json = wire.decode_known(row.body)
        self.evses: dict[str, Json] = {}
        """Those that PATCHes changed, by their folded uid; not yet in the Location."""
        self.changed = False

    def evse(self, uid: str) -> Json | None:
        return self.evses.get(wire.fold(uid)) or member(self.location, LEVELS[0], uid)

    def take(self, uid: str) -> None:
        """Put the changed EVSE into the Location."""
        self.location, self.changed = with_child(self.location, [uid], self.evses[wire.fold(uid)]), True


class _Patch(msgspec.Struct, frozen=True):
    """A PATCH of a status that waits for company."""

    target: Target
    body: Json

    @property
    def key(self) -> tuple[UUID, str]:
        return self.target.connection.id, self.target.key

    @property
    def uid(self) -> str:
        return self.target.below[0]


def is_plain(target: Target, body: Mapping[str, Any]) -> bool:
    """Whether a PATCH is of nothing but the status of the EVSE that its path names, and says of when."""
    if len(target.below) != 1 or not set(body) <= STATUS_ONLY or when(body) is None:
        return False
    return body.get("uid") is None or wire.fold(str(body["uid"])) == wire.fold(target.below[0])


async def patch(target: Target, body: Json) -> bool:
    """Whether the PATCH was done, together with others; False when it has to go the long way."""
    try:
        return await _together.ask(_Patch(target, body))
    except Exception:
        log.exception("statuses could not be written together; each goes alone")
        return False


async def _patch_all(db: Db, patches: Sequence[_Patch]) -> list[bool]:
    held = await _held(db, patches)
    done = [False] * len(patches)
    reports: dict[int, StatusReport] = {}
    for position, one in enumerate(patches):
        document = held.get(one.key)
        known = document.evse(one.uid) if document and document.version == one.target.version else None
        if document is None or known is None:
            continue
        if is_stale(one.target, one.body, known):
            done[position] = True
            continue
        changed = document.evses[wire.fold(one.uid)] = merged(known, one.body)
        reports[position] = _report(one.target, changed)
    taken = await statuses.take(db, list(reports.values()), waiting=False)
    for position, outcome in zip(reports, taken.outcomes, strict=True):
        if outcome is not Outcome.MISSING:
            held[patches[position].key].take(patches[position].uid)
            done[position] = True
    async with without_waiting(db):
        await statuses.write(db, taken)
        await _keep(db, [document for document in held.values() if document.changed])
    return done


_together = Together(_patch_all)


async def _held(db: Db, patches: Sequence[_Patch]) -> dict[tuple[UUID, str], _Kept]:
    """The documents of their Locations that are understood and free; nobody else can change them until the end."""
    wanted = {
        one.key: {
            "connection_id": one.target.connection.id,
            "country_code": one.target.party.country_code,
            "party_id": one.target.party.party_id,
            "object_key": one.target.key,
        }
        for one in patches
    }
    found = await run(db, HELD, list(wanted.values()))
    return {(row.connection_id, row.object_key): _Kept(row) for row in found}


def _report(target: Target, evse: Json) -> StatusReport:
    as_of = when(evse)
    assert as_of is not None  # a plain PATCH says of when it is
    return StatusReport(
        country_code=target.party.country_code,
        party_id=target.party.party_id,
        location_id=target.object_id,
        evse_uid=target.below[0],
        status=status_of(str(evse.get("status"))),
        as_of=as_of,
    )


async def _keep(db: Db, documents: Sequence[_Kept]) -> None:
    if documents:
        bodies = {document.id: wire.encode(document.location) for document in documents}
        rows = [{"id": id_, "body": body.decode(), "hash": wire.content_hash(body)} for id_, body in bodies.items()]
        await run(db, KEEP, rows, now=clock.now())
