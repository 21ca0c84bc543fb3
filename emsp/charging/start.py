"""From a charge taken on to the operator's answer: secure the money, send the command, hear the result.

A command's answer and a session's existence are two things: until a session is seen, or the wait for it is
over, nobody is told that it started or that it failed.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from emsp import clock, events, jobs
from emsp.accounts.tables import Driver
from emsp.charging import ports
from emsp.charging.allowed.securing import hold_for
from emsp.charging.happened import PaymentSecured, StartedLate, StartFailed
from emsp.charging.lifecycle import STARTING, State
from emsp.charging.reservations import read as reservations
from emsp.charging.session import advance, locked, note, note_once
from emsp.charging.tables import ChargingSession
from emsp.db.engine import Db, transaction
from emsp.errors import Declined, Invalid, NotFound, PartnerAway, PartnerFailed, PartnerUnreachable, ProcessorFailed
from emsp.payments import balance, hold
from emsp.settings import settings
from emsp.stations.tables import Connector, Evse, Station

SECURE_WITHIN = timedelta(minutes=2)
ASKED_AGAIN_AFTER = timedelta(seconds=2)
ASKED_FOR = timedelta(seconds=15)
"""For so long an operator that cannot be reached at all is asked again before the start fails."""

OUTCOMES = {
    "REJECTED": "The operator refused the start.",
    "NOT_SUPPORTED": "This charge point cannot be started remotely.",
    "EVSE_OCCUPIED": "The charge point is occupied.",
    "EVSE_INOPERATIVE": "The charge point is out of order.",
    "FAILED": "The charge point could not start.",
    "UNKNOWN_LOCATION": "The operator does not know this charge point.",
    "CANCELED_RESERVATION": "The operator cancelled the reservation.",
}


async def secure_payment(session_id: UUID) -> None:
    """Job: make sure of the money for a requested charge, as its flow of payment asks for."""
    async with transaction() as db:
        session = await locked(db, session_id)
        if session.state != State.REQUESTED:
            return
        too_late = clock.now() - session.created_at > SECURE_WITHIN
    try:
        if too_late:
            raise Declined("timeout", "The payment could not be secured in time.")
        await hold_for(session_id)
    except Declined as declined:
        await _fail(session_id, f"The payment was not authorised: {declined.message}", source="PAYMENT")
        return
    except ProcessorFailed:
        await _note_once(session_id, "The card processor does not answer; trying again.")
        raise
    async with transaction() as db:
        session = await locked(db, session_id)
        if session.state == State.REQUESTED:
            await events.emit(db, PaymentSecured(session_id=session_id))


async def send_start(session_id: UUID) -> None:
    """Job: send the start command. Run again after a crash, it sends the same command once more."""
    async with transaction() as db:
        session = await locked(db, session_id)
        if session.state not in (State.REQUESTED, State.COMMAND_SENT):
            return
        session.command_attempts += 1
        await db.flush()
        await advance(db, session, State.COMMAND_SENT, "The operator is asked to start.")
        command = await _start_command(db, session)
    try:
        answer = await ports.network().start(command)
    except PartnerUnreachable:
        await _doubt(session_id, "The operator did not answer in time; a late start is still taken up.")
        return
    except PartnerAway as away:
        await _ask_again(session_id, f"The operator could not take the start: {away}")
        return
    except (PartnerFailed, NotFound, Invalid) as failed:
        await _refused(session_id, f"The operator could not take the start: {failed}")
        return
    if not answer.accepted:
        await _refused(session_id, answer.message or OUTCOMES.get(answer.outcome, OUTCOMES["REJECTED"]))
        return
    wait_s = answer.timeout_s or settings().command_timeout_s
    async with transaction() as db:
        await jobs.defer(db, doubt_start, after=timedelta(seconds=wait_s), session_id=session_id)


async def _ask_again(session_id: UUID, text: str) -> None:
    """Nothing reached the operator, so that this attempt does not count; after a while it is told to have failed."""
    async with transaction() as db:
        session = await locked(db, session_id)
        session.command_attempts -= 1
        asked_for = clock.now() - session.state_since
        if session.state == State.COMMAND_SENT and asked_for < ASKED_FOR:
            await note_once(db, session, "The operator cannot be reached; it is asked again.")
            await jobs.defer(db, send_start, after=ASKED_AGAIN_AFTER, session_id=session_id)
            return
    await _refused(session_id, text)


async def _start_command(db: Db, session: ChargingSession) -> ports.StartCommand:
    station, evse = await db.get_one(Station, session.station_id), await db.get_one(Evse, session.evse_id)
    connector, driver = await db.get_one(Connector, session.connector_id), await db.get_one(Driver, session.driver_id)
    return ports.StartCommand(
        session_id=session.id,
        partner_id=session.partner_id,
        country_code=station.country_code,
        party_id=station.party_id,
        driver_id=driver.id,
        authorization_reference=session.authorization_reference,
        token_uid=await reservations.token_for_start(db, session),
        language=driver.language,
        location_id=station.external_id,
        evse_uid=evse.uid,
        connector_id=connector.external_id,
    )


async def start_answered(db: Db, session_id: UUID, outcome: str, message: str | None) -> None:
    """The charge point's own answer to the start, however late."""
    session = await locked(db, session_id)
    if outcome == "ACCEPTED":
        await await_plug(db, session, "The charger is ready: plug in.")
    elif outcome == "TIMEOUT" or session.command_attempts > 1:
        await _into_doubt(db, session, "The charge point did not answer in time; a late start is still taken up.")
    else:
        text = OUTCOMES.get(outcome, f"The charge point answered {outcome}.")
        await _into_failure(db, session, f"{text} {message}" if message else text, source="OPERATOR")


async def await_plug(db: Db, session: ChargingSession, text: str) -> None:
    """The operator is ready, by its answer or by a session that is pending: wait for the plug, but not for ever."""
    if await advance(db, session, State.AWAITING_PLUG, text, source="OPERATOR"):
        wait = timedelta(seconds=settings().plug_in_wait_s)
        await jobs.defer(db, give_up_start, after=wait, session_id=session.id)


async def doubt_start(session_id: UUID) -> None:
    """Job: no result came within the time that the operator named."""
    await _doubt(session_id, "The charge point did not answer in time; a late start is still taken up.")


async def give_up_start(session_id: UUID) -> None:
    """Job: the wait for a session is over."""
    async with transaction() as db:
        session = await locked(db, session_id)
        waited_s = (clock.now() - session.state_since).total_seconds()
        if session.state == State.AWAITING_PLUG and waited_s >= settings().plug_in_wait_s:
            await _into_failure(db, session, "No car was plugged in, so the start was given up.")
        elif session.state == State.START_UNCONFIRMED and waited_s >= settings().unconfirmed_wait_s:
            await _into_failure(db, session, "The charge point never confirmed the start.")


async def _doubt(session_id: UUID, text: str) -> None:
    async with transaction() as db:
        await _into_doubt(db, await locked(db, session_id), text)


async def _into_doubt(db: Db, session: ChargingSession, text: str) -> None:
    if await advance(db, session, State.START_UNCONFIRMED, text):
        wait = timedelta(seconds=settings().unconfirmed_wait_s)
        await jobs.defer(db, give_up_start, after=wait, session_id=session.id)


async def _refused(session_id: UUID, text: str) -> None:
    """A refusal of a command that was sent before may only mean that the first one already works."""
    async with transaction() as db:
        session = await locked(db, session_id)
        if session.command_attempts > 1:
            await _into_doubt(db, session, text)
        else:
            await _into_failure(db, session, text, source="OPERATOR")


async def _fail(session_id: UUID, text: str, *, source: str) -> None:
    async with transaction() as db:
        await _into_failure(db, await locked(db, session_id), text, source=source)


async def _into_failure(db: Db, session: ChargingSession, text: str, *, source: str = "SYSTEM") -> None:
    """Only what did not begin yet can fail to start; what the operator has begun by then is to be stopped."""
    if session.state in STARTING and await advance(db, session, State.FAILED, text, source=source):
        await events.emit(db, StartFailed(session_id=session.id))
        if session.external_id:
            await events.emit(db, StartedLate(session_id=session.id))


async def release_hold(session_id: UUID) -> None:
    """Job: a start that failed gives back what was held or set apart for it, at once."""
    released = await hold.release(str(session_id))
    async with transaction() as db:
        session = await locked(db, session_id)
        free = await balance.release(db, str(session_id))
        if released:
            await note(db, session, f"The hold of {released} was released.", source="PAYMENT")
        if free:
            await note(db, session, f"The {free} of your balance is free again.", source="PAYMENT")


async def _note_once(session_id: UUID, text: str) -> None:
    async with transaction() as db:
        session = await locked(db, session_id)
        if session.state_reason != text:
            session.state_reason = text
            await note(db, session, text, source="PAYMENT")
