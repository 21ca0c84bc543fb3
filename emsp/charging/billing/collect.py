"""The money for a charge: what its receipts come to is captured and charged, what was taken beyond that given back.

Each step looks at what is owed and what was paid at that moment, so that a correction may come at any time between.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from emsp import jobs
from emsp.brands.tables import Brand
from emsp.charging.billing.account import Account, account_of
from emsp.charging.billing.give_back import give_back
from emsp.charging.lifecycle import State
from emsp.charging.session import advance, locked, note, note_once
from emsp.charging.tables import Receipt
from emsp.db.engine import Db, transaction
from emsp.errors import AuthenticationRequired, Declined
from emsp.loyalty.points import award
from emsp.money import Money
from emsp.payments import charge, hold, ledger

LOOK_AGAIN_AFTER = timedelta(hours=6)


async def collect_payment(receipt_id: UUID) -> None:
    """Job: capture what the receipts of a charge come to, charge what no hold covers, give the rest back."""
    async with transaction() as db:
        session_id = (await db.get_one(Receipt, receipt_id)).session_id
        account = await account_of(db, session_id)
        if account.session.fleet_id:
            await _settled(db, account, f"On your fleet's bill: {account.owed}.")
            return
    await _take(account, receipt_id)
    is_on_its_way = await give_back(session_id)
    async with transaction() as db:
        if is_on_its_way:
            await jobs.defer(db, collect_payment, after=LOOK_AGAIN_AFTER, receipt_id=receipt_id)
        account = await account_of(db, session_id)
        if account.paid.amount_minor >= account.owed.amount_minor:
            is_due = account.session.state == State.PAYMENT_DUE
            await _settled(db, account, "Nothing is due any more." if is_due else f"Paid: {account.owed}.")


async def _take(account: Account, receipt_id: UUID) -> None:
    """By the hold first; what it does not cover from the card. What is due is not tried again by itself."""
    session = account.session
    if session.state == State.PAYMENT_DUE:
        return
    try:
        if session.state == State.ENDED:
            wanted = max(account.owed, Money(0, account.owed.currency), key=lambda money: money.amount_minor)
            captured = await hold.capture(str(session.id), wanted)
            await _take_in(account.first.id, captured, event="hold_captured")
            await _charge_rest(session.id, account.first.id)
        await _charge_rest(session.id, receipt_id)
    except AuthenticationRequired:
        await _due(session.id, "Your bank asks you to confirm the payment.")
    except Declined as declined:
        await _due(session.id, f"The payment was declined: {declined.message}")


async def _charge_rest(session_id: UUID, receipt_id: UUID) -> None:
    """Take from the card what is owed, paid by nothing, and not being charged for another receipt already."""
    async with transaction() as db:
        account = await account_of(db, session_id)
        charges = {one.reference: one for one in await charge.charges_for(db, account.references)}
        opened = charges.get(str(receipt_id))
        if opened is None:
            under_way_minor = sum(one.amount_minor for one in charges.values() if one.state in charge.UNDER_WAY)
            rest = account.owed - account.paid - Money(under_way_minor, account.owed.currency)
            if rest.amount_minor <= 0:
                return
            assert account.session.payment_method_id is not None
            opened = await charge.open_charge(
                db,
                reference=str(receipt_id),
                driver_id=account.session.driver_id,
                payment_method_id=account.session.payment_method_id,
                amount=rest,
            )
    await charge.collect(opened.id)
    await _take_in(receipt_id, Money(opened.amount_minor, opened.currency), event="rest_charged")


async def _take_in(receipt_id: UUID, amount: Money, *, event: str) -> None:
    """The books and the receipt learn of money that arrived; once per receipt and event."""
    async with transaction() as db:
        receipt = await db.get_one(Receipt, receipt_id, with_for_update=True)
        payer = f"driver:{receipt.driver_id}"
        if amount.amount_minor and await ledger.payment_received(
            db, event=event, reference=str(receipt.id), payer=payer, amount=amount
        ):
            receipt.paid_minor += amount.amount_minor


async def _due(session_id: UUID, text: str) -> None:
    """What a charge costs is due; a charge that was settled before stays so, and what a correction adds is told."""
    async with transaction() as db:
        session = await locked(db, session_id)
        if not await advance(db, session, State.PAYMENT_DUE, text, source="PAYMENT"):
            await note_once(db, session, text)


async def _settled(db: Db, account: Account, text: str) -> None:
    session = account.session
    if await advance(db, session, State.SETTLED, text, source="PAYMENT"):
        brand = await db.get_one(Brand, session.brand_id)
        is_billed = account.receipts[-1].verification.get("reason") != "CREDITED"
        points = session.energy_wh * brand.points_per_kwh // 1000 if is_billed else 0
        await award(db, driver_id=session.driver_id, points=points, reference=str(session.id))
        if points:
            await note(db, session, f"You earned {points} points.")
