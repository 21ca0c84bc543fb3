"""From the driver's "stop" to the operator's answer. The charge itself ends when the operator says it did."""

from __future__ import annotations

from uuid import UUID

from emsp import clock, events
from emsp.charging import ports
from emsp.charging.happened import StopRequested
from emsp.charging.lifecycle import State
from emsp.charging.session import advance, locked, note
from emsp.charging.tables import ChargingSession
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid, NotFound, PartnerFailed, PartnerUnreachable, Refused
from emsp.stations.tables import Station

OVER = (State.ENDED, State.SETTLED, State.PAYMENT_DUE, State.IN_REVIEW)


async def request_stop(db: Db, *, driver_id: UUID, session_id: UUID) -> ChargingSession:
    """Ask for the end of a running charge; asking again, or after it ended, changes nothing."""
    session = await locked(db, session_id)
    if session.driver_id != driver_id:
        raise NotFound(f"charging session {session_id}")
    if session.state == State.STOPPING or session.state in OVER:
        return session
    if session.state != State.CHARGING:
        raise Refused("NOT_CHARGING", "There is no running charge to stop yet.", "sessionId")
    session.stop_requested_at = clock.now()
    await db.flush()
    await advance(db, session, State.STOPPING, "You asked to stop.", source="DRIVER")
    await events.emit(db, StopRequested(session_id=session.id))
    return session


async def send_stop(session_id: UUID) -> None:
    """Job: send the stop command; harmless when sent twice."""
    async with transaction() as db:
        session = await locked(db, session_id)
        if session.state not in (State.STOPPING, State.FAILED) or not session.external_id:
            return
        session.stop_attempts += 1
        station = await db.get_one(Station, session.station_id)
        command = ports.StopCommand(
            driver_id=session.driver_id,
            session_id=session.id,
            partner_id=session.partner_id,
            country_code=station.country_code,
            party_id=station.party_id,
            external_session_id=session.external_id,
        )
    try:
        answer = await ports.network().stop(command)
    except PartnerUnreachable:
        await _note(session_id, "The operator does not answer; asking again.")
        raise
    except (PartnerFailed, NotFound, Invalid) as failed:
        await _still_charging(session_id, f"The operator could not take the stop: {failed}")
        return
    if answer.outcome == "UNKNOWN_SESSION":
        await _note(session_id, "The operator does not know this charge any more; unplug if it still runs.")
    elif not answer.accepted:
        await _still_charging(session_id, answer.message or "The operator refused the stop; unplug to end the charge.")


async def stop_answered(db: Db, session_id: UUID, outcome: str, message: str | None) -> None:
    """The charge point's own answer to the stop."""
    session = await locked(db, session_id)
    if outcome == "ACCEPTED":
        await note(db, session, "The charge point is stopping.", source="OPERATOR")
    else:
        text = message or "The charge point did not stop; unplug to end the charge."
        await advance(db, session, State.CHARGING, text, source="OPERATOR")


async def _still_charging(session_id: UUID, text: str) -> None:
    async with transaction() as db:
        await advance(db, await locked(db, session_id), State.CHARGING, text, source="OPERATOR")


async def _note(session_id: UUID, text: str) -> None:
    async with transaction() as db:
        await note(db, await locked(db, session_id), text)
