"""One reservation's row: found, locked, and moved along its published life; and the charge that begins under it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlmodel import col, or_, select, update

from emsp import clock, logs
from emsp.charging.records.record import SessionReport
from emsp.charging.reservations.states import GOOD, ReservationState, before
from emsp.charging.session import note
from emsp.charging.tables import ChargingSession, Reservation
from emsp.db.engine import Db
from emsp.errors import NotFound

S = ReservationState
UNSURE = (S.REQUESTED, S.UNCONFIRMED)
log = logs.log(__name__)


async def known(db: Db, reservation_id: UUID) -> Reservation | None:
    """The reservation, locked until the transaction ends."""
    query = select(Reservation).where(Reservation.id == reservation_id).with_for_update()
    found: Reservation | None = (
        await db.execute(query, execution_options={"populate_existing": True})
    ).scalar_one_or_none()
    return found


async def locked(db: Db, reservation_id: UUID) -> Reservation:
    """As `known`. Raises NotFound."""
    found = await known(db, reservation_id)
    if found is None:
        raise NotFound(f"reservation {reservation_id}")
    return found


async def move(
    db: Db,
    reservation: Reservation,
    to: ReservationState,
    text: str,
    *,
    only: tuple[ReservationState, ...] | None = None,
) -> bool:
    """Move it to `to` if it may go there from where it is; `text` tells the driver why."""
    statement: Any = (
        update(Reservation)
        .where(col(Reservation.id) == reservation.id, col(Reservation.state).in_(only or before(to)))
        .values(state=to, state_reason=text, updated_at=clock.now())
        .returning(col(Reservation.id))
        .execution_options(synchronize_session=False)
    )
    moved = (await db.execute(statement)).scalar_one_or_none() is not None
    if moved:
        await db.refresh(reservation)
        log.info("reservation moved", reservation_id=str(reservation.id), state=to, reason=text)
    return moved


def until(reservation: Reservation) -> str:
    """Until when it is kept free, for people."""
    return f"{reservation.expires_at:%H:%M} UTC"


async def reported(db: Db, report: SessionReport) -> bool:
    """A reservation that the operator shows as a session without a charge; whether it is one of ours."""
    named = [col(Reservation.token_uid) == (report.token_uid or "").upper()]
    if report.authorization_reference:
        named.append(col(Reservation.authorization_reference) == report.authorization_reference.lower())
    query = select(Reservation.id).where(or_(*named))
    found = await db.scalar(query.limit(1))
    if found and report.status == "RESERVATION":
        reservation = await locked(db, found)
        await move(db, reservation, S.CONFIRMED, f"It is kept free for you until {until(reservation)}.", only=UNSURE)
    return found is not None


async def token_for_start(db: Db, session: ChargingSession) -> str:
    """The token that a start is sent with: that of the driver's reservation there, if there is one, else its own.

    Charge points let in whoever shows what they were reserved with; the start's own reference goes along.
    """
    query = select(Reservation).where(
        Reservation.driver_id == session.driver_id,
        Reservation.evse_id == session.evse_id,
        or_(
            Reservation.id == session.reservation_id,
            col(Reservation.state).in_(GOOD) & (col(Reservation.expires_at) > clock.now()),
        ),
    )
    kept = (await db.execute(query.order_by(col(Reservation.created_at).desc()).limit(1))).scalars().first()
    if kept is None:
        return session.token_uid
    session.reservation_id = kept.id
    await db.flush()
    return kept.token_uid


async def kept_free(db: Db, driver_id: UUID, evse_ids: Collection[int]) -> int | None:
    """Which of some EVSEs is kept free for the driver now."""
    query = select(Reservation.evse_id).where(
        Reservation.driver_id == driver_id,
        col(Reservation.evse_id).in_(evse_ids),
        col(Reservation.state).in_(GOOD),
        col(Reservation.expires_at) > clock.now(),
    )
    found: int | None = (await db.execute(query.order_by(col(Reservation.created_at).desc()).limit(1))).scalar()
    return found


async def begun(db: Db, session: ChargingSession) -> None:
    """A charge began; if the charge point was kept free for it, that has served its purpose."""
    if session.reservation_id is None:
        return
    reservation = await locked(db, session.reservation_id)
    if await move(db, reservation, S.USED, "You are charging."):
        await note(db, session, "Your reservation was used.")
