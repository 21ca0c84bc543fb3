"""What the support desk may ask of operators: unlock, reserve, and steer a session that runs. Drivers may not."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlmodel import col, select

from emsp.charging import ports
from emsp.charging.ports import CommandAnswer, Limits
from emsp.charging.tables import ChargingSession
from emsp.db.engine import Db, transaction
from emsp.errors import NotFound, Refused
from emsp.stations import words
from emsp.stations.tables import Connector, Evse, Station

PREFERENCES, PROFILES = "CHARGING_PREFERENCES_CAPABLE", "CHARGING_PROFILE_CAPABLE"


class Spot(NamedTuple):
    """One connector of a charge point, and where it is."""

    station: Station
    evse: Evse
    connector: Connector

    @property
    def operator(self) -> dict[str, Any]:
        """Whom commands for it go to."""
        return {
            "partner_id": self.station.partner_id,
            "country_code": self.station.country_code,
            "party_id": self.station.party_id,
        }


async def spot(named: str, connector: str | None = None) -> Spot:
    """The place of a charging session, or a charge point by its EVSE id or our number of it.

    `connector` is the operator's id of it; without one it is that of the session, or the first. Raises NotFound.
    """
    place = (
        select(Station, Evse, Connector)
        .join(Evse, col(Evse.station_id) == Station.id)
        .join(Connector, col(Connector.evse_id) == Evse.id)
        .order_by(col(Connector.removed), col(Connector.position), col(Connector.id))
        .limit(1)
    )
    if connector:
        place = place.where(col(Connector.external_key) == connector.casefold())
    async with transaction() as db:
        found = (await db.execute(place.where(await _condition(db, named, connector)))).first()
    if found is None:
        raise NotFound(
            f"there is no charge point {named!r}" + (f" with a connector {connector!r}" if connector else "")
        )
    return Spot(*found)


async def _condition(db: Db, named: str, connector: str | None) -> Any:
    if named.isdecimal() and len(named) <= 18:
        return col(Evse.id) == int(named)
    try:
        session = await _session(db, UUID(named))
    except ValueError:
        return (col(Evse.evse_key) == words.evse_key(named)) & ~col(Evse.removed)
    return col(Evse.id) == session.evse_id if connector else col(Connector.id) == session.connector_id


async def _session(db: Db, session_id: UUID) -> ChargingSession:
    session = await db.get(ChargingSession, session_id)
    if session is None:
        raise NotFound(f"there is no charging session {session_id}")
    return session


async def unlock(at: Spot) -> tuple[UUID, CommandAnswer]:
    """Let go of a cable that is stuck; the id of the wish, and the operator's first answer. Raises PartnerFailed."""
    command = ports.UnlockCommand(
        **at.operator,
        request_id=uuid4(),
        location_id=at.station.external_id,
        evse_uid=at.evse.uid,
        connector_id=at.connector.external_id,
    )
    return command.request_id, await ports.network().unlock(command)


async def reserve(
    at: Spot, driver_id: UUID, until: datetime, reservation_id: UUID | None = None
) -> tuple[UUID, CommandAnswer]:
    """Keep a charge point free for a driver; with the id of a reservation, change that. Raises PartnerFailed."""
    reservation_id = reservation_id or uuid4()
    command = ports.ReserveCommand(
        **at.operator,
        reservation_id=reservation_id,
        driver_id=driver_id,
        authorization_reference=reservation_id.hex,
        token_uid=f"RES{reservation_id.hex[:17].upper()}",
        expires_at=until,
        location_id=at.station.external_id,
        evse_uid=at.evse.uid,
    )
    return reservation_id, await ports.network().reserve(command)


async def cancel_reservation(at: Spot, driver_id: UUID, reservation_id: UUID) -> CommandAnswer:
    """Give up a reservation. Raises PartnerFailed."""
    command = ports.CancelReservationCommand(**at.operator, reservation_id=reservation_id, driver_id=driver_id)
    return await ports.network().cancel_reservation(command)


async def prefer(
    session_id: UUID,
    *,
    profile: str,
    departure_at: datetime | None = None,
    energy_need_wh: int | None = None,
    discharge_allowed: bool = False,
) -> CommandAnswer:
    """Tell the operator what the driver of a running session wishes. Raises NotFound, Refused, PartnerFailed."""
    running = await _running(session_id, PREFERENCES)
    command = ports.PreferencesCommand(
        **running,
        profile=profile,
        departure_at=departure_at,
        energy_need_wh=energy_need_wh,
        discharge_allowed=discharge_allowed,
    )
    return await ports.network().prefer(command)


async def limit(session_id: UUID, limits: Limits | None) -> CommandAnswer:
    """Limit what a running session draws, or take the limits back. Raises NotFound, Refused, PartnerFailed."""
    command = ports.ProfileCommand(**await _running(session_id, PROFILES), limits=limits)
    return await ports.network().limit(command)


async def show_limits(session_id: UUID, duration_s: int) -> CommandAnswer:
    """Ask what limits a running session will be under. Raises NotFound, Refused, PartnerFailed."""
    command = ports.ShowProfileCommand(**await _running(session_id, PROFILES), duration_s=duration_s)
    return await ports.network().show_limits(command)


async def _running(session_id: UUID, capability: str) -> dict[str, Any]:
    """What every command about a running session says. Raises Refused where the charge point cannot do it."""
    async with transaction() as db:
        session = await _session(db, session_id)
        evse, station = await db.get_one(Evse, session.evse_id), await db.get_one(Station, session.station_id)
    if session.external_id is None or session.ended_at is not None:
        raise Refused("NOT_CHARGING", f"The session does not run; it is {session.state}.")
    if capability not in evse.capabilities:
        raise Refused("NOT_SUPPORTED", f"The charge point {evse.evse_id or evse.uid} does not say {capability}.")
    return {
        "partner_id": session.partner_id,
        "country_code": station.country_code,
        "party_id": station.party_id,
        "session_id": session.id,
        "driver_id": session.driver_id,
        "external_session_id": session.external_id,
    }
