"""PATCHes that change the status of an EVSE and nothing else, the one change that comes all the time (chapter
Locations, example: a simple status update): those of the same moment share one transaction.

Who calls, whose the Location is, and what is kept of it are looked up in that transaction as well. Only what is plain
goes this way: the token is the only one of its connection, the document is kept, understood, in the caller's version,
the EVSE is in it, and nobody else writes it at the moment. Everything else goes the ordinary way alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from emsp import clock, logs, vault
from emsp.db.driver import Rows, Statement, as_json
from emsp.db.lines import BEGIN, COMMIT, line
from emsp.db.together import Together
from emsp.ocpi import wire
from emsp.ocpi.connections import REGISTERED
from emsp.ocpi.keep import inbox
from emsp.ocpi.keep.objects import Json, when
from emsp.ocpi.serve.places import LEVELS, members
from emsp.ocpi.serve.plain import Plain
from emsp.stations import statuses
from emsp.stations.statuses import Locked

ATTEMPTS = 3
"""What somebody else writes at the moment, as another process of ours may, is free soon."""
log = logs.log(__name__)

HELD = f"""
    SELECT w.place, i.id, i.version, i.body
      FROM json_to_recordset(%(callers)s) AS t(caller int, digest text)
      JOIN ocpi_connection c ON c.token_in_digests = ARRAY[t.digest] AND c.state = '{REGISTERED}'
      JOIN json_to_recordset(%(wanted)s)
             AS w(place int, caller int, country_code text, party_id text, object_key text) USING (caller)
      JOIN ocpi_route r ON (r.connection_id, r.country_code, r.party_id) = (c.id, w.country_code, w.party_id)
      JOIN ocpi_inbox i ON (i.connection_id, i.module, i.object_key) = (c.id, 'locations', w.object_key)
     WHERE i.state = '{inbox.APPLIED}' AND r.allowed
     ORDER BY i.object_key FOR NO KEY UPDATE OF i SKIP LOCKED
"""
KEEP = """
    UPDATE ocpi_inbox SET body = new.body, content_hash = new.hash, received_at = %(now)s, handled_at = %(now)s
      FROM json_to_recordset(%(kept)s) AS new(id int8, body text, hash text) WHERE ocpi_inbox.id = new.id
"""


class _Kept:
    """A kept Location as the PATCHes of a moment change it."""

    def __init__(self, id_: int, version: str, body: str) -> None:
        self.id, self.version = id_, version
        self.location: Json = wire.decode_known(body)
        self.evses = members(self.location, LEVELS[0])
        self.positions: dict[str, int] = {}
        for position, evse in enumerate(self.evses):
            self.positions.setdefault(wire.fold(str(evse.get("uid"))), position)
        self.changed = False

    def known_at(self, uid: str) -> datetime | None:
        """Of when the EVSE is."""
        return when(self.evses[self.positions[uid]])

    def take(self, one: Plain) -> None:
        """Put the change into the Location, which is as new as its newest EVSE."""
        position = self.positions[one.uid]
        self.evses[position] = {**self.evses[position], **one.changes}
        self.location["evses"], self.changed = self.evses, True
        known_at = when(self.location)
        if known_at is None or one.as_of > known_at:
            self.location["last_updated"] = one.changes["last_updated"]


async def patch(one: Plain) -> bool:
    """Whether the PATCH was done, together with others; False when it has to go the ordinary way."""
    try:
        for _ in range(ATTEMPTS):
            if await _together.ask(one):
                return True
    except Exception:
        log.exception("statuses could not be written together; each goes alone")
    return False


async def _patch_all(patches: Sequence[Plain]) -> list[bool]:
    """One transaction in two questions: what is there, locked; and what becomes of it, with the commit."""
    async with line() as ours:
        _, held, found = await ours.ask(BEGIN, _holding(patches), statuses.locking({one.evse for one in patches}))
        kept, evses = _documents(held), Locked(found)
        done = [_done(kept.get(place), evses, one) for place, one in zip(_places(patches), patches, strict=True)]
        changed = {document for document in kept.values() if document.changed}
        await ours.ask(*evses.writing(), *_keeping(changed), COMMIT)
    return done


_together = Together(_patch_all, at_once=2)


def _done(document: _Kept | None, evses: Locked, one: Plain) -> bool:
    """Whether a PATCH needs no more than to be written: it is taken, or older than what is known."""
    if document is None or document.version != one.version or one.uid not in document.positions:
        return False
    known_at = document.known_at(one.uid)
    if known_at is not None and one.as_of < known_at:
        log.info("a change older than what is known is ignored", changed_at=str(one.as_of), known_at=str(known_at))
        return True
    if not evses.stays(one.evse, one.status):
        return False
    evses.take(one.evse, one.status, one.as_of)
    document.take(one)
    return True


def _places(patches: Sequence[Plain]) -> list[int]:
    """A number for each PATCH: the same for those of one caller at one Location."""
    numbers: dict[tuple[str, str], int] = {}
    return [numbers.setdefault((one.authorization, one.object_key), len(numbers)) for one in patches]


def _documents(found: Rows) -> dict[int, _Kept]:
    """The documents by place; a partner that writes its token in two ways has one at two places."""
    documents: dict[int, _Kept] = {}
    return {row[0]: documents.setdefault(row[1], _Kept(*row[1:])) for row in found}


def _holding(patches: Sequence[Plain]) -> Statement:
    """Looks up and locks the documents that the callers may change, and that are understood and free."""
    callers = {header: number for number, header in enumerate({one.authorization for one in patches})}
    wanted = {
        place: {
            "place": place,
            "caller": callers[one.authorization],
            "country_code": one.evse.country_code,
            "party_id": one.evse.party_id,
            "object_key": one.object_key,
        }
        for place, one in zip(_places(patches), patches, strict=True)
    }
    tokens = [
        {"caller": number, "digest": vault.digest(token)}
        for header, number in callers.items()
        for token in wire.presented_tokens(header)
    ]
    return Statement(HELD, {"callers": as_json(tokens), "wanted": as_json(list(wanted.values()))})


def _keeping(documents: Iterable[_Kept]) -> list[Statement]:
    bodies = {document.id: wire.encode(document.location) for document in documents}
    rows = [{"id": id_, "body": body.decode(), "hash": wire.content_hash(body)} for id_, body in bodies.items()]
    return [Statement(KEEP, {"kept": as_json(rows), "now": clock.now().isoformat()})] if rows else []
