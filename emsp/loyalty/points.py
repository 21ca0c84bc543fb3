"""Points: given once per charge, corrected with it, counted by query, and owed to the driver in the ledger."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, or_, select

from emsp.accounts.tables import Driver
from emsp.db.engine import Db
from emsp.db.pages import Key, Page, newest_first
from emsp.loyalty.tables import PointsEntry
from emsp.payments.ledger.balances import points_awarded


async def award(db: Db, *, driver_id: UUID, points: int, reference: str, reason: str = "CHARGE") -> None:
    """Give `points` for what `reference` names; a second time changes nothing."""
    if points:
        entry = PointsEntry(driver_id=driver_id, points=points, reason=reason, reference=reference)
        await db.execute(insert(PointsEntry).values(**entry.model_dump()).on_conflict_do_nothing())
        await points_awarded(db, reference=reference, driver_id=driver_id, points=points)


async def correct(db: Db, *, driver_id: UUID, charge: str, points: int, reference: str) -> int:
    """Let a charge have earned `points` in all; what was given for it, or taken when negative.

    Nobody owes points: no more is taken than there is.
    """
    await db.execute(select(Driver.id).where(Driver.id == driver_id).with_for_update())
    of_charge = or_(PointsEntry.reference == charge, col(PointsEntry.reference).startswith(f"{charge}:"))
    earned = await db.scalar(select(func.coalesce(func.sum(PointsEntry.points), 0)).where(of_charge))
    change = max(points - int(earned or 0), -max(await balance(db, driver_id), 0))
    await award(db, driver_id=driver_id, points=change, reference=f"{charge}:{reference}", reason="CORRECTION")
    return change


async def balance(db: Db, driver_id: UUID) -> int:
    """The driver's points."""
    query = select(func.coalesce(func.sum(PointsEntry.points), 0)).where(PointsEntry.driver_id == driver_id)
    return int((await db.execute(query)).scalar_one())


async def entries(db: Db, driver_id: UUID, *, first: int, after: Key | None = None) -> Page:
    """The driver's entries, newest first."""
    theirs = col(PointsEntry.driver_id) == driver_id
    return await newest_first(db, PointsEntry, theirs, first=first, after=after)
