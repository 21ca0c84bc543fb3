"""Everything that the books hold of what we owe operators and of what charges bring, with the charge that it is of."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import String, and_, cast, func
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from emsp.charging.settlement.statement import Movement
from emsp.charging.tables import Accrual, ChargeRecord, ChargingSession, Claim, Receipt
from emsp.db.engine import Db
from emsp.partners.parties import PartyCode
from emsp.payments.tables import LedgerEntry, LedgerTransaction
from emsp.stations.tables import Station

PAID = "invoice_paid"
OF_RECORDS = ("energy_bought", "energy_corrected")
OF_CLAIMS = ("claim_opened", "claim_closed")
OF_ACCRUALS = ("accrual_made", "accrual_undone")


def account_of(party: PartyCode) -> str:
    """The account of an operator in the books."""
    return f"cpo:{party}"


async def movements(db: Db, party: PartyCode, *, session_ids: list[UUID] | None = None) -> list[Movement]:
    """What was booked on an operator's account but payments, in order; of some charges only, if they are given."""
    record, claimed, first = aliased(ChargeRecord), aliased(ChargeRecord), aliased(ChargeRecord)
    session_id = func.coalesce(col(record.session_id), col(Claim.session_id))
    columns: list[Any] = [
        LedgerTransaction.event,
        LedgerTransaction.created_at,
        LedgerEntry.currency,
        LedgerEntry.amount_minor,
        session_id,
        func.coalesce(col(record.external_id), col(claimed.external_id)),
        func.coalesce(col(first.document)["ended_at"].as_string(), col(record.document)["ended_at"].as_string()),
        Station.time_zone,
    ]
    query = (
        select(*columns)
        .join(LedgerEntry, col(LedgerEntry.transaction_id) == col(LedgerTransaction.id))
        .outerjoin(record, _refers(OF_RECORDS, col(record.id)))
        .outerjoin(Claim, _refers(OF_CLAIMS, col(Claim.id)))
        .outerjoin(claimed, col(claimed.id) == col(Claim.record_id))
        .outerjoin(Receipt, and_(col(Receipt.session_id) == session_id, col(Receipt.corrects_id).is_(None)))
        .outerjoin(first, col(first.id) == col(Receipt.record_id))
        .outerjoin(ChargingSession, col(ChargingSession.id) == session_id)
        .outerjoin(Station, col(Station.id) == col(ChargingSession.station_id))
        .where(
            LedgerEntry.account == account_of(party),
            LedgerTransaction.event != PAID,
        )
        .order_by(col(LedgerTransaction.id), col(LedgerEntry.id))
    )
    if session_ids is not None:
        query = query.where(session_id.in_(session_ids))
    return [_movement(*row) for row in await db.execute(query)]


def session_of_entry() -> tuple[Any, list[tuple[Any, Any]]]:
    """The charge that a transaction of the books is of, whatever event it is, and the joins that lead there."""
    record = aliased(ChargeRecord)
    joins = [
        (record, _refers(OF_RECORDS, col(record.id))),
        (Claim, _refers(OF_CLAIMS, col(Claim.id))),
        (Receipt, _refers(("charge_billed", "charge_corrected"), col(Receipt.id))),
        (Accrual, _refers(OF_ACCRUALS, col(Accrual.session_id))),
    ]
    ways = col(record.session_id), col(Claim.session_id), col(Receipt.session_id), col(Accrual.session_id)
    return func.coalesce(*ways), joins


def _refers(events: tuple[str, ...], key: Any) -> Any:
    """Transactions of these events are known by the id of a row, or by one that begins with it."""
    reference = func.split_part(col(LedgerTransaction.reference), ":", 1)
    return and_(col(LedgerTransaction.event).in_(events), reference == cast(key, String))


def _movement(
    event: str,
    booked_at: datetime,
    currency: str,
    amount_minor: int,
    session_id: UUID | None,
    record: str | None,
    ended_at: str | None,
    time_zone: str | None,
) -> Movement:
    return Movement(
        event=event,
        booked_at=booked_at,
        currency=currency,
        owed_minor=-amount_minor,
        session_id=session_id,
        record=record,
        ended_at=datetime.fromisoformat(ended_at) if ended_at else None,
        time_zone=time_zone,
    )
