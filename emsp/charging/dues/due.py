"""Charges that are billed and not paid: which they are, when they fell due, and that the driver is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast
from sqlmodel import col, func, or_, select

from emsp import clock, logs
from emsp.accounts.mail import write_mail
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.charging.billing.account import Account, account_of
from emsp.charging.dues.mails import due_mail, paid_mail
from emsp.charging.lifecycle import State
from emsp.charging.session import advance, note, note_once
from emsp.charging.tables import ChargingSession, Receipt
from emsp.db.engine import Db, transaction
from emsp.money import Money
from emsp.payments.ledger import charges
from emsp.payments.policy import policy_of
from emsp.payments.tables import Charge

log = logs.log(__name__)


@dataclass(frozen=True)
class Due:
    """What a driver is to pay for a charge, and what becomes of it if they do nothing."""

    session: ChargingSession
    amount: Money
    since: datetime
    failure: str | None = None
    failure_code: str | None = None
    payment_method_id: UUID | None = None
    next_attempt_at: datetime | None = None
    given_up_at: datetime | None = None


async def charges_due(db: Db, driver_id: UUID) -> int:
    """How many charges of a driver wait for their payment, fleets' aside."""
    query = select(func.count()).select_from(ChargingSession).where(ChargingSession.driver_id == driver_id, _is_due())
    return int((await db.execute(query)).scalar_one())


async def dues_of(db: Db, driver_id: UUID) -> list[Due]:
    """What a driver is to pay, the oldest first."""
    query = select(ChargingSession).where(ChargingSession.driver_id == driver_id, _is_due())
    sessions = list((await db.execute(query.order_by(col(ChargingSession.state_since)))).scalars())
    found = await _dues(db, sessions)
    return [found[session.id] for session in sessions if session.id in found]


async def dues_of_sessions(db: Db, session_ids: Sequence[UUID]) -> dict[UUID, Due]:
    """What is to be paid for these charges, where something is."""
    query = select(ChargingSession).where(col(ChargingSession.id).in_(session_ids), _is_due())
    return await _dues(db, list((await db.execute(query)).scalars()))


def _is_due() -> ColumnElement[bool]:
    """Billed and not paid; or settled, and then made dearer by a correction whose payment failed."""
    failed = (
        select(Charge.id)
        .join(Receipt, cast(Receipt.id, String) == col(Charge.reference))
        .where(Receipt.session_id == ChargingSession.id, Charge.state == "DUE")
        .exists()
    )
    state = col(ChargingSession.state)
    due = or_(state == State.PAYMENT_DUE, (state == State.SETTLED) & failed)
    return due & col(ChargingSession.fleet_id).is_(None)


async def _dues(db: Db, sessions: Sequence[ChargingSession]) -> dict[UUID, Due]:
    ids = [session.id for session in sessions]
    receipts = list((await db.execute(select(Receipt).where(col(Receipt.session_id).in_(ids)))).scalars())
    references = {str(receipt.id): receipt.session_id for receipt in receipts}
    query = select(Charge).where(col(Charge.reference).in_(references), Charge.state == "DUE")
    failed = {references[one.reference]: one for one in (await db.execute(query)).scalars()}
    found = {}
    for session in sessions:
        own = [receipt for receipt in receipts if receipt.session_id == session.id]
        if own:
            account = Account(session, own, await charges.given_up(db, [str(receipt.id) for receipt in own]))
            found[session.id] = _due(account, failed.get(session.id))
    return found


def _due(account: Account, failed: Charge | None) -> Due:
    amount = account.unpaid - account.given_up
    if failed is None:
        return Due(account.session, amount, account.session.state_since)
    return Due(
        session=account.session,
        amount=amount,
        since=failed.created_at,
        failure=failed.failure,
        failure_code=failed.failure_code,
        payment_method_id=failed.payment_method_id,
        next_attempt_at=failed.next_attempt_at,
        given_up_at=failed.given_up_at,
    )


async def fell_due(session_id: UUID, charge_id: UUID | None, text: str) -> None:
    """What a charge costs needs the driver: told in its timeline and by e-mail, and tried again later by itself.

    A charge that was settled before stays so, and what a correction adds is told.
    """
    async with transaction() as db:
        account = await account_of(db, session_id)
        is_moved = await advance(db, account.session, State.PAYMENT_DUE, text, source="PAYMENT")
        if is_moved or await note_once(db, account.session, text, source="PAYMENT"):
            await _put_off(db, account, charge_id)


async def paid_at_last(db: Db, account: Account) -> None:
    """What was due is paid: the receipt, which says that it was due, does not change, so the driver is written to."""
    driver = await db.get_one(Driver, account.session.driver_id)
    brand = await db.get_one(Brand, account.session.brand_id)
    subject, body = paid_mail(driver.language, amount=account.paid, receipt=account.first.number)
    await write_mail(db, recipient=driver.email, subject=subject, body=body, sender_name=brand.name)


async def failed_again(session_id: UUID, charge_id: UUID, text: str) -> None:
    """A payment that is due was tried again by itself, in vain."""
    async with transaction() as db:
        account = await account_of(db, session_id)
        await note(db, account.session, text, source="PAYMENT")
        await _put_off(db, account, charge_id)


async def _put_off(db: Db, account: Account, charge_id: UUID | None) -> None:
    """Until the next attempt, if there is to be one; the driver is told when."""
    session = account.session
    brand, driver = await db.get_one(Brand, session.brand_id), await db.get_one(Driver, session.driver_id)
    failed = await db.get_one(Charge, charge_id, with_for_update=True) if charge_id else None
    next_attempt_at = None
    if failed:
        next_attempt_at = next_attempt(policy_of(brand.payment_policy).retry_after_h, failed.created_at)
        failed.next_attempt_at = next_attempt_at
        failed.given_up_at = None if next_attempt_at else clock.now()
        if next_attempt_at is None:
            log.error("a payment that is due is given up", session_id=str(session.id), amount=str(account.unpaid))
    subject, body = due_mail(
        driver.language,
        brand=brand.name,
        amount=account.unpaid - account.given_up,
        receipt=account.first.number,
        next_attempt_at=next_attempt_at,
        time_zone=brand.time_zone,
    )
    await write_mail(db, recipient=driver.email, subject=subject, body=body, sender_name=brand.name)


def next_attempt(retry_after_h: Sequence[int], failed_at: datetime) -> datetime | None:
    """When a payment that failed first at `failed_at` is tried again after this moment; None: never again."""
    now = clock.now()
    return next((at for hours in retry_after_h if (at := failed_at + timedelta(hours=hours)) > now), None)
