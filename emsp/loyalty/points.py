"""Points: given once per charge, counted by query."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select

from emsp.db.engine import Db
from emsp.db.pages import Key, Page, newest_first
from emsp.loyalty.tables import PointsEntry


async def award(db: Db, *, driver_id: UUID, points: int, reference: str, reason: str = "CHARGE") -> None:
    """Give `points` for what `reference` names; a second time changes nothing."""
    if points:
        entry = PointsEntry(driver_id=driver_id, points=points, reason=reason, reference=reference)
        await db.execute(insert(PointsEntry).values(**entry.model_dump()).on_conflict_do_nothing())


async def balance(db: Db, driver_id: UUID) -> int:
    """The driver's points."""
    query = select(func.coalesce(func.sum(PointsEntry.points), 0)).where(PointsEntry.driver_id == driver_id)
    return int((await db.execute(query)).scalar_one())


async def entries(db: Db, driver_id: UUID, *, first: int, after: Key | None = None) -> Page:
    """The driver's entries, newest first."""
    theirs = col(PointsEntry.driver_id) == driver_id
    return await newest_first(db, PointsEntry, theirs, first=first, after=after)
