"""Which cards open charges are to be paid with."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import col, select

from emsp.charging.lifecycle import FINAL
from emsp.charging.tables import ChargingSession
from emsp.db.engine import Db


async def is_to_pay(db: Db, method_id: UUID) -> bool:
    """Whether a charge that is not settled yet is to be paid with this card."""
    query = select(ChargingSession.id).where(
        ChargingSession.payment_method_id == method_id, col(ChargingSession.state).not_in(FINAL)
    )
    return (await db.execute(query)).first() is not None
