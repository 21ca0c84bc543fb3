"""Receipts and their corrections as rows: numbered without gaps, written once; and where they are told of."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from emsp import clock
from emsp.charging.records.judge import Case
from emsp.charging.tables import ChargingSession, Receipt, ReceiptNumber
from emsp.db.engine import Db
from emsp.fleets import bill as fleets_bill
from emsp.fleets.tables import FleetCharge
from emsp.money import Money
from emsp.pricing.engine.billed import Bill, BilledLine, BilledTax
from emsp.stations.tables import Operator


async def receipts_of(db: Db, session_id: UUID) -> list[Receipt]:
    """The receipt of a charge and then its corrections, in the order in which they were issued."""
    query = select(Receipt).where(Receipt.session_id == session_id)
    order = col(Receipt.corrects_id).is_not(None), col(Receipt.year), col(Receipt.sequence)
    return list((await db.execute(query.order_by(*order))).scalars())


async def issue(
    db: Db,
    case: Case,
    bill: Bill,
    *,
    record_id: UUID | None,
    verification: dict[str, Any],
    corrects: Receipt | None = None,
    reason: str | None = None,
    request_key: str | None = None,
) -> Receipt:
    """Write a receipt, or a correction of one, with the next number of the brand.

    It is caused by a record, or by support for a `reason`, once per `request_key`.
    """
    brand, session = case.brand, case.session
    year = clock.now().astimezone(ZoneInfo(brand.time_zone)).year
    sequence = await _next_number(db, brand.id, year)
    receipt = Receipt(
        brand_id=brand.id,
        driver_id=session.driver_id,
        session_id=session.id,
        record_id=record_id,
        reason=reason,
        request_key=request_key,
        corrects_id=corrects.id if corrects else None,
        year=year,
        sequence=sequence,
        number=f"{brand.slug.upper()}-{year}-{sequence:06d}",
        currency=bill.currency,
        net_minor=bill.net_minor,
        total_minor=bill.total_minor,
        lines=list(msgspec.to_builtins(bill.lines)),
        taxes=list(msgspec.to_builtins(bill.taxes)),
        verification=verification,
    )
    db.add(receipt)
    session.cost_so_far_minor = bill.total_minor + (session.cost_so_far_minor or 0 if corrects else 0)
    await db.flush()
    return receipt


async def _next_number(db: Db, brand_id: UUID, year: int) -> int:
    """The next receipt number of the brand in the year; the row stays locked, so no number is ever skipped."""
    statement = insert(ReceiptNumber).values(brand_id=brand_id, year=year, last=1)
    statement = statement.on_conflict_do_update(
        index_elements=["brand_id", "year"], set_={"last": col(ReceiptNumber.last) + 1}
    )
    return (await db.execute(statement.returning(col(ReceiptNumber.last)))).scalar_one()


async def tell_fleet(db: Db, case: Case, receipt: Receipt, energy_wh: int) -> None:
    """Put a receipt on the account of the fleet that pays, with the energy that it adds to those before it."""
    session, station = case.session, case.station
    assert session.fleet_id is not None
    assert session.started_at is not None
    operator = await db.get(Operator, station.operator_id) if station.operator_id else None
    charge = FleetCharge(
        fleet_id=session.fleet_id,
        driver_id=session.driver_id,
        reference=fleet_reference(session, receipt),
        receipt_number=receipt.number,
        station_name=station.name or station.street,
        operator_name=operator.name if operator else None,
        country=station.country,
        started_at=session.started_at,
        ended_at=session.ended_at,
        billed_at=receipt.issued_at,
        energy_wh=energy_wh,
        currency=receipt.currency,
        net_minor=receipt.net_minor,
        total_minor=receipt.total_minor,
        taxes=receipt.taxes,
    )
    await fleets_bill.charge_fleet(db, charge)


def fleet_reference(session: ChargingSession, receipt: Receipt) -> str:
    """What a line of a fleet's bill is of: the charge, or a correction of it."""
    return f"{fleets_bill.CORRECTION}{receipt.id}" if receipt.corrects_id else str(session.id)


def bill_in(receipt: Receipt) -> Bill:
    """The bill that a receipt is of."""
    lines = msgspec.convert(receipt.lines, tuple[BilledLine, ...])
    return Bill(
        currency=receipt.currency,
        net_minor=receipt.net_minor,
        total_minor=receipt.total_minor,
        tax_known=all(line.tax_minor is not None for line in lines),
        lines=lines,
        taxes=msgspec.convert(receipt.taxes, tuple[BilledTax, ...]),
    )


def total_of(receipt: Receipt) -> Money:
    """What the receipt asks for."""
    return Money(receipt.total_minor, receipt.currency)


def payer_of(session: ChargingSession) -> str:
    """The account of whoever owes for a charge."""
    return f"fleet:{session.fleet_id}" if session.fleet_id else f"driver:{session.driver_id}"


def seller_of(case: Case) -> str:
    """The account of the operator."""
    return f"cpo:{case.station.country_code}-{case.station.party_id}"
