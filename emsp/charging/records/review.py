"""Charges whose records cannot be right: what waits for our support, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from emsp import events
from emsp.charging.billing.settle import bill_charge
from emsp.charging.happened import StartFailed
from emsp.charging.lifecycle import State
from emsp.charging.records.judge import case_of, kept_in, priced, record_in, records_of
from emsp.charging.records.plausible import is_amount
from emsp.charging.records.standing import standing
from emsp.charging.session import advance, locked
from emsp.charging.tables import ChargeRecord, ChargingSession
from emsp.charging.track import whole
from emsp.db.engine import Db, transaction
from emsp.errors import Refused
from emsp.money import Money, is_known_currency, round_money
from emsp.pricing.engine.tariff import NotComputable
from emsp.stations.tables import Station


@dataclass(frozen=True)
class InReview:
    """A charge that waits for somebody to look at its record; None when the operator took that back.

    `asked` is the operator's net amount, if it is money.
    """

    session_id: UUID
    since: datetime
    reason: str
    station: str
    record: str | None
    energy_wh: int
    asked: Money | None


async def in_review() -> list[InReview]:
    """What waits, the longest first."""
    query = (
        select(ChargingSession, Station)
        .join(Station, col(Station.id) == ChargingSession.station_id)
        .where(ChargingSession.state == State.IN_REVIEW)
        .order_by(col(ChargingSession.state_since))
    )
    async with transaction() as db:
        found = (await db.execute(query)).all()
        rows = [await _row_that_stands(db, session.id) for session, _ in found]
        return [_shown(session, station, row) for (session, station), row in zip(found, rows, strict=True)]


def _shown(session: ChargingSession, station: Station, row: ChargeRecord | None) -> InReview:
    record = record_in(row) if row else None
    known = record and is_known_currency(record.currency) and is_amount(record.net_cost)
    return InReview(
        session_id=session.id,
        since=session.state_since,
        reason=session.state_reason or "",
        station=station.name or station.street or station.external_id,
        record=record.external_id if record else None,
        energy_wh=whole(record.energy_wh) if record else session.energy_wh,
        asked=round_money(record.net_cost, record.currency) if record and known else None,
    )


async def release_from_review(session_id: UUID, *, accept: bool) -> str:
    """Bill the charge by its last record as it is, or end it without a bill. Gives what the driver reads.

    Raises NotFound, and Refused: NOT_IN_REVIEW, or NOT_BILLABLE for a record that cannot be billed at all.
    """
    async with transaction() as db:
        session = await locked(db, session_id)
        if session.state != State.IN_REVIEW:
            raise Refused("NOT_IN_REVIEW", f"The charge is not in review but {session.state}.", "session")
        if accept:
            return await _accept(db, session)
        text = "We looked at the operator's record: it is wrong, and this charge costs you nothing."
        await advance(db, session, State.FAILED, text)
        await events.emit(db, StartFailed(session_id=session_id))
        return text


async def _accept(db: Db, session: ChargingSession) -> str:
    row, text = await _row_that_stands(db, session.id), "We looked at the operator's record: it is right."
    if row is None:
        raise Refused("NOT_BILLABLE", "The operator took its record back; there is none to bill.", "session")
    record = record_in(row)
    if not is_known_currency(record.currency) or not is_amount(record.net_cost):
        amount = f"{record.net_cost} {record.currency}"
        raise Refused("NOT_BILLABLE", f"{amount} is no amount to book; ask the operator for a new record.", "session")
    await advance(db, session, State.ENDED, text)
    case = await case_of(db, session)
    try:
        receipt = await bill_charge(db, case, await priced(db, case, row), claim=False)
    except (NotComputable, ValueError) as error:
        raise Refused("NOT_BILLABLE", f"The record cannot be priced: {error}.", "session") from error
    return f"{text} Receipt {receipt.number}."


async def _row_that_stands(db: Db, session_id: UUID) -> ChargeRecord | None:
    """The newest record that is not taken back, whether it can be right or not."""
    rows = await records_of(db, session_id)
    stands = standing(kept_in(rows)).stands
    return next((row for row in rows if stands and row.id == stands.id), None)
