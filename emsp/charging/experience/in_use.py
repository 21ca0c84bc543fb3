"""Where our drivers charge now, told to the map."""

from __future__ import annotations

from sqlmodel import col, select

from emsp.charging.lifecycle import State
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.stations.history import in_use
from emsp.stations.history.in_use import Running


async def follow_charges() -> None:
    """Job: a charge point at which a driver of ours charges is not free, whatever a feed says that is older."""
    query = select(ChargingSession).where(col(ChargingSession.state).in_((State.CHARGING, State.STOPPING)))
    async with transaction() as db:
        charges = [
            Running(
                charge_id=session.id,
                evse_id=session.evse_id,
                since=session.started_at or session.state_since,
                heard_at=session.source_updated_at or session.state_since,
            )
            for session in await db.scalars(query)
        ]
        await in_use.follow(db, charges)
