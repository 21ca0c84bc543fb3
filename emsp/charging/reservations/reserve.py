"""A driver wants a charge point to be kept free, or does so no longer; the rest is `reserving`.

As with a start, a command's answer and what the charge point does are two things: until it has answered, or the time
is over, nobody is told that it is kept free or that it is not. That it looks free again to others means nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlmodel import col, or_, select

from emsp import clock, events
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.charging import ports
from emsp.charging.allowed.permission import permit
from emsp.charging.reservations.happened import ReservationGivenUp, ReservationRequested
from emsp.charging.reservations.read import locked, move
from emsp.charging.reservations.states import OPEN, ReservationState
from emsp.charging.tables import Reservation
from emsp.charging.ways import evse_to_reserve
from emsp.db.engine import Db
from emsp.errors import Invalid, NotFound, Refused
from emsp.stations.tables import Evse, Station
from emsp.stations.twins.ways import freshest_status

S = ReservationState
LONGEST = timedelta(hours=4)
SHOWN_FOR, MOST_SHOWN = timedelta(days=1), 50
TAKEN = ("CHARGING", "BLOCKED", "RESERVED")
BROKEN = ("INOPERATIVE", "OUTOFORDER", "PLANNED", "REMOVED")


async def request_reservation(
    db: Db, *, brand: Brand, driver: Driver, evse_id: int, until: datetime, idempotency_key: str
) -> Reservation:
    """Ask for a charge point to be kept free; the same idempotency key gives the same reservation.

    Where several partners publish it, one is asked over whom a charge may be started then; it is their EVSE that the
    reservation names.

    Raises Invalid naming `until`, and Refused with RESERVATION_NOT_POSSIBLE, NOT_AVAILABLE, ALREADY_RESERVED or what
    `permit` says.
    """
    asking = await db.get_one(Driver, driver.id, with_for_update=True)  # a driver's wishes are looked at one by one
    by_key = Reservation.driver_id == driver.id, Reservation.idempotency_key == idempotency_key
    if known := (await db.execute(select(Reservation).where(*by_key))).scalar_one_or_none():
        return known
    if not clock.now() < until <= clock.now() + LONGEST:
        raise Invalid("must be in the future and within four hours", "until")
    await _place(db, evse_id)
    await _refuse_second(db, driver.id)
    evse, station = await _place(db, await evse_to_reserve(db, brand, driver.id, evse_id))
    await _refuse_impossible(db, evse, station)
    await permit(db, brand=brand, driver=asking, station=station, evse=evse, connector=None, quote=None)
    reference = uuid4()
    reservation = Reservation(
        id=reference,
        brand_id=brand.id,
        driver_id=driver.id,
        partner_id=station.partner_id,
        station_id=evse.station_id,
        evse_id=evse.id or 0,
        idempotency_key=idempotency_key,
        state_reason="Taken on; the operator is being asked.",
        authorization_reference=reference.hex,
        token_uid=f"RES{reference.hex[:17].upper()}",
        expires_at=until.replace(microsecond=0),
    )
    db.add(reservation)
    await db.flush()
    await events.emit(db, ReservationRequested(reservation_id=reservation.id))
    return reservation


async def _place(db: Db, evse_id: int) -> tuple[Evse, Station]:
    evse = await db.get(Evse, evse_id)
    station = await db.get_one(Station, evse.station_id) if evse else None
    if evse is None or station is None or evse.removed or not station.shown:
        raise no_such_evse()
    return evse, station


def no_such_evse() -> Refused:
    """What is said of a charge point that is not there."""
    return Refused("EVSE_NOT_FOUND", "There is no such charge point.", "input", "evseId")


async def _refuse_impossible(db: Db, evse: Evse, station: Station) -> None:
    if "RESERVABLE" not in evse.capabilities:
        text = "This charge point cannot be reserved."
        raise Refused("RESERVATION_NOT_POSSIBLE", text, "input", "evseId")
    if not await ports.network().reachable(db, station.partner_id, station.country_code, station.party_id):
        text = "The operator of this charge point cannot be reached at the moment."
        raise Refused("RESERVATION_NOT_POSSIBLE", text, "input", "evseId")
    status, as_of = await freshest_status(db, evse.id or 0)
    if status in (*TAKEN, *BROKEN):
        text = f"This charge point is not free; its operator said so at {as_of:%H:%M} UTC."
        raise Refused("NOT_AVAILABLE", text, "input", "evseId")


async def _refuse_second(db: Db, driver_id: UUID) -> None:
    query = select(Reservation.id).where(
        Reservation.driver_id == driver_id, col(Reservation.state).in_(OPEN), Reservation.expires_at > clock.now()
    )
    if (await db.execute(query.limit(1))).first():
        raise Refused("ALREADY_RESERVED", "You have a reservation; cancel it first.", "input", "evseId")


async def request_cancel(db: Db, *, driver_id: UUID, reservation_id: UUID) -> Reservation:
    """Ask for a reservation to be given up; asking again, or after it ended, changes nothing. Raises NotFound."""
    reservation = await locked(db, reservation_id)
    if reservation.driver_id != driver_id:
        raise NotFound(f"reservation {reservation_id}")
    if reservation.state == S.REQUESTED and not reservation.command_attempts:
        await move(db, reservation, S.CANCELED, "You cancelled it before the operator was asked.")
    elif await move(db, reservation, S.CANCELING, "You cancelled it; the operator is being told."):
        await events.emit(db, ReservationGivenUp(reservation_id=reservation.id))
    return reservation


async def reservations_of(db: Db, driver_id: UUID) -> list[Reservation]:
    """A driver's reservations that are open, and those of the last day; the newest first."""
    lately = or_(col(Reservation.state).in_(OPEN), col(Reservation.created_at) > clock.now() - SHOWN_FOR)
    query = select(Reservation).where(Reservation.driver_id == driver_id, lately)
    return list(await db.scalars(query.order_by(col(Reservation.created_at).desc()).limit(MOST_SHOWN)))
