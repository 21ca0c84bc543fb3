"""One plug-in is one charge, whatever was held to the charge point, and however many sessions an operator has of it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, func, or_, select

from emsp import clock
from emsp.charging.lifecycle import State
from emsp.charging.records.plausible import EARLY
from emsp.charging.records.record import Record, SessionReport
from emsp.charging.session import note, note_once
from emsp.charging.tables import ChargeRecord, ChargingSession
from emsp.db.engine import Db
from emsp.errors import Invalid
from emsp.stations.twins.ways import evses_like

STARTING = (State.REQUESTED, State.COMMAND_SENT, State.AWAITING_PLUG, State.START_UNCONFIRMED)
RUNNING = (State.CHARGING, State.STOPPING)
APART = timedelta(minutes=1)
"""Charges that share no more than this follow one another; clocks differ."""
BY_TOKEN = "It was started at the charge point; it is the charge that you asked for."
BY_ANOTHER = "Another partner reports this charge as well; it is billed once."
SECOND = "The operator has a second session of the same time here, {}; it is not billed."


async def same_plug_in(db: Db, driver_id: UUID, evse_id: int, said: SessionReport | Record) -> ChargingSession | None:
    """A charge of the driver's at the same charge point and time, or their start that waits there; locked.

    The charge point is the same whichever partner publishes it.
    """
    begun = func.coalesce(col(ChargingSession.started_at), col(ChargingSession.created_at))
    until = func.coalesce(col(ChargingSession.ended_at), clock.now())
    waits = col(ChargingSession.state).in_(STARTING) & (col(ChargingSession.created_at) <= said.started_at + EARLY)
    lasted = (
        col(ChargingSession.state).not_in((*STARTING, State.FAILED))
        & (begun + APART < (said.ended_at or clock.now()))
        & (until - APART > said.started_at)
    )
    ways: list[ColumnElement[bool]] = [waits, lasted]
    if isinstance(said, SessionReport) and said.status == "ACTIVE":
        ways.append(col(ChargingSession.state).in_(RUNNING))
    query = select(ChargingSession).where(
        ChargingSession.driver_id == driver_id,
        col(ChargingSession.evse_id).in_(await evses_like(db, evse_id, sure=True)),
        or_(*ways),
    )
    newest = query.order_by(col(ChargingSession.created_at).desc()).limit(1).with_for_update()
    found: ChargingSession | None = (
        await db.execute(newest, execution_options={"populate_existing": True})
    ).scalar_one_or_none()
    return found


async def joined(
    db: Db, charge: ChargingSession, partner_id: UUID, token_id: UUID, said: SessionReport | Record
) -> ChargingSession | None:
    """`charge`, if what is said is of it; None for a second session of a plug-in that is billed by the first one.

    Raises Invalid for a session that cannot be told yet: the charge there is still to be started, or to be ended.
    """
    if charge.partner_id != partner_id:
        await _hear_another_partner(db, charge, said)
        return None
    if charge.external_key is None and charge.state != State.REQUESTED:
        if charge.charge_token_id is None:
            charge.charge_token_id = token_id
            await note(db, charge, BY_TOKEN, source="OPERATOR")
        return charge
    if isinstance(said, Record):
        return await _of_record(db, charge, said)
    if charge.state in (*STARTING, *RUNNING):
        raise Invalid("another charge of the same driver is open at this charge point", "evse_uid")
    await note_once(db, charge, SECOND.format(said.external_id), source="OPERATOR")
    return None


async def _hear_another_partner(db: Db, charge: ChargingSession, said: SessionReport | Record) -> None:
    """A charge is billed by the partner over whom it goes. While that one is still to start, nothing is known yet."""
    if charge.state not in STARTING:
        await told_by_another(db, charge)
    elif isinstance(said, SessionReport):
        raise Invalid("a start over another partner waits at this charge point", "evse_uid")


async def told_by_another(db: Db, charge: ChargingSession) -> None:
    """A partner over whom the charge does not go speaks of it."""
    await note_once(db, charge, BY_ANOTHER, source="OPERATOR")


async def _of_record(db: Db, charge: ChargingSession, record: Record) -> ChargingSession | None:
    """A record that names no session is of the charge that it lasted with, unless that one has a record."""
    recorded = select(ChargeRecord.id).where(ChargeRecord.session_id == charge.id)
    if charge.state == State.REQUESTED:
        return None
    if record.session_external_id is None and (await db.execute(recorded.limit(1))).first() is None:
        return charge
    await note_once(db, charge, SECOND.format(record.session_external_id or record.external_id), source="OPERATOR")
    return None
