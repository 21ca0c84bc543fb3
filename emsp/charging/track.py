"""What the operator reports of a charge: sessions as they run, and the record at the end."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import col, select

from emsp import clock, events, logs
from emsp.charging.billing import bill, raising
from emsp.charging.happened import RecordReceived, StartedLate, StartFailed
from emsp.charging.lifecycle import OPEN, STARTING, State
from emsp.charging.records import keep, matching
from emsp.charging.records.checking import seen
from emsp.charging.records.record import Record, SessionReport
from emsp.charging.reservations import read as reservations
from emsp.charging.session import TOPIC, advance, note
from emsp.charging.start import await_plug
from emsp.charging.tables import ChargeRecord, ChargingSession
from emsp.db.engine import Db
from emsp.pricing.tables import Quote
from emsp.stations.tables import Station

STOP_AGAIN_AFTER = timedelta(minutes=10)
STOPS_WITHIN = timedelta(minutes=2)
ARRIVED = "The operator's record of the charge arrived."
STEPS = {"PENDING": 0, "ACTIVE": 1, "COMPLETED": 2}
log = logs.log(__name__)


async def session_reported(db: Db, partner_id: UUID, report: SessionReport) -> UUID | None:
    """Take in a session as the operator has it. Gives our session's id, or None when it is not of ours.

    What is older than what we have changes nothing, nor does anything that comes after the record of the charge.
    """
    session = await matching.of_report(db, partner_id, report)
    if session is None:
        if not await reservations.reported(db, report):
            log.warning("a session that is not of ours", partner=str(partner_id), session=report.external_id)
        return None
    if _is_older(session, report) or await _is_recorded(db, session):
        return session.id
    _name(session, report.external_id)
    session.source_updated_at = max(filter(None, [session.source_updated_at, report.updated_at]))
    if report.status in ("ACTIVE", "COMPLETED"):
        await _measure(db, session, report)
        await db.flush()
        await raising.cost_grew(db, session)
        await reservations.begun(db, session)
    await db.flush()
    await _follow(db, session, report)
    await events.wake(db, TOPIC, [session.id])
    return session.id


def _is_older(session: ChargingSession, report: SessionReport) -> bool:
    """Whether the report is dated before what we have and says nothing that must have come after it.

    Some clocks run backwards; a charge goes on only: from pending to active to completed, with ever more energy.
    """
    if session.source_updated_at is None or report.updated_at >= session.source_updated_at:
        return False
    step = 0 if session.state in STARTING else 1 if session.state in (State.CHARGING, State.STOPPING) else 2
    told = (STEPS.get(report.status, -1), whole(report.energy_wh))
    return told <= (step, session.energy_wh)


def _name(session: ChargingSession, external_id: str) -> None:
    session.external_id, session.external_key = external_id, external_id.casefold()


async def _follow(db: Db, session: ChargingSession, report: SessionReport) -> None:
    if session.state == State.FAILED and report.status in ("PENDING", "ACTIVE"):
        await _refuse_late(db, session)
    if session.state not in OPEN:
        return
    match report.status:
        case "PENDING":
            await await_plug(db, session, "The operator prepares the charge.")
        case "ACTIVE" if session.state in STARTING:
            await advance(db, session, State.CHARGING, "Charging.", source="OPERATOR")
        case "ACTIVE" if session.state == State.STOPPING:
            await _runs_on(db, session)
        case "COMPLETED":
            await advance(db, session, State.ENDED, "The charge is over.", source="OPERATOR")
        case "INVALID":
            text = "The operator declared the session invalid; nothing is billed."
            if await advance(db, session, State.FAILED, text, source="OPERATOR"):
                await events.emit(db, StartFailed(session_id=session.id))


async def _runs_on(db: Db, session: ChargingSession) -> None:
    """A stop that has had no effect for a while: the driver is to know, and may ask again."""
    if session.stop_requested_at and clock.now() - session.stop_requested_at >= STOPS_WITHIN:
        text = "It still charges although you asked to stop; ask again, or unplug."
        await advance(db, session, State.CHARGING, text, source="OPERATOR")


async def _refuse_late(db: Db, session: ChargingSession) -> None:
    """Stop what runs although it was given up; again after a while, should it run on."""
    now = clock.now()
    if session.stop_requested_at and now - session.stop_requested_at < STOP_AGAIN_AFTER:
        return
    session.stop_requested_at = now
    await note(db, session, "It started after all; it is being stopped and not billed.", source="OPERATOR")
    await events.emit(db, StartedLate(session_id=session.id))


async def _measure(db: Db, session: ChargingSession, report: SessionReport) -> None:
    session.started_at = report.started_at
    session.ended_at = report.ended_at
    session.energy_wh = whole(report.energy_wh)
    session.power_w = report.power_w
    session.state_of_charge_percent = report.state_of_charge_percent
    agreed = {"quote_id": session.quote_id, "station_id": session.station_id}
    quote, time_zone = (await db.execute(_AGREED, agreed)).one()
    cost = bill.cost_so_far(quote, report, time_zone)
    session.cost_so_far_minor = cost.amount_minor if cost else None


_AGREED = (
    select(Quote, Station.time_zone)
    .join(Station, col(Station.id) == bindparam("station_id"))
    .where(col(Quote.id) == bindparam("quote_id"))
)
"""By which a running charge is priced."""


async def record_received(db: Db, partner_id: UUID, record: Record) -> None:
    """Keep an operator's record of a charge, every content that it sends under its id, and let a job settle it.

    The first record is billed; what comes after it (a credit, the same record changed, another one) is the reason
    for a correction. The same again is nothing.
    """
    known = await keep.revisions(db, partner_id, record)
    row = await keep.keep(db, partner_id, record, known)
    if row is None:
        return
    session = await keep.whose(db, partner_id, record, known)
    if session is None:
        log.warning("a record of a charge that is not of ours", record=record.external_id, credit=record.credit)
        return
    await take_record(db, session, row, record)


async def take_record(db: Db, session: ChargingSession, row: ChargeRecord, record: Record) -> None:
    """A record that was kept is of this charge: it is over, and a job bills it."""
    is_first = not await _is_recorded(db, session)
    row.verification = seen(session) if is_first else await keep.seen_before(db, session)
    row.session_id = session.id
    await note(db, session, _told(record, row, is_first), source="OPERATOR")
    await keep.adopt_credits(db, session, row)
    if is_first and not record.credit:
        await _end(db, session, record)
    await events.emit(db, RecordReceived(record_id=row.id))


def _told(record: Record, row: ChargeRecord, is_first: bool) -> str:
    if record.credit:
        return keep.CREDITED
    if row.revision > 1:
        return "The operator sent its record of this charge again with another content."
    return ARRIVED if is_first else "The operator sent another record of this charge."


async def _is_recorded(db: Db, session: ChargingSession) -> bool:
    """Whether there is a record of it; a credit alone is none."""
    return bool(await db.scalar(_RECORDS, {"session_id": session.id}))


_RECORDS = (
    select(ChargeRecord.id)
    .where(
        col(ChargeRecord.session_id) == bindparam("session_id"),
        col(ChargeRecord.document)["credit"].as_boolean().is_(False),
    )
    .limit(1)
)


async def _end(db: Db, session: ChargingSession, record: Record) -> None:
    """A charge that has a record is over."""
    if record.session_external_id and session.external_key is None:
        _name(session, record.session_external_id)
    session.started_at, session.ended_at = record.started_at, record.ended_at
    session.energy_wh = whole(record.energy_wh)
    await db.flush()
    if session.state in OPEN:
        await advance(db, session, State.ENDED, "The charge is over.", source="OPERATOR")


def whole(value: Decimal) -> int:
    """Whole Wh for display, half up."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))
