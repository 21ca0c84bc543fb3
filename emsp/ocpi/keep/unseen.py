"""What a whole list no longer has is withdrawn softly (chapters Locations and Tariffs: what is not in the list any more
is no longer valid).

Never more than half of what was known at once: a partner that suddenly has nothing has a fault.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, delete, func, select, text, update
from sqlmodel import col

from emsp import clock
from emsp.db.engine import Db
from emsp.ocpi import wire
from emsp.ocpi.keep.inbox import APPLIED, WITHDRAWN
from emsp.ocpi.tables import CrawlSeen, InboxDocument
from emsp.pricing.catalog import withdraw_tariffs
from emsp.stations.withdraw import withdraw_stations

Withdraw = Callable[[Db, Iterable[tuple[str, str, str]]], Awaitable[int]]
WAYS: dict[str, Withdraw] = {"locations": withdraw_stations, "tariffs": withdraw_tariffs}

NOTE = text("""
    INSERT INTO ocpi_crawl_seen (connection_id, module, object_key)
    SELECT :connection_id, :module, key FROM json_array_elements_text(CAST(:keys AS json)) AS key
        ON CONFLICT DO NOTHING
""")

CAME = text("""
    SELECT count(*) FROM ocpi_crawl_seen JOIN ocpi_inbox USING (connection_id, module, object_key)
     WHERE connection_id = :connection_id AND module = :module AND id <= :newest
""")

GONE = text("""
    SELECT id, object_key, EXISTS (
               SELECT 1 FROM ocpi_inbox o WHERE o.module = i.module AND o.object_key = i.object_key
                  AND o.connection_id <> i.connection_id AND o.state = 'APPLIED') AS elsewhere, state
      FROM ocpi_inbox i
     WHERE connection_id = :connection_id AND module = :module AND id <= :newest
       AND received_at < :begun_at AND state <> 'WITHDRAWN' AND NOT EXISTS (
               SELECT 1 FROM ocpi_crawl_seen s WHERE s.connection_id = i.connection_id AND s.module = i.module
                  AND s.object_key = i.object_key)
     ORDER BY object_key FOR UPDATE OF i
""")


class Gone(msgspec.Struct, frozen=True):
    """How many objects were withdrawn, or would have been if they were fewer."""

    withdrawn: int = 0
    held_back: int = 0


async def newest(db: Db, connection_id: UUID, module: str) -> int:
    """What is known before a crawl has ids up to this."""
    query = select(func.max(InboxDocument.id)).where(
        col(InboxDocument.connection_id) == connection_id, col(InboxDocument.module) == module
    )
    return (await db.execute(query)).scalar_one() or 0


async def note(db: Db, connection_id: UUID, module: str, keys: Iterable[str]) -> None:
    """The crawl has seen these objects."""
    values = {"connection_id": connection_id, "module": module, "keys": wire.encode(sorted(set(keys))).decode()}
    await db.execute(NOTE, values)


async def forget(db: Db, connection_id: UUID, module: str) -> None:
    """Nothing was seen yet, or it does not matter any more."""
    ours = (col(CrawlSeen.connection_id) == connection_id, col(CrawlSeen.module) == module)
    await db.execute(delete(CrawlSeen).where(*ours))


async def withdraw(
    db: Db, connection_id: UUID, module: str, newest: int, begun_at: datetime, *, anyway: bool = False
) -> Gone:
    """Withdraw what was known up to the document `newest` and was neither seen by the crawl nor pushed since it began.

    Where that is more than what was seen, it is held back, unless it is to be done `anyway`.
    """
    known = {"connection_id": connection_id, "module": module, "newest": newest}
    gone = (await db.execute(GONE, {**known, "begun_at": begun_at})).all()
    if not gone:
        return Gone()
    if not anyway and len(gone) > (await db.execute(CAME, known)).scalar_one():
        return Gone(held_back=len(gone))
    await _mark(db, gone)
    await WAYS[module](db, [_parts(row.object_key) for row in gone if row.state == APPLIED and not row.elsewhere])
    return Gone(withdrawn=len(gone))


async def _mark(db: Db, gone: Sequence[Row[Any]]) -> None:
    change = {"state": WITHDRAWN, "reason": None, "handled_at": clock.now()}
    ids = [row.id for row in gone]
    await db.execute(update(InboxDocument).where(col(InboxDocument.id).in_(ids)).values(change))


def _parts(key: str) -> tuple[str, str, str]:
    country_code, party_id, object_id = key.split("/", 2)
    return country_code, party_id, object_id
