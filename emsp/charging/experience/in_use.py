"""Where our drivers charge now, told to the map."""

from __future__ import annotations

from sqlalchemy import func
from sqlmodel import col, select

from emsp.charging.lifecycle import State
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.stations.history import in_use
from emsp.stations.history.in_use import Running


async def follow_charges() -> None:
    """Job: a charge point at which a driver of ours charges is not free, whatever a feed says that is older."""
    begun_at = func.coalesce(ChargingSession.started_at, ChargingSession.state_since)
    heard_at = func.coalesce(ChargingSession.source_updated_at, ChargingSession.state_since)
    query = select(ChargingSession.id, ChargingSession.evse_id, begun_at, heard_at).where(
        col(ChargingSession.state).in_((State.CHARGING, State.STOPPING))
    )
    async with transaction() as db:
        charges = [
            Running(charge_id=charge_id, evse_id=evse_id, since=since, heard_at=heard_at)
            for charge_id, evse_id, since, heard_at in await db.execute(query)
        ]
        await in_use.follow(db, charges)
