"""From the operator's record to a paid receipt, in the order of the invoice it produces."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select

from emsp import clock, events, logs
from emsp.brands.tables import Brand
from emsp.charging.bill import driver_bill, verification
from emsp.charging.happened import ReceiptIssued
from emsp.charging.lifecycle import State
from emsp.charging.plausible import doubt
from emsp.charging.record import Record
from emsp.charging.session import advance, locked, note
from emsp.charging.tables import ChargeRecord, ChargingSession, Receipt, ReceiptNumber
from emsp.db.engine import Db, transaction
from emsp.errors import AuthenticationRequired, Declined
from emsp.fleets.bill import charge_fleet
from emsp.fleets.tables import FleetCharge
from emsp.loyalty.points import award
from emsp.money import Money, round_money
from emsp.payments import charge, hold, ledger
from emsp.pricing.billed import Bill
from emsp.pricing.sale import place_of, terms_of
from emsp.pricing.tables import Quote
from emsp.pricing.tariff import NotComputable
from emsp.stations.tables import Connector, Operator, Station

log = logs.log(__name__)


async def settle_charge(record_id: UUID) -> None:
    """Job: bill a charge by its record, once. Run again, it finds the receipt and leaves it as it is.

    A record that cannot be right is not billed: the charge waits for somebody to look at it.
    """
    async with transaction() as db:
        row = await db.get_one(ChargeRecord, record_id)
        assert row.session_id is not None
        session = await locked(db, row.session_id)
        if session.state not in (State.ENDED, State.IN_REVIEW):
            await note(db, session, "A record arrived for a charge that is not billed.", source="OPERATOR")
            return
        if await _receipt_of(db, session) is not None:
            return
        if doubt := await _doubt(db, session, row):
            await _into_review(db, session, row, doubt)
            return
        await advance(db, session, State.ENDED, "The operator sent a record that can be billed.", source="OPERATOR")
        await bill_charge(db, session, row)


async def bill_charge(db: Db, session: ChargingSession, row: ChargeRecord) -> Receipt:
    """The receipt for a charge that ended, the books, the fleet's account; the payment follows by job.

    Raises NotComputable or ValueError where the record cannot be priced.
    """
    record, station = record_in(row), await db.get_one(Station, session.station_id)
    quote, brand = await db.get_one(Quote, session.quote_id), await db.get_one(Brand, session.brand_id)
    bill = await _bill(db, session, record, quote, brand, station)
    checked = verification(record, quote, time_zone=station.time_zone)
    receipt = await _issue(db, brand, session, row, bill, checked)
    await _book(db, session, station, receipt, record)
    if session.fleet_id:
        await _charge_fleet(db, session, station, receipt)
    await note(db, session, f"Billed: {bill.total}, receipt {receipt.number}.", source="PAYMENT")
    await events.emit(db, ReceiptIssued(receipt_id=receipt.id))
    return receipt


def record_in(row: ChargeRecord) -> Record:
    """The record that a row keeps."""
    return msgspec.convert(row.document, Record)


async def _bill(db: Db, session: ChargingSession, record: Record, quote: Quote, brand: Brand, station: Station) -> Bill:
    terms = await terms_of(db, brand, session.driver_id)
    place = place_of(await db.get_one(Connector, session.connector_id), station)
    return driver_bill(record, quote, terms, place, time_zone=station.time_zone)


async def _doubt(db: Db, session: ChargingSession, row: ChargeRecord) -> str | None:
    """Why the charge cannot be billed by this record as it is; None when it can."""
    record, station = record_in(row), await db.get_one(Station, session.station_id)
    quote, brand = await db.get_one(Quote, session.quote_id), await db.get_one(Brand, session.brand_id)
    power_w = await db.scalar(select(func.max(Connector.max_power_w)).where(Connector.evse_id == session.evse_id))
    told = doubt(record, power_w=power_w, commanded_at=session.created_at, now=clock.now())
    if told:
        return told
    try:
        bill = await _bill(db, session, record, quote, brand, station)
    except (NotComputable, ValueError) as error:
        return f"It cannot be priced: {error}."
    if quote.tariff is None and bill.currency == brand.currency and bill.total_minor > brand.hold_cap_minor:
        return f"No price was known before, and it comes to {bill.total}."
    return None


async def _into_review(db: Db, session: ChargingSession, row: ChargeRecord, reason: str) -> None:
    text = f"The operator's record of this charge cannot be right. {reason} Nothing is charged until we looked at it."
    if await advance(db, session, State.IN_REVIEW, text):
        log.error("a charge is in review", session_id=str(session.id), record=row.external_id, reason=reason)


async def collect_payment(receipt_id: UUID) -> None:
    """Job: capture what the receipt says, charge what no hold covers, give the rest back."""
    async with transaction() as db:
        receipt = await db.get_one(Receipt, receipt_id)
        session = await locked(db, receipt.session_id)
        if session.state != State.ENDED:
            return
        if session.fleet_id:
            await _settled(db, session, receipt, f"On your fleet's bill: {total_of(receipt)}.")
            return
    try:
        captured = await hold.capture(str(session.id), total_of(receipt))
        await _take_in(receipt_id, captured, event="hold_captured")
        rest = total_of(receipt) - captured
        if rest.amount_minor:
            await charge.collect(await _open_rest(session, receipt, rest))
            await _take_in(receipt_id, rest, event="rest_charged")
    except AuthenticationRequired:
        await _due(receipt_id, "Your bank asks you to confirm the payment.")
        return
    except Declined as declined:
        await _due(receipt_id, f"The payment was declined: {declined.message}")
        return
    async with transaction() as db:
        receipt, session = await db.get_one(Receipt, receipt_id), await locked(db, receipt.session_id)
        await _settled(db, session, receipt, f"Paid: {total_of(receipt)}.")


def total_of(receipt: Receipt) -> Money:
    """What the receipt asks for."""
    return Money(receipt.total_minor, receipt.currency)


async def _receipt_of(db: Db, session: ChargingSession) -> Receipt | None:
    return (await db.execute(select(Receipt).where(Receipt.session_id == session.id))).scalar_one_or_none()


async def _issue(
    db: Db, brand: Brand, session: ChargingSession, row: ChargeRecord, bill: Bill, checked: dict[str, object]
) -> Receipt:
    year = clock.now().astimezone(ZoneInfo(brand.time_zone)).year
    sequence = await _next_number(db, brand.id, year)
    receipt = Receipt(
        brand_id=brand.id,
        driver_id=session.driver_id,
        session_id=session.id,
        record_id=row.id,
        year=year,
        sequence=sequence,
        number=f"{brand.slug.upper()}-{year}-{sequence:06d}",
        currency=bill.currency,
        net_minor=bill.net_minor,
        total_minor=bill.total_minor,
        lines=list(msgspec.to_builtins(bill.lines)),
        taxes=list(msgspec.to_builtins(bill.taxes)),
        verification=checked,
    )
    db.add(receipt)
    session.cost_so_far_minor = bill.total_minor
    await db.flush()
    return receipt


async def _next_number(db: Db, brand_id: UUID, year: int) -> int:
    """The next receipt number of the brand in the year; the row stays locked, so no number is ever skipped."""
    statement = insert(ReceiptNumber).values(brand_id=brand_id, year=year, last=1)
    statement = statement.on_conflict_do_update(
        index_elements=["brand_id", "year"], set_={"last": col(ReceiptNumber.last) + 1}
    )
    return (await db.execute(statement.returning(col(ReceiptNumber.last)))).scalar_one()


async def _book(db: Db, session: ChargingSession, station: Station, receipt: Receipt, record: Record) -> None:
    payer = f"fleet:{session.fleet_id}" if session.fleet_id else f"driver:{session.driver_id}"
    await ledger.charge_billed(
        db, reference=str(receipt.id), payer=payer, net_minor=receipt.net_minor, total=total_of(receipt)
    )
    await ledger.energy_bought(
        db,
        reference=str(receipt.record_id),
        seller=f"cpo:{station.country_code}-{station.party_id}",
        cost=round_money(record.net_cost, record.currency),
    )


async def _charge_fleet(db: Db, session: ChargingSession, station: Station, receipt: Receipt) -> None:
    assert session.fleet_id is not None
    assert session.started_at is not None
    operator = await db.get(Operator, station.operator_id) if station.operator_id else None
    await charge_fleet(
        db,
        FleetCharge(
            fleet_id=session.fleet_id,
            driver_id=session.driver_id,
            reference=str(session.id),
            receipt_number=receipt.number,
            station_name=station.name or station.street,
            operator_name=operator.name if operator else None,
            country=station.country,
            started_at=session.started_at,
            ended_at=session.ended_at,
            billed_at=receipt.issued_at,
            energy_wh=session.energy_wh,
            currency=receipt.currency,
            net_minor=receipt.net_minor,
            total_minor=receipt.total_minor,
            taxes=receipt.taxes,
        ),
    )


async def _open_rest(session: ChargingSession, receipt: Receipt, rest: Money) -> UUID:
    assert session.payment_method_id is not None
    async with transaction() as db:
        opened = await charge.open_charge(
            db,
            reference=str(receipt.id),
            driver_id=session.driver_id,
            payment_method_id=session.payment_method_id,
            amount=rest,
        )
        return opened.id


async def _take_in(receipt_id: UUID, amount: Money, *, event: str) -> None:
    """The books and the receipt learn of money that arrived; once per receipt and event."""
    async with transaction() as db:
        receipt = await db.get_one(Receipt, receipt_id, with_for_update=True)
        payer = f"driver:{receipt.driver_id}"
        if amount.amount_minor and await ledger.payment_received(
            db, event=event, reference=str(receipt.id), payer=payer, amount=amount
        ):
            receipt.paid_minor += amount.amount_minor


async def _due(receipt_id: UUID, text: str) -> None:
    async with transaction() as db:
        receipt = await db.get_one(Receipt, receipt_id)
        session = await locked(db, receipt.session_id)
        await advance(db, session, State.PAYMENT_DUE, text, source="PAYMENT")


async def _settled(db: Db, session: ChargingSession, receipt: Receipt, text: str) -> None:
    if await advance(db, session, State.SETTLED, text, source="PAYMENT"):
        brand = await db.get_one(Brand, session.brand_id)
        points = session.energy_wh * brand.points_per_kwh // 1000
        await award(db, driver_id=session.driver_id, points=points, reference=str(session.id))
        if points:
            await note(db, session, f"You earned {points} points.")
