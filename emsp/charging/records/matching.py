"""Which of our charges an operator speaks of: by our reference, by the token of its start, by the operator's own id.

Some operators send neither a reference nor a token. Then the place decides, where it leaves no choice: exactly one
charge of ours at that charge point can be meant. What names a card or a contract of ours, and no charge that we know,
was begun by that card. What another partner says of a charge than the one over whom it goes is heard, and not billed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, false, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, func, select

from emsp import clock, logs
from emsp.charging.elsewhere import adopt as foreign
from emsp.charging.elsewhere import plug_ins
from emsp.charging.lifecycle import OPEN, State
from emsp.charging.records.plausible import EARLY
from emsp.charging.records.record import Record, SessionReport
from emsp.charging.session import note
from emsp.charging.tables import ChargeRecord, ChargingSession, Reservation
from emsp.db.engine import Db
from emsp.stations import words
from emsp.stations.tables import Evse, Station

WAITING = (State.COMMAND_SENT, State.AWAITING_PLUG, State.START_UNCONFIRMED)
BEGUN = (State.CHARGING, State.STOPPING, State.ENDED)
LATE = timedelta(hours=2)
"""How long after a start has failed a charge that names nobody may be that start."""
CLOCKS = timedelta(minutes=2)
BY_PLACE = "The operator does not say whose charge this is; it was matched by its place and time."
log = logs.log(__name__)


async def of_report(db: Db, partner_id: UUID, report: SessionReport) -> ChargingSession | None:
    """Our session, locked, that the partner's session is of."""
    named = await _named(db, partner_id, report, report.external_id)
    if named is None and await _goes_over_another(db, partner_id, report):
        return None
    placed = named or await _placed(db, partner_id, report, or_(_waits_for(report), _failed_before(report)))
    return placed or await foreign.adopt(db, partner_id, report)


async def of_record(db: Db, partner_id: UUID, record: Record) -> ChargingSession | None:
    """Our session, locked, that the partner's record is of; a credit's is that of the record which it takes back."""
    named = await _named(db, partner_id, record, record.session_external_id)
    if named or record.credit:
        return named or await _credited(db, partner_id, record)
    if await _goes_over_another(db, partner_id, record):
        return None
    placed = await _placed(db, partner_id, record, or_(_waits_for(record), _lasted_during(record)))
    return placed or await foreign.adopt(db, partner_id, record)


async def _named(
    db: Db, partner_id: UUID, said: SessionReport | Record, external_id: str | None
) -> ChargingSession | None:
    """A reference of ours wins over the token, and both over the operator's id, which is unique in its party only."""
    ways = _by_name(said)
    if (under := _reservation(said)) is not None:
        ways["reservation"] = col(ChargingSession.reservation_id).in_(select(Reservation.id).where(under))
    if external_id:
        ways["id"] = and_(col(ChargingSession.external_key) == external_id.casefold(), *_of_party(said))
    if not ways:
        return None
    rank = case(*((way, number) for number, way in enumerate(ways.values())))
    query = _sessions(partner_id).add_columns(rank).where(or_(*ways.values()))
    newest = query.order_by(rank, col(ChargingSession.created_at).desc()).limit(1)
    found = (await db.execute(newest, execution_options={"populate_existing": True})).first()
    if found is None:
        return None
    session: ChargingSession = found[0]
    log.debug("matched", session_id=str(session.id), by=list(ways)[found[1]], document=said.external_id)
    return session


async def _goes_over_another(db: Db, partner_id: UUID, said: SessionReport | Record) -> bool:
    """Whether it names a charge of ours that goes over another partner, as hubs and operators may both report it."""
    ways = _by_name(said)
    if not ways:
        return False
    query = select(ChargingSession).where(ChargingSession.partner_id != partner_id, or_(*ways.values()))
    session: ChargingSession | None = (await db.execute(query.limit(1))).scalar_one_or_none()
    if session is None:
        return False
    log.warning("told by another partner", session_id=str(session.id), document=said.external_id)
    await plug_ins.told_by_another(db, session)
    return True


def _by_name(said: SessionReport | Record) -> dict[str, ColumnElement[bool]]:
    """What is unique to a start: our reference, and its token."""
    ways: dict[str, ColumnElement[bool]] = {}
    if said.authorization_reference:
        ways["reference"] = col(ChargingSession.authorization_reference) == said.authorization_reference.lower()
    if said.token_uid:
        ways["token"] = col(ChargingSession.token_uid) == said.token_uid.upper()
    return ways


def _reservation(said: SessionReport | Record) -> ColumnElement[bool] | None:
    """The reservation that a charge is under: a start travels with its token. The reservation alone is no charge."""
    is_charge = said.energy_wh > 0 or (isinstance(said, SessionReport) and said.status in ("PENDING", "ACTIVE"))
    named: list[ColumnElement[bool]] = []
    if said.authorization_reference:
        named.append(col(Reservation.authorization_reference) == said.authorization_reference.lower())
    if said.token_uid:
        named.append(col(Reservation.token_uid) == said.token_uid.upper())
    return or_(*named) if named and is_charge else None


async def _placed(
    db: Db, partner_id: UUID, said: SessionReport | Record, fits: ColumnElement[bool]
) -> ChargingSession | None:
    """The only one at the charge point that fits, of a document that names nobody; the timeline says so."""
    if said.authorization_reference or said.token_uid or not (said.location_id and said.evse_uid):
        return None
    query = _sessions(partner_id).where(
        *_of_party(said),
        Station.external_key == words.key(said.location_id),
        Evse.uid_key == words.key(said.evse_uid),
        fits,
    )
    found = (await db.execute(query.limit(2), execution_options={"populate_existing": True})).scalars().all()
    if len(found) != 1:
        log.warning("not matched by place", candidates=len(found), evse=said.evse_uid, document=said.external_id)
        return None
    session: ChargingSession = found[0]
    log.info("matched", session_id=str(session.id), by="place", evse=said.evse_uid, document=said.external_id)
    await note(db, session, BY_PLACE)
    return session


async def _credited(db: Db, partner_id: UUID, credit: Record) -> ChargingSession | None:
    if not credit.credits_external_id:
        return None
    query = (
        _sessions(partner_id)
        .join(ChargeRecord, col(ChargeRecord.session_id) == col(ChargingSession.id))
        .where(
            ChargeRecord.partner_id == partner_id,
            ChargeRecord.country_code == credit.country_code,
            ChargeRecord.party_id == credit.party_id,
            ChargeRecord.external_key == credit.credits_external_id.casefold(),
        )
    )
    found: ChargingSession | None = (await db.execute(query)).scalars().first()
    return found


def _sessions(partner_id: UUID) -> Any:
    return (
        select(ChargingSession)
        .join(Evse, col(Evse.id) == col(ChargingSession.evse_id))
        .join(Station, col(Station.id) == col(ChargingSession.station_id))
        .where(ChargingSession.partner_id == partner_id)
        .with_for_update(of=ChargingSession)
    )


def _of_party(said: SessionReport | Record) -> list[ColumnElement[bool]]:
    return [col(Station.country_code) == said.country_code, col(Station.party_id) == said.party_id]


def _waits_for(said: SessionReport | Record) -> ColumnElement[bool]:
    """A start that the operator has no session of yet, asked for before the charge began."""
    return and_(
        col(ChargingSession.state).in_(WAITING),
        col(ChargingSession.external_key).is_(None),
        col(ChargingSession.created_at) <= said.started_at + EARLY,
    )


def _failed_before(report: SessionReport) -> ColumnElement[bool]:
    """A start that failed lately, where nothing else is open: what comes now is that start, and is to be stopped."""
    if report.status not in ("PENDING", "ACTIVE"):
        return false()
    other = aliased(ChargingSession)
    open_there = select(other.id).where(other.evse_id == col(ChargingSession.evse_id), col(other.state).in_(OPEN))
    return and_(
        ~open_there.exists(),
        col(ChargingSession.state) == State.FAILED,
        col(ChargingSession.command_attempts) > 0,
        col(ChargingSession.external_key).is_(None),
        col(ChargingSession.created_at) <= report.started_at + CLOCKS,
        col(ChargingSession.state_since) >= report.started_at - LATE,
    )


def _lasted_during(record: Record) -> ColumnElement[bool]:
    """A charge of the same time that has no record yet, and is not of another session than the record's."""
    own = [] if record.session_external_id is None else [col(ChargingSession.external_key).is_(None)]
    recorded = select(ChargeRecord.id).where(col(ChargeRecord.session_id) == col(ChargingSession.id))
    return and_(
        col(ChargingSession.state).in_(BEGUN),
        col(ChargingSession.started_at) <= record.ended_at,
        func.coalesce(col(ChargingSession.ended_at), clock.now()) >= record.started_at,
        ~recorded.exists(),
        *own,
    )
