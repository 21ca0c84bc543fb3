"""A net under the jobs: what should have gone on long ago is taken up again, as every step may run twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, String, cast, func
from sqlmodel import col, select

from emsp import clock, events, jobs, logs
from emsp.charging.happened import ChargeRequested, ReceiptIssued, RecordReceived, StartFailed
from emsp.charging.lifecycle import State
from emsp.charging.start import doubt_start, give_up_start
from emsp.charging.tables import ChargeRecord, ChargingSession, Receipt
from emsp.db.engine import Db, transaction
from emsp.payments import refund
from emsp.payments.tables import Hold, Refund

PATIENCE = timedelta(minutes=30)
AT_ONCE = 500
log = logs.log(__name__)


async def take_up_again() -> None:
    """Job: starts that got stuck, holds of failed starts, records not billed and bills not collected."""
    async with transaction() as db:
        for session_id in await _ids(db, _stuck_in(State.REQUESTED)):
            await _again(db, ChargeRequested(session_id=session_id))
        for session_id in await _ids(db, _stuck_in(State.COMMAND_SENT)):
            await jobs.defer(db, doubt_start, session_id=session_id)
        for session_id in await _ids(db, _stuck_in(State.AWAITING_PLUG, State.START_UNCONFIRMED)):
            await jobs.defer(db, give_up_start, session_id=session_id)
        for session_id in await _ids(db, _held_for_nothing()):
            await _again(db, StartFailed(session_id=session_id))
        for record_id in await _ids(db, _not_billed()):
            await _again(db, RecordReceived(record_id=record_id))
        for receipt_id in (*await _ids(db, _not_collected()), *await _ids(db, _not_given_back())):
            await _again(db, ReceiptIssued(receipt_id=receipt_id))


def _stuck_in(*states: State) -> Select[Any]:
    return select(ChargingSession.id).where(
        col(ChargingSession.state).in_(states), ChargingSession.updated_at < clock.now() - PATIENCE
    )


def _held_for_nothing() -> Select[Any]:
    return (
        select(ChargingSession.id)
        .join(Hold, col(Hold.id) == col(ChargingSession.hold_id))
        .where(
            ChargingSession.state == State.FAILED,
            col(Hold.state).in_(("CREATED", "HELD")),
            ChargingSession.updated_at < clock.now() - PATIENCE,
        )
    )


def _not_billed() -> Select[Any]:
    return (
        select(ChargeRecord.id)
        .join(ChargingSession, col(ChargingSession.id) == col(ChargeRecord.session_id))
        .outerjoin(Receipt, col(Receipt.session_id) == col(ChargingSession.id))
        .where(
            ChargingSession.state == State.ENDED,
            col(Receipt.id).is_(None),
            ChargeRecord.created_at < clock.now() - PATIENCE,
        )
    )


def _not_collected() -> Select[Any]:
    return (
        select(Receipt.id)
        .join(ChargingSession, col(ChargingSession.id) == col(Receipt.session_id))
        .where(ChargingSession.state == State.ENDED, Receipt.issued_at < clock.now() - PATIENCE)
    )


def _not_given_back() -> Select[Any]:
    """Receipts with a refund that got stuck; its reference begins with the receipt's id."""
    of_receipt = func.starts_with(col(Refund.reference), cast(Receipt.id, String) + ":")
    return (
        select(Receipt.id)
        .join(Refund, of_receipt)
        .where(col(Refund.state).in_(refund.UNDER_WAY), Refund.updated_at < clock.now() - PATIENCE)
    )


async def _ids(db: Db, query: Select[Any]) -> list[UUID]:
    return list((await db.execute(query.limit(AT_ONCE))).scalars())


async def _again(db: Db, event: events.Event) -> None:
    log.warning("taken up again", happened=repr(event))
    await events.emit(db, event)
