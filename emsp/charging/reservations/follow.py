"""A reservation and its operator: the command, its answer however late, giving it up, and the end of its time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from emsp import clock, events, jobs
from emsp.charging import ports
from emsp.charging.reservations.happened import ReservationGivenUp, ReservationRequested
from emsp.charging.reservations.read import known, locked, move, until
from emsp.charging.reservations.states import OPEN, ReservationState
from emsp.charging.tables import Reservation
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid, NotFound, PartnerFailed, PartnerUnreachable
from emsp.settings import settings
from emsp.stations.tables import Evse, Station

S = ReservationState
PATIENCE = timedelta(minutes=5)
NO_ANSWER = "The charge point did not answer in time; it may be kept free all the same."
REFUSALS = {
    "REJECTED": "The operator refused the reservation.",
    "NOT_SUPPORTED": "This charge point cannot be reserved.",
    "EVSE_OCCUPIED": "The charge point is occupied.",
    "EVSE_INOPERATIVE": "The charge point is out of order.",
    "FAILED": "The charge point could not be reserved.",
    "UNKNOWN_LOCATION": "The operator does not know this charge point.",
}


async def send_reservation(reservation_id: UUID) -> None:
    """Job: ask the operator to keep it free. Run again after a crash, it sends the same command once more."""
    async with transaction() as db:
        reservation = await locked(db, reservation_id)
        if reservation.state != S.REQUESTED:
            return
        reservation.command_attempts += 1
        wait = max(reservation.expires_at - clock.now(), timedelta())
        await jobs.defer(db, expire_reservation, after=wait, reservation_id=reservation_id)
        operator, place = await _place(db, reservation)
        command = ports.ReserveCommand(
            **operator,
            **place,
            reservation_id=reservation_id,
            driver_id=reservation.driver_id,
            authorization_reference=reservation.authorization_reference,
            token_uid=reservation.token_uid,
            expires_at=reservation.expires_at,
        )
    try:
        answer = await ports.network().reserve(command)
    except PartnerUnreachable:
        await _doubt(reservation_id)
        return
    except (PartnerFailed, NotFound, Invalid) as failed:
        await _answered(reservation_id, "REJECTED", f"The operator could not take the reservation: {failed}")
        return
    if not answer.accepted:
        await _answered(reservation_id, answer.outcome, answer.message)
        return
    wait_s = answer.timeout_s or settings().command_timeout_s
    async with transaction() as db:
        await jobs.defer(db, doubt_reservation, after=timedelta(seconds=wait_s), reservation_id=reservation_id)


async def _place(db: Db, reservation: Reservation) -> tuple[dict[str, Any], dict[str, Any]]:
    """Whom commands about it go to, and the place in the operator's words."""
    station, evse = await db.get_one(Station, reservation.station_id), await db.get_one(Evse, reservation.evse_id)
    party = {"country_code": station.country_code, "party_id": station.party_id}
    return {"partner_id": reservation.partner_id, **party}, {"location_id": station.external_id, "evse_uid": evse.uid}


async def reservation_answered(db: Db, reservation_id: UUID, outcome: str, message: str | None) -> None:
    """The charge point's own answer to a reservation, however late; or the operator gives it up after all."""
    reservation = await known(db, reservation_id)
    if reservation is None:
        return  # one of the support desk, which keeps none
    if outcome == "ACCEPTED":
        await move(db, reservation, S.CONFIRMED, f"It is kept free for you until {until(reservation)}.")
    elif outcome == "CANCELED_RESERVATION":
        await move(db, reservation, S.CANCELED, message or "The operator cancelled the reservation.")
    elif outcome == "TIMEOUT" or reservation.command_attempts > 1:
        await move(db, reservation, S.UNCONFIRMED, "The charge point did not answer; it may be kept free all the same.")
    else:
        await move(db, reservation, S.REFUSED, message or REFUSALS.get(outcome, "The operator refused."))


async def cancel_answered(db: Db, reservation_id: UUID, outcome: str, message: str | None) -> None:
    """The charge point's own answer to giving up a reservation."""
    reservation = await known(db, reservation_id)
    if reservation is None or reservation.state != S.CANCELING:
        return
    if outcome in ("ACCEPTED", "CANCELED_RESERVATION", "UNKNOWN_RESERVATION"):
        await move(db, reservation, S.CANCELED, "You cancelled it.")
    else:
        text = message or f"The operator did not take it back; it ends by itself at {until(reservation)}."
        await move(db, reservation, S.CONFIRMED, text)


async def _answered(reservation_id: UUID, outcome: str, message: str | None) -> None:
    async with transaction() as db:
        await reservation_answered(db, reservation_id, outcome, message)


async def doubt_reservation(reservation_id: UUID) -> None:
    """Job: no result came within the time that the operator named."""
    await _doubt(reservation_id)


async def _doubt(reservation_id: UUID) -> None:
    async with transaction() as db:
        await move(db, await locked(db, reservation_id), S.UNCONFIRMED, NO_ANSWER)


async def send_cancel(reservation_id: UUID) -> None:
    """Job: tell the operator that it is given up; harmless when told twice."""
    async with transaction() as db:
        reservation = await locked(db, reservation_id)
        if reservation.state != S.CANCELING:
            return
        operator, _ = await _place(db, reservation)
        command = ports.CancelReservationCommand(
            **operator, reservation_id=reservation_id, driver_id=reservation.driver_id
        )
    try:
        answer = await ports.network().cancel_reservation(command)
    except PartnerUnreachable:
        raise  # it is told again
    except (PartnerFailed, NotFound, Invalid) as failed:
        await _cancel_answered(reservation_id, "FAILED", str(failed))
        return
    if not answer.accepted:
        await _cancel_answered(reservation_id, answer.outcome, answer.message)


async def _cancel_answered(reservation_id: UUID, outcome: str, message: str | None) -> None:
    async with transaction() as db:
        await cancel_answered(db, reservation_id, outcome, message)


async def expire_reservation(reservation_id: UUID) -> None:
    """Job: its time is over."""
    async with transaction() as db:
        reservation = await locked(db, reservation_id)
        if reservation.expires_at <= clock.now():
            await move(db, reservation, S.EXPIRED, f"Its time was over at {until(reservation)}.")


async def tend_reservations() -> None:
    """Job: a net under the others: what should have ended long ago, or was never sent."""
    now, state = clock.now(), col(Reservation.state)
    over = select(Reservation.id).where(state.in_(OPEN), Reservation.expires_at < now)
    stuck = select(Reservation.id).where(state.in_((S.REQUESTED, S.CANCELING)), Reservation.updated_at < now - PATIENCE)
    async with transaction() as db:
        for reservation_id in (await db.execute(over)).scalars().all():
            await jobs.defer(db, expire_reservation, reservation_id=reservation_id)
        for reservation_id in (await db.execute(stuck.where(Reservation.expires_at >= now))).scalars().all():
            reservation = await locked(db, reservation_id)
            reservation.updated_at = now
            was_asked = reservation.state == S.CANCELING
            event = ReservationGivenUp if was_asked else ReservationRequested
            await events.emit(db, event(reservation_id=reservation_id))
