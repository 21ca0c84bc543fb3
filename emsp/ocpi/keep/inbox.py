"""Documents of partners, kept as received before they are understood, with what became of each.

One row an object: the newest version that was received. APPLIED means that the features have it, APART that it
waits with a reason, RECEIVED that a job will look at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Text, any_, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col

from emsp import clock
from emsp.db.copying import copy_texts
from emsp.db.engine import Db
from emsp.errors import Invalid
from emsp.ocpi import wire
from emsp.ocpi.connections import PartyId
from emsp.ocpi.tables import InboxDocument
from emsp.ocpi.words.messages import Head
from emsp.ocpi.words.reading import read

NAMELESS = "?"
ASIDE = "#"
RECEIVED, APPLIED, APART, WITHDRAWN = "RECEIVED", "APPLIED", "APART", "WITHDRAWN"

COLUMNS = (
    "connection_id",
    "module",
    "object_key",
    "version",
    "body",
    "content_hash",
    "state",
    "received_at",
    "handled_at",
)
KEEP = text("""
    INSERT INTO ocpi_inbox
           (connection_id, module, object_key, version, body, content_hash, state, reason, received_at, handled_at)
    SELECT :connection_id, :module, key, version, body, hash, :state, NULL, :now, :handled_at
      FROM json_to_recordset(CAST(:items AS json)) AS item(key text, version text, body text, hash text)
        ON CONFLICT (connection_id, module, object_key) DO UPDATE
       SET version = excluded.version, body = excluded.body, content_hash = excluded.content_hash,
           state = excluded.state, reason = NULL, received_at = excluded.received_at, handled_at = excluded.handled_at
    RETURNING object_key, id
""")


class Item(msgspec.Struct, frozen=True, dict=True):
    """One received object: its key, its JSON as received, the version that is written in, and of when it is (None
    when it does not say)."""

    key: str
    body: bytes
    version: str
    updated_at: datetime | None = None
    fault: str | None = None
    """Why not even its head could be read."""

    @cached_property
    def hash(self) -> str:
        return wire.content_hash(self.body)

    @property
    def owner(self) -> PartyId | None:
        """Whose it is, if that is known."""
        country_code, party_id, *_ = [*self.key.split("/"), "", ""]
        return PartyId(country_code, party_id) if country_code not in ("", NAMELESS) and party_id else None


def item_of(body: bytes, version: str, owner: PartyId | None = None) -> Item:
    """An object of a list, by its own words for whose it is, else of `owner`; one without an id is kept under its
    content."""
    try:
        head = read(body, Head)
    except Invalid as fault:
        return Item(f"{NAMELESS}/{wire.content_hash(body)}", body, version, fault=str(fault))
    stated = PartyId(head.country_code or "", head.party_id or "")
    country_code, party_id = stated if all(stated) or owner is None else owner
    updated_at = wire.utc(head.last_updated) if head.last_updated else None
    return Item(wire.key_of(country_code, party_id, head.id), body, version, updated_at)


def item_in(document: InboxDocument) -> Item:
    """The object that a document holds."""
    found = item_of(document.body.encode(), document.version)
    return msgspec.structs.replace(found, key=document.object_key)


class News(msgspec.Struct, frozen=True):
    """What of a list is new: items to look at, and how many were received before or are older than what is kept."""

    fresh: list[Item]
    unchanged: int
    older: int


async def news(db: Db, connection_id: UUID, module: str, items: Iterable[Item]) -> News:
    """The items that differ from what is kept and are not older. Of several with one key the last one counts."""
    received = {item.key: item for item in items}
    kept = await _kept_hashes(db, connection_id, module, received)
    differing = _differing(received, kept)
    bodies = await _kept_bodies(db, connection_id, module, [item.key for item in differing if item.key in kept])
    fresh = [item for item in differing if not is_older(item, bodies.get(item.key))]
    return News(fresh, len(received) - len(differing), len(differing) - len(fresh))


async def differing(
    db: Db, connection_id: UUID, module: str, items: Iterable[Item]
) -> tuple[list[Item], frozenset[str]]:
    """As `news`, before it is their turn: nothing is locked, and what is older is among them. And the keys of those
    that nothing was ever kept of."""
    received = {item.key: item for item in items}
    kept = await _kept_hashes(db, connection_id, module, received)
    return _differing(received, kept), frozenset(received.keys() - kept.keys())


def _differing(received: Mapping[str, Item], kept: Mapping[str, str]) -> list[Item]:
    return [item for key, item in received.items() if kept.get(key) != item.hash]


def is_older(item: Item, kept_body: bytes | None) -> bool:
    """Whether the kept document is of a later time, by the partner's own clock."""
    if kept_body is None or item.updated_at is None:
        return False
    kept_at = item_of(kept_body, item.version).updated_at
    return kept_at is not None and item.updated_at < kept_at


async def _kept_hashes(db: Db, connection_id: UUID, module: str, keys: Iterable[str]) -> dict[str, str]:
    """Nothing equals what was withdrawn."""
    query = select(col(InboxDocument.object_key), col(InboxDocument.content_hash), col(InboxDocument.state))
    rows = await db.execute(query.where(*_among(connection_id, module, keys)))
    return {row.object_key: "" if row.state == WITHDRAWN else row.content_hash for row in rows}


async def _kept_bodies(db: Db, connection_id: UUID, module: str, keys: Sequence[str]) -> dict[str, bytes]:
    """Locked, so that a push between this look and our write cannot be overwritten by what is older.

    Those set apart or withdrawn are left out: nothing is older than what is not known.
    """
    if not keys:
        return {}
    query = select(col(InboxDocument.object_key), col(InboxDocument.body))
    understood = col(InboxDocument.state).not_in([APART, WITHDRAWN])
    chosen = query.where(understood, *_among(connection_id, module, keys)).order_by(col(InboxDocument.object_key))
    return {row.object_key: row.body.encode() for row in await db.execute(chosen.with_for_update())}


def _among(connection_id: UUID, module: str, keys: Iterable[str]) -> list[ColumnElement[bool]]:
    return [
        col(InboxDocument.connection_id) == connection_id,
        col(InboxDocument.module) == module,
        col(InboxDocument.object_key) == any_(literal(list(keys), ARRAY(Text))),
    ]


async def keep(
    db: Db, connection_id: UUID, module: str, items: Sequence[Item], *, state: str = APPLIED
) -> dict[str, int]:
    """Keep items with distinct keys, replacing what was kept of them; the ids of their documents by key."""
    now = clock.now()
    values = {
        "connection_id": connection_id,
        "module": module,
        "state": state,
        "now": now,
        "handled_at": None if state == RECEIVED else now,
        "items": wire.encode([_row(item) for item in sorted(items, key=lambda item: item.key)]).decode(),
    }
    return {row.object_key: row.id for row in await db.execute(KEEP, values)}


async def add(db: Db, connection_id: UUID, module: str, items: Iterable[Item]) -> None:
    """Keep items with distinct keys that nothing was kept of. Raises DBAPIError when something is, by now."""
    now = clock.now().isoformat()
    rows = [(str(connection_id), module, *_row(item).values(), APPLIED, now, now) for item in items]
    await copy_texts(db, "ocpi_inbox", COLUMNS, rows)


async def put_aside(db: Db, document: InboxDocument) -> None:
    """Keep a document under a key of its own, so that what comes after it can take its place."""
    document.object_key = f"{document.object_key}{ASIDE}{document.id}"
    await db.flush()


def _row(item: Item) -> dict[str, str]:
    body = item.body.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return {"key": item.key, "version": item.version, "body": body, "hash": item.hash}


async def set_apart(db: Db, connection_id: UUID, module: str, reasons: Mapping[str, str]) -> None:
    """Mark documents as not understood, each with its reason, by their keys."""
    for key, reason in reasons.items():
        change = {"state": APART, "reason": reason, "handled_at": clock.now()}
        await db.execute(update(InboxDocument).where(*_among(connection_id, module, [key])).values(change))


async def mark(db: Db, document_id: int, state: str, reason: str | None = None) -> None:
    """Note what became of a document."""
    change = {"state": state, "reason": reason, "handled_at": clock.now()}
    await db.execute(update(InboxDocument).where(col(InboxDocument.id) == document_id).values(change))


async def kept(db: Db, connection_id: UUID, module: str, key: str, *, for_update: bool = False) -> InboxDocument | None:
    """The document of an object, locked for a change if asked."""
    query = select(InboxDocument).where(*_among(connection_id, module, [key]))
    return (await db.execute(query.with_for_update() if for_update else query)).scalar_one_or_none()


async def list_apart(
    db: Db,
    connection_id: UUID | None = None,
    module: str | None = None,
    *,
    reason: str | None = None,
    limit: int = 1000,
) -> list[InboxDocument]:
    """Documents that wait with a reason, oldest first; `reason` is a part of it, in any case."""
    query = select(InboxDocument).where(col(InboxDocument.state) == APART)
    if connection_id:
        query = query.where(col(InboxDocument.connection_id) == connection_id)
    if module:
        query = query.where(col(InboxDocument.module) == module)
    if reason:
        query = query.where(col(InboxDocument.reason).icontains(reason, autoescape=True))
    return list((await db.execute(query.order_by(col(InboxDocument.id)).limit(limit))).scalars())


async def apart_among(db: Db, connection_id: UUID, module: str, keys: Iterable[str]) -> set[str]:
    """Which of the keys are of documents that wait with a reason."""
    query = select(col(InboxDocument.object_key)).where(*_among(connection_id, module, keys))
    return set((await db.execute(query.where(col(InboxDocument.state) == APART))).scalars())


async def count_apart(db: Db) -> dict[tuple[UUID, str], int]:
    """How many documents wait with a reason, by connection and module."""
    what = (col(InboxDocument.connection_id), col(InboxDocument.module))
    query = select(*what, func.count()).where(col(InboxDocument.state) == APART).group_by(*what)
    return {(row[0], row[1]): row[2] for row in await db.execute(query)}
