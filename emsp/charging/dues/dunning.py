"""Payments that are due are tried again by themselves, some days apart; the driver may pay at any time between."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import col, select

from emsp import clock, events, jobs
from emsp.charging.billing.collect import collect_payment
from emsp.charging.dues.due import failed_again
from emsp.charging.happened import ReceiptIssued
from emsp.charging.lifecycle import State
from emsp.charging.tables import ChargingSession, Receipt
from emsp.db.engine import transaction
from emsp.errors import Declined
from emsp.payments import charge
from emsp.payments.tables import Charge

AT_ONCE = 500


async def retry_due() -> None:
    """Job: what is due is tried again when its time has come."""
    its_time = col(Charge.next_attempt_at) <= clock.now()
    async with transaction() as db:
        query = select(Charge.id).where(Charge.state == "DUE", its_time).limit(AT_ONCE)
        for charge_id in (await db.execute(query)).scalars():
            await jobs.defer(db, retry_charge, lock=f"charge:{charge_id}", alone=True, charge_id=charge_id)


async def retry_charge(charge_id: UUID) -> None:
    """Job: try once more to take a payment that is due, if its time has come and it is still owed."""
    if not await _is_due(charge_id):
        return
    async with transaction() as db:
        receipt = await db.get_one(Receipt, UUID((await db.get_one(Charge, charge_id)).reference))
    await collect_payment(receipt.id)
    if not await _is_due(charge_id):
        return
    try:
        await charge.collect(charge_id)
    except Declined as declined:
        await failed_again(receipt.session_id, charge_id, f"The payment was tried again: {declined.message}")
    else:
        await collect_payment(receipt.id)


async def _is_due(charge_id: UUID) -> bool:
    async with transaction() as db:
        row = await db.get_one(Charge, charge_id)
    return row.state == "DUE" and row.next_attempt_at is not None and row.next_attempt_at <= clock.now()


async def pay_from_balance(driver_id: UUID) -> None:
    """Job: money arrived on a driver's balance: what is due and only to be paid from there is paid."""
    async with transaction() as db:
        query = (
            select(Receipt.id)
            .join(ChargingSession, col(ChargingSession.id) == col(Receipt.session_id))
            .where(ChargingSession.driver_id == driver_id, col(Receipt.corrects_id).is_(None))
            .where(ChargingSession.state == State.PAYMENT_DUE)
        )
        for receipt_id in (await db.execute(query)).scalars():
            await events.emit(db, ReceiptIssued(receipt_id=receipt_id))
