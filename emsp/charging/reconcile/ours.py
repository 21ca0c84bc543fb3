"""Our side of a comparison with the card processor: payments, refunds, and what the ledger has of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, cast
from sqlmodel import col, func, select

from emsp import clock
from emsp.charging.lifecycle import FINAL
from emsp.charging.reconcile.compare import Loose, Ours, Payment, Refunded, summed
from emsp.charging.tables import ChargingSession, Receipt
from emsp.db.engine import Db
from emsp.payments.ledger.book import CLEARING, imbalance
from emsp.payments.tables import Charge, Debit, Hold, LedgerEntry, LedgerTransaction, Refund, TopUp

SETTLES = timedelta(minutes=15)
"""For so long after its last change a row may be behind the processor, or ahead of it."""
UNDER_WAY = ("NEW", "CREATED", "PROCESSING", "SENT")
OF_REFUNDS = ("payment_given_back", "giving_back_failed", "balance_paid_back", "balance_pay_back_returned")
Booked = dict[tuple[str, str], int]
"""Minor units by event and reference."""


async def our_books(db: Db, since: datetime) -> Ours:
    """Payments and refunds that were begun since then, and the whole ledger's account with the processor."""
    entries = await _at_the_processor(db)
    booked = {(event, of): minor for event, of, _, minor in entries}
    payments = [
        *await _holds(db, since, booked),
        *[_charged(row, booked) for row in await _since(db, Charge, since)],
        *[_topped_up(row, booked) for row in await _since(db, TopUp, since)],
        *[_debited(row, booked) for row in await _since(db, Debit, since)],
    ]
    refunds = [_refunded(row, booked) for row in await _since(db, Refund, since)]
    return Ours(
        payments=payments,
        refunds=refunds,
        loose=await _loose(db, since),
        clearing=summed((currency, minor) for _, _, currency, minor in entries),
        imbalance=await imbalance(db),
    )


async def known_to_us(db: Db, processor_ids: Collection[str]) -> set[str]:
    """Those of the processor's ids that we know, whenever it was begun."""
    known: set[str] = set()
    for table in (Hold, Charge, TopUp, Debit, Refund):
        column = col(table.processor_id)
        found = await db.execute(select(column).where(column.in_(processor_ids)))
        known |= {processor_id for processor_id in found.scalars() if processor_id}
    return known


async def _at_the_processor(db: Db) -> list[tuple[str, str, str, int]]:
    """What the ledger has at the processor: event, reference, currency and minor units."""
    query = (
        select(
            LedgerTransaction.event,
            LedgerTransaction.reference,
            LedgerEntry.currency,
            func.sum(LedgerEntry.amount_minor),
        )
        .join(LedgerEntry, col(LedgerEntry.transaction_id) == col(LedgerTransaction.id))
        .where(LedgerEntry.account == CLEARING)
        .group_by(col(LedgerTransaction.event), col(LedgerTransaction.reference), col(LedgerEntry.currency))
    )
    return [(event, of, currency, int(minor)) for event, of, currency, minor in await db.execute(query)]


def _minor(booked: Booked, event: str, reference: str | None) -> int:
    return booked.get((event, reference or ""), 0)


async def _holds(db: Db, since: datetime, booked: Booked) -> list[Payment]:
    rows = await _since(db, Hold, since)
    query = (
        select(ChargingSession.hold_id, ChargingSession.state, Receipt.id)
        .outerjoin(Receipt, (col(Receipt.session_id) == ChargingSession.id) & col(Receipt.corrects_id).is_(None))
        .where(col(ChargingSession.hold_id).in_([row.id for row in rows]))
    )
    charges = {hold_id: (state, receipt) for hold_id, state, receipt in await db.execute(query)}
    return [_held(row, *charges.get(row.id, (None, None)), booked) for row in rows]


def _held(row: Hold, state: str | None, receipt: UUID | None, booked: Booked) -> Payment:
    return Payment(
        what="HOLD",
        id=str(row.id),
        processor_id=row.processor_id,
        currency=row.currency,
        taken_minor=row.captured_minor if row.state == "CAPTURED" else 0,
        is_held=row.state == "HELD",
        is_needed=state is not None and state not in FINAL,
        booked_minor=_minor(booked, "hold_captured", str(receipt)),
        is_under_way=_is_under_way(row),
    )


def _charged(row: Charge, booked: Booked) -> Payment:
    return _payment("CHARGE", row, "rest_charged", row.reference, booked)


def _topped_up(row: TopUp, booked: Booked) -> Payment:
    return _payment("TOP_UP", row, "top_up_received", str(row.id), booked)


def _debited(row: Debit, booked: Booked) -> Payment:
    return _payment("DEBIT", row, "debit_received", row.reference, booked)


def _payment(what: str, row: Charge | TopUp | Debit, event: str, reference: str, booked: Booked) -> Payment:
    taken = row.state in ("PAID", "RETURNED")
    return Payment(
        what=what,
        id=str(row.id),
        processor_id=row.processor_id,
        currency=row.currency,
        taken_minor=row.amount_minor if taken else 0,
        booked_minor=_minor(booked, event, reference),
        is_under_way=_is_under_way(row) or (what == "DEBIT" and row.state == "PROCESSING"),
    )


def _refunded(row: Refund, booked: Booked) -> Refunded:
    return Refunded(
        id=str(row.id),
        processor_id=row.processor_id,
        currency=row.currency,
        amount_minor=row.amount_minor,
        is_done=row.state == "DONE",
        booked_minor=-sum(_minor(booked, event, row.reference) for event in OF_REFUNDS),
        is_under_way=_is_under_way(row),
    )


def _is_under_way(row: Hold | Charge | TopUp | Debit | Refund) -> bool:
    """A row whose outcome is open, or so new that the rest may not be written yet."""
    return clock.now() - row.updated_at < (SETTLES if row.state in UNDER_WAY else timedelta(seconds=5))


async def _loose(db: Db, since: datetime) -> list[Loose]:
    """Entries with the processor that say a payment or a refund caused them, and nothing is there that did."""
    return [
        Loose(event=event, reference=reference, currency=currency, amount_minor=int(minor))
        for events, known in _causes().items()
        for event, reference, currency, minor in await db.execute(_entries(events, since).where(~_is_in(known)))
    ]


def _causes() -> dict[tuple[str, ...], Select[Any]]:
    """What the references of events name."""
    captured = (
        select(cast(Receipt.id, String))
        .join(ChargingSession, col(ChargingSession.id) == col(Receipt.session_id))
        .where(col(ChargingSession.hold_id).is_not(None))
    )
    return {
        ("hold_captured",): captured,
        ("rest_charged",): select(Charge.reference),
        ("top_up_received",): select(cast(TopUp.id, String)),
        ("debit_received",): select(Debit.reference),
        OF_REFUNDS: select(Refund.reference),
    }


def _is_in(known: Select[Any]) -> ColumnElement[bool]:
    [reference] = known.selected_columns
    return known.where(reference == LedgerTransaction.reference).exists()


def _entries(events: Sequence[str], since: datetime) -> Select[str, str, str, int]:
    return (
        select(
            LedgerTransaction.event,
            LedgerTransaction.reference,
            LedgerEntry.currency,
            LedgerEntry.amount_minor,
        )
        .join(LedgerEntry, col(LedgerEntry.transaction_id) == col(LedgerTransaction.id))
        .where(
            LedgerEntry.account == CLEARING,
            col(LedgerTransaction.event).in_(events),
            LedgerTransaction.created_at >= since,
        )
    )


async def _since(db: Db, table: Any, since: datetime) -> list[Any]:
    query = select(table).where(table.created_at >= since).order_by(table.created_at)
    return list((await db.execute(query)).scalars())
