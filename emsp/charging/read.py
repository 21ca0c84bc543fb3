"""Sessions, timelines and receipts as their owners read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from emsp.charging.tables import ChargingSession, Receipt, SessionEvent
from emsp.db.engine import Db
from emsp.db.pages import Key, Page, newest_first


async def session(db: Db, driver_id: UUID, session_id: UUID) -> ChargingSession | None:
    """The driver's own session, or None."""
    found = await db.get(ChargingSession, session_id)
    return found if found and found.driver_id == driver_id else None


async def sessions_of(db: Db, driver_id: UUID, *, first: int, after: Key | None = None) -> Page:
    """The driver's sessions, newest first."""
    theirs = col(ChargingSession.driver_id) == driver_id
    return await newest_first(db, ChargingSession, theirs, first=first, after=after)


async def events(db: Db, session_ids: Sequence[UUID]) -> dict[UUID, list[SessionEvent]]:
    """The timelines of sessions, in order."""
    query = select(SessionEvent).where(col(SessionEvent.session_id).in_(session_ids)).order_by(col(SessionEvent.id))
    lines: dict[UUID, list[SessionEvent]] = defaultdict(list)
    for line in (await db.execute(query)).scalars():
        lines[line.session_id].append(line)
    return lines


async def receipts_of(db: Db, session_ids: Sequence[UUID]) -> dict[UUID, Receipt]:
    """The first receipts of sessions, by session."""
    firsts = col(Receipt.session_id).in_(session_ids), col(Receipt.corrects_id).is_(None)
    query = select(Receipt).where(*firsts)
    return {receipt.session_id: receipt for receipt in (await db.execute(query)).scalars()}


async def corrections_of(db: Db, receipt_ids: Sequence[UUID]) -> dict[UUID, list[Receipt]]:
    """What corrects receipts, by the receipt, in the order in which it was issued."""
    query = select(Receipt).where(col(Receipt.corrects_id).in_(receipt_ids))
    found: dict[UUID, list[Receipt]] = defaultdict(list)
    for row in (await db.execute(query.order_by(col(Receipt.year), col(Receipt.sequence)))).scalars():
        if row.corrects_id:
            found[row.corrects_id].append(row)
    return found


async def receipt(db: Db, driver_id: UUID, receipt_id: UUID) -> Receipt | None:
    """The driver's own receipt, or None."""
    found = await db.get(Receipt, receipt_id)
    return found if found and found.driver_id == driver_id else None
