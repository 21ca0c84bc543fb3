"""Points."""

from datetime import datetime
from enum import Enum
from uuid import UUID

import strawberry
from strawberry import field

from emsp.db.engine import reading
from emsp.graphql.connection import Connection, checked_first, key_of_cursor, page_of
from emsp.graphql.fields import After, First, resolver, value
from emsp.loyalty import points, tables


@strawberry.enum(description="Why points were given or taken.")
class PointsReason(Enum):
    CHARGE = value("CHARGE", "For the energy of a charge.")
    CORRECTION = value("CORRECTION", "For energy that was billed and corrected later.")


@strawberry.type(description="Points given, or taken when negative.")
class PointsEntry:
    points: int = field(description="How many; negative when they were taken.")
    reason: PointsReason = field(description="Why.")
    at: datetime = field(description="When.")


@strawberry.type(description="A driver's points.")
class LoyaltyAccount:
    driver_id: strawberry.Private[UUID]

    @resolver("How many points the driver has.")
    async def points_balance(self) -> int:
        async with reading() as db:
            return await points.balance(db, self.driver_id)

    @resolver("What was given and taken, the newest first.")
    async def entries(self, first: First = 20, after: After = strawberry.UNSET) -> Connection[PointsEntry]:
        wanted, key = checked_first(first), key_of_cursor(after or None)
        async with reading() as db:
            page = await points.entries(db, self.driver_id, first=wanted, after=key)
        return page_of(page, _entry, after or None)


def _entry(row: tables.PointsEntry) -> PointsEntry:
    return PointsEntry(points=row.points, reason=PointsReason(row.reason), at=row.created_at)
