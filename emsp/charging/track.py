"""What the operator reports of a charge: sessions as they run, and the record at the end."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

import msgspec
from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from emsp import events, logs
from emsp.charging import bill
from emsp.charging.happened import RecordReceived, StartedLate, StartFailed
from emsp.charging.lifecycle import STARTING, State
from emsp.charging.record import Record, SessionReport
from emsp.charging.session import TOPIC, advance, note
from emsp.charging.tables import ChargeRecord, ChargingSession
from emsp.db.engine import Db
from emsp.pricing.tables import Quote
from emsp.stations.tables import Station

log = logs.log(__name__)


async def session_reported(db: Db, partner_id: UUID, report: SessionReport) -> UUID | None:
    """Take in a session as the operator has it. Gives our session's id, or None when it is not of ours."""
    session = await _ours(db, partner_id, report.external_id, report.authorization_reference, report.token_uid)
    if session is None:
        log.warning("a session that we did not start", partner=str(partner_id), session=report.external_id)
        return None
    if session.source_updated_at and report.updated_at < session.source_updated_at:
        return session.id
    session.external_id, session.external_key = report.external_id, report.external_id.casefold()
    session.source_updated_at = report.updated_at
    if report.status in ("ACTIVE", "COMPLETED"):
        await _measure(db, session, report)
    await db.flush()
    await _follow(db, session, report)
    await events.wake(db, TOPIC, [session.id])
    return session.id


async def _follow(db: Db, session: ChargingSession, report: SessionReport) -> None:
    if session.state == State.FAILED:
        if report.status == "ACTIVE" and session.stop_attempts == 0:
            await note(db, session, "It started after all; it is being stopped and not billed.", source="OPERATOR")
            await events.emit(db, StartedLate(session_id=session.id))
        return
    match report.status:
        case "PENDING":
            await advance(db, session, State.AWAITING_PLUG, "The operator prepares the charge.", source="OPERATOR")
        case "ACTIVE" if session.state in STARTING:
            await advance(db, session, State.CHARGING, "Charging.", source="OPERATOR")
        case "COMPLETED":
            await advance(db, session, State.ENDED, "The charge is over.", source="OPERATOR")
        case "INVALID":
            text = "The operator declared the session invalid; nothing is billed."
            if await advance(db, session, State.FAILED, text, source="OPERATOR"):
                await events.emit(db, StartFailed(session_id=session.id))


async def _measure(db: Db, session: ChargingSession, report: SessionReport) -> None:
    session.started_at = report.started_at
    session.ended_at = report.ended_at
    session.energy_wh = whole(report.energy_wh)
    session.power_w = report.power_w
    session.state_of_charge_percent = report.state_of_charge_percent
    quote, station = await db.get_one(Quote, session.quote_id), await db.get_one(Station, session.station_id)
    cost = bill.cost_so_far(quote, report, station.time_zone)
    session.cost_so_far_minor = cost.amount_minor if cost else None


async def record_received(db: Db, partner_id: UUID, record: Record) -> None:
    """Keep an operator's record of a charge; one that came before changes nothing. Settlement follows by job."""
    statement = (
        insert(ChargeRecord)
        .values(
            **ChargeRecord(
                partner_id=partner_id,
                country_code=record.country_code,
                party_id=record.party_id,
                external_id=record.external_id,
                external_key=record.external_id.casefold(),
                document=msgspec.to_builtins(record),
            ).model_dump()
        )
        .on_conflict_do_nothing()
        .returning(col(ChargeRecord.id))
    )
    record_id = (await db.execute(statement)).scalar_one_or_none()
    if record_id is None:
        return
    session = await _ours(db, partner_id, record.session_external_id, record.authorization_reference, record.token_uid)
    if session is None or record.credit:
        log.warning("a record that is not settled by itself", record=record.external_id, credit=record.credit)
        return
    row = await db.get_one(ChargeRecord, record_id)
    row.session_id = session.id
    await db.flush()
    await note(db, session, "The operator's record of the charge arrived.", source="OPERATOR")
    await _end(db, session, record)
    await events.emit(db, RecordReceived(record_id=record_id))


async def _end(db: Db, session: ChargingSession, record: Record) -> None:
    session.started_at, session.ended_at = record.started_at, record.ended_at
    session.energy_wh = whole(record.energy_wh)
    await db.flush()
    await advance(db, session, State.ENDED, "The charge is over.", source="OPERATOR")


async def _ours(
    db: Db, partner_id: UUID, external_id: str | None, reference: str | None, token_uid: str | None
) -> ChargingSession | None:
    """The session that is meant: by our reference, by the token unique to its start, or by the operator's id."""
    ways = []
    if reference:
        ways.append(col(ChargingSession.authorization_reference) == reference.lower())
    if token_uid:
        ways.append(col(ChargingSession.token_uid) == token_uid.upper())
    if external_id:
        ways.append(col(ChargingSession.external_key) == external_id.casefold())
    if not ways:
        return None
    query = (
        select(ChargingSession)
        .where(ChargingSession.partner_id == partner_id, or_(*ways))
        .order_by((col(ChargingSession.authorization_reference) == (reference or "").lower()).desc())
        .with_for_update()
    )
    return (await db.execute(query)).scalars().first()


def whole(value: Decimal) -> int:
    """Whole Wh for display, half up."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))
