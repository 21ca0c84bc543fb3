"""Watchdogs that ask before anybody acts: operators that tell nothing of a charge are asked what became of it.

What they answer is taken in as if they had told it by themselves; what follows from it is decided there, not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import col, select

from emsp import clock, jobs, logs
from emsp.charging import ports
from emsp.charging.lifecycle import STARTING, State
from emsp.charging.records.record import Record
from emsp.charging.session import locked, note_once
from emsp.charging.tables import ChargeRecord, ChargingSession, Receipt
from emsp.charging.track import take_record
from emsp.charging.watching.silence import Patience, Silent, asks_since_word, is_due, patience, wants_a_look
from emsp.db.engine import Db, transaction
from emsp.errors import EmspError, PartnerFailed, Refused
from emsp.settings import settings
from emsp.stations.tables import Station

AT_ONCE = 2000
FAILED_WITHIN = timedelta(days=1)
SUPPORT_LOOKS = "The operator does not tell what became of this charge; our support looks at it."
log = logs.log(__name__)


class Stuck(Struct, frozen=True, kw_only=True):
    """A charge that its operator does not tell anything of, although it was asked again and again."""

    session_id: UUID
    state: str
    since: datetime
    asks: int
    asked_at: datetime | None
    partner_id: UUID
    party: str
    external_id: str | None
    energy_wh: int


async def ask_about_the_silent() -> None:
    """Job: let each party be asked that is silent about a charge for too long, each by a job of its own."""
    now, rules = clock.now(), _patience()
    async with transaction() as db:
        rows = (await db.execute(_quiet(now).limit(AT_ONCE))).all()
        due = {
            (session.partner_id, country_code, party_id)
            for session, country_code, party_id in rows
            if is_due(silent(session), rules, now)
        }
        for partner_id, country_code, party_id in sorted(due):
            lock = f"ask:{partner_id}:{country_code}-{party_id}"
            place = {"partner_id": partner_id, "country_code": country_code, "party_id": party_id}
            await jobs.defer(db, ask_party, lock=lock, alone=True, **place)


async def ask_party(partner_id: UUID, country_code: str, party_id: str) -> None:
    """Job: ask a party about all of its charges that are due, in one question. A failure is told, and asked again."""
    asked = await _note_questions(partner_id, country_code, party_id)
    if not asked:
        return
    oldest = min(asked, key=_began_at)
    try:
        await ports.network().ask_session(
            partner_id=partner_id,
            country_code=country_code,
            party_id=party_id,
            external_session_id=oldest.external_id,
            session_id=oldest.id,
            since=_began_at(oldest),
        )
    except (PartnerFailed, Refused) as failed:
        log.warning("an operator could not be asked", party=f"{country_code}-{party_id}", reason=str(failed))
    except EmspError as failed:
        log.error("an operator could not be asked", party=f"{country_code}-{party_id}", reason=str(failed))
    ids = [session.id for session in asked]
    await _take_left_over(ids)
    await _call_support(ids)


async def stuck(db: Db) -> list[Stuck]:
    """The charges that people are to look at, those asked about most often first."""
    now, rules = clock.now(), _patience()
    rows = (await db.execute(_watched(now).order_by(col(ChargingSession.asks).desc()))).all()
    return [_stuck(*row) for row in rows if wants_a_look(silent(row[0]), rules, now)]


def silent(session: ChargingSession) -> Silent:
    """A charge as its silence is judged. Word is what came, by our clock, or what it was dated, by the operator's."""
    heard_at = max(session.source_updated_at or session.updated_at, session.updated_at)
    return Silent(State(session.state), session.state_since, heard_at, session.asked_at, session.asks)


async def _note_questions(partner_id: UUID, country_code: str, party_id: str) -> Sequence[ChargingSession]:
    """The charges that a party is about to be asked of, noted as asked before the call leaves."""
    now, rules = clock.now(), _patience()
    of_party = (
        col(ChargingSession.partner_id) == partner_id,
        col(Station.country_code) == country_code,
        col(Station.party_id) == party_id,
    )
    query = _quiet(now).where(*of_party).with_for_update(of=ChargingSession, skip_locked=True)
    async with transaction() as db:
        sessions = [row[0] for row in await db.execute(query.limit(AT_ONCE))]
        due = [session for session in sessions if is_due(silent(session), rules, now)]
        for session in due:
            session.asks, session.asked_at = asks_since_word(silent(session), now) + 1, now
            await note_once(db, session, rules[State(session.state)].question)
    return due


async def _take_left_over(session_ids: Sequence[UUID]) -> None:
    """Records that came before, and named nothing but a session of the operator's that is known only now."""
    named = func.lower(col(ChargeRecord.document)["session_external_id"].as_string())
    query = (
        select(ChargeRecord.id, ChargingSession.id)
        .join(ChargingSession, col(ChargingSession.partner_id) == col(ChargeRecord.partner_id))
        .join(Station, col(Station.id) == col(ChargingSession.station_id))
        .where(
            col(ChargingSession.id).in_(session_ids),
            col(ChargeRecord.session_id).is_(None),
            named == col(ChargingSession.external_key),
            col(ChargeRecord.country_code) == col(Station.country_code),
            col(ChargeRecord.party_id) == col(Station.party_id),
        )
    )
    async with transaction() as db:
        left_over = (await db.execute(query)).all()
    for record_id, session_id in left_over:
        async with transaction() as db:
            session = await locked(db, session_id)
            row = await db.get_one(ChargeRecord, record_id, with_for_update=True)
            if row.session_id is None:
                await take_record(db, session, row, msgspec.convert(row.document, Record))


async def _call_support(session_ids: Sequence[UUID]) -> None:
    """People look at what was asked so often without an answer; they are called once."""
    now, rules = clock.now(), _patience()
    async with transaction() as db:
        query = select(ChargingSession).where(col(ChargingSession.id).in_(session_ids))
        for session in (await db.execute(query)).scalars():
            if not wants_a_look(silent(session), rules, now):
                continue
            if session.state == State.FAILED or await note_once(db, session, SUPPORT_LOOKS):
                log.error("an operator does not tell of a charge", session_id=str(session.id), state=session.state)


def _quiet(now: datetime) -> Any:
    """Those that may be due, by the shortest wait of all; whom nobody asked about for longest first."""
    shortest = min(rule.waits[0] for rule in _patience().values())
    asked = col(ChargingSession.asked_at)
    quiet = or_(asked.is_(None), asked < now - shortest)
    known = col(ChargingSession.updated_at)
    heard = func.greatest(func.least(func.coalesce(col(ChargingSession.source_updated_at), known), now), known)
    charging = or_(col(ChargingSession.state) != State.CHARGING, heard < now - shortest)
    return (
        _watched(now)
        .where(quiet, charging, col(ChargingSession.state_since) < now - shortest)
        .order_by(asked.asc().nulls_first(), col(ChargingSession.state_since))
    )


def _watched(now: datetime) -> Any:
    """Charges under way at an operator, those that are over and not billed, and starts that failed today."""
    return (
        select(ChargingSession, Station.country_code, Station.party_id)
        .join(Station, col(Station.id) == col(ChargingSession.station_id))
        .where(or_(_under_way(), _not_billed(), _failed_lately(now)))
    )


def _under_way() -> ColumnElement[bool]:
    states = (*(state for state in STARTING if state != State.REQUESTED), State.CHARGING, State.STOPPING)
    return col(ChargingSession.state).in_(states)


def _not_billed() -> ColumnElement[bool]:
    """A charge that is over; what has a record is not asked about, since it is billed by other jobs."""
    billed = select(Receipt.id).where(col(Receipt.session_id) == col(ChargingSession.id))
    return and_(col(ChargingSession.state) == State.ENDED, ~_has_record(), ~billed.exists())


def _failed_lately(now: datetime) -> ColumnElement[bool]:
    """A start that was given up although the command had left: it may have begun, and nobody told us."""
    return and_(
        col(ChargingSession.state) == State.FAILED,
        col(ChargingSession.state_since) > now - FAILED_WITHIN,
        col(ChargingSession.command_attempts) > 0,
        col(ChargingSession.external_key).is_(None),
        ~_has_record(),
    )


def _has_record() -> ColumnElement[bool]:
    return select(ChargeRecord.id).where(col(ChargeRecord.session_id) == col(ChargingSession.id)).exists()


def _began_at(session: ChargingSession) -> datetime:
    return min(session.started_at or session.created_at, session.created_at)


def _patience() -> Mapping[State, Patience]:
    given = settings()
    return patience(
        plug_in_s=given.plug_in_wait_s,
        unconfirmed_s=given.unconfirmed_wait_s,
        command_s=given.command_timeout_s,
        silent_s=given.ask_silent_s,
        record_s=given.ask_record_s,
    )


def _stuck(session: ChargingSession, country_code: str, party_id: str) -> Stuck:
    return Stuck(
        session_id=session.id,
        state=session.state,
        since=session.state_since,
        asks=session.asks,
        asked_at=session.asked_at,
        partner_id=session.partner_id,
        party=f"{country_code}-{party_id}",
        external_id=session.external_id,
        energy_wh=session.energy_wh,
    )
