"""The money for a charge: from the driver's balance, by the hold, and what is left from the card; in that order.

Each step looks at what is owed and what was paid at that moment, so that a correction may come at any time between.
What was taken beyond what is owed is given back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlmodel import select

from emsp import jobs
from emsp.brands.tables import Brand
from emsp.charging.billing.account import Account, account_of
from emsp.charging.billing.give_back import give_back
from emsp.charging.billing.issue import payer_of
from emsp.charging.dues.due import fell_due, paid_at_last
from emsp.charging.lifecycle import State
from emsp.charging.session import advance, note
from emsp.charging.tables import Receipt
from emsp.db.engine import Db, transaction
from emsp.errors import AuthenticationRequired, Declined
from emsp.loyalty.points import award
from emsp.money import Money
from emsp.payments import balance, charge, hold, ledger
from emsp.payments.ledger import balances, charges
from emsp.payments.policy import Flow, policy_of
from emsp.payments.tables import Charge, Refund

LOOK_AGAIN_AFTER = timedelta(hours=6)
TOO_LITTLE = "{} is too little to be charged to a card; you need not pay it."
TOO_SMALL = "amount_too_small"
NEEDS_DRIVER = "{} is due; pay it in the app."
NOT_COVERED = "Your balance does not cover all of it: {} is due; pay it in the app."


async def collect_payment(receipt_id: UUID) -> None:
    """Job: take what the receipts of a charge come to, and give back what was taken beyond that."""
    async with transaction() as db:
        session_id = (await db.get_one(Receipt, receipt_id)).session_id
        account = await account_of(db, session_id)
        if account.session.fleet_id:
            await _settled(db, account, f"On your fleet's bill: {account.owed}.")
            return
        await _book_charges(db, account)
        await _use_balance(db, account, account.receipt(receipt_id))
    if account.session.state == State.ENDED:
        await _capture(account)
    await _charge_rest(session_id, receipt_id)
    is_on_its_way = await give_back(session_id)
    async with transaction() as db:
        if is_on_its_way:
            await jobs.defer(db, collect_payment, after=LOOK_AGAIN_AFTER, receipt_id=receipt_id)
        account = await account_of(db, session_id)
        if account.is_even:
            await _settled(db, account, _paid(account))


async def charge_paid(charge_id: UUID) -> None:
    """Job: a charge is paid, whoever heard of it first: book it, and see what that settles."""
    async with transaction() as db:
        reference = (await db.get_one(Charge, charge_id)).reference
    await _look_again(reference)


async def refund_changed(refund_id: UUID) -> None:
    """Job: a refund arrived, or did not: book it."""
    async with transaction() as db:
        reference = (await db.get_one(Refund, refund_id)).reference
    await _look_again(reference.partition(":")[0])


async def _look_again(reference: str) -> None:
    """At the receipt that something is for, if it is for one."""
    async with transaction() as db:
        found = await db.scalar(select(Receipt.id).where(Receipt.id == _uuid(reference)))
    if found:
        await collect_payment(found)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def _book_charges(db: Db, account: Account) -> None:
    """What was paid by card since we last looked."""
    for one in await charge.charges_for(db, account.references):
        if one.state == "PAID":
            amount = Money(one.amount_minor, one.currency)
            await _take_in(db, account, account.receipt(UUID(one.reference)), amount, event="rest_charged")


async def _use_balance(db: Db, account: Account, receipt: Receipt) -> None:
    """What the driver has paid in, or was given, goes first; what was set apart and is not needed is free again."""
    session = account.session
    under_way = sum(one.amount_minor for one in _under_way(await charge.charges_for(db, account.references)))
    owed = Money(account.unpaid.amount_minor - account.given_up_minor - under_way, receipt.currency)
    if owed.amount_minor <= 0:
        await balance.release(db, str(session.id))
        return
    key = str(receipt.id)
    if await balances.used_for(db, key):
        key += f":{account.paid.amount_minor}"
    used = await balance.use(db, reference=str(session.id), receipt=key, driver_id=session.driver_id, owed=owed)
    if used.amount_minor:
        receipt.paid_minor += used.amount_minor
        await note(db, session, f"{used} was paid from your balance.", source="PAYMENT")


async def _capture(account: Account) -> None:
    """By the hold, at most what is held; nothing to take releases it."""
    unpaid = account.unpaid
    wanted = max(unpaid, Money(0, unpaid.currency), key=lambda money: money.amount_minor)
    captured = await hold.capture(str(account.session.id), wanted)
    async with transaction() as db:
        account = await account_of(db, account.session.id)
        await _take_in(db, account, account.first, captured, event="hold_captured")


async def _charge_rest(session_id: UUID, receipt_id: UUID) -> None:
    """From the card what nothing else covers. What is due is not tried again by itself, and never asked for twice."""
    async with transaction() as db:
        account = await account_of(db, session_id)
        known = await charge.charges_for(db, account.references)
        due = [one for one in known if one.state == "DUE"]
        begun = [one for one in _under_way(known) if one.reference == str(receipt_id)]
        rest = await _rest(db, account, receipt_id, [one for one in _under_way(known) if one not in begun])
        opened = None if due else await _open(db, account, receipt_id, rest)
    for number, one in enumerate([*due, *begun]):
        await charge.change_amount(one.id, rest if number == 0 else Money(0, rest.currency))
    if opened:
        await _take(session_id, opened, rest)
    elif rest.amount_minor and account.session.state != State.PAYMENT_DUE:
        text = NEEDS_DRIVER if due else NOT_COVERED
        await fell_due(session_id, due[0].id if due else None, text.format(rest))


async def _rest(db: Db, account: Account, receipt_id: UUID, others: Sequence[Charge]) -> Money:
    """What is to be charged for the receipt, beside `others` that are under way.

    What is too little for that is given up, or owed again when it grew.
    """
    rest = account.unpaid - Money(sum(one.amount_minor for one in others), account.owed.currency)
    nothing = Money(0, rest.currency)
    if rest == account.given_up:
        return nothing
    brand = await db.get_one(Brand, account.session.brand_id)
    if 0 < rest.amount_minor < policy_of(brand.payment_policy).smallest_minor(rest.currency):
        await _give_up(db, account, receipt_id, rest)
        return nothing
    await _give_up(db, account, receipt_id, nothing)
    return max(rest, nothing, key=lambda money: money.amount_minor)


async def _give_up(db: Db, account: Account, receipt_id: UUID, amount: Money) -> None:
    """In all `amount` of a charge is not asked for."""
    more = amount - account.given_up
    reference = f"{receipt_id}:{account.paid.amount_minor}:{amount.amount_minor}"
    if (
        more.amount_minor
        and await charges.charged_off(db, reference=reference, payer=payer_of(account.session), amount=more)
        and more.amount_minor > 0
    ):
        await note(db, account.session, TOO_LITTLE.format(amount), source="PAYMENT")


async def _open(db: Db, account: Account, receipt_id: UUID, rest: Money) -> Charge | None:
    """The charge of the rest; none where there is no rest, or no card that may be charged without the driver."""
    session = account.session
    if not rest.amount_minor or session.payment_flow == Flow.PREPAID or session.payment_method_id is None:
        return None
    return await charge.open_charge(
        db,
        reference=str(receipt_id),
        driver_id=session.driver_id,
        payment_method_id=session.payment_method_id,
        amount=rest,
    )


async def _take(session_id: UUID, opened: Charge, rest: Money) -> None:
    try:
        await charge.collect(opened.id)
    except AuthenticationRequired:
        await fell_due(session_id, opened.id, "Your bank asks you to confirm the payment.")
    except Declined as declined:
        if declined.code == TOO_SMALL:
            await _not_taken(session_id, opened, rest)
        else:
            await fell_due(session_id, opened.id, f"The payment was declined: {declined.message}")
    async with transaction() as db:
        await _book_charges(db, await account_of(db, session_id))


async def _not_taken(session_id: UUID, opened: Charge, rest: Money) -> None:
    """The card processor takes no such small amount, in a currency of which we did not know."""
    await charge.change_amount(opened.id, Money(0, rest.currency))
    async with transaction() as db:
        await _give_up(db, await account_of(db, session_id), UUID(opened.reference), rest)


def _under_way(charges: Sequence[Charge]) -> list[Charge]:
    return [one for one in charges if one.state in charge.UNDER_WAY]


async def _take_in(db: Db, account: Account, receipt: Receipt, amount: Money, *, event: str) -> None:
    """The books and the receipt learn of money that arrived; once per receipt and event."""
    if amount.amount_minor and await ledger.payment_received(
        db, event=event, reference=str(receipt.id), payer=payer_of(account.session), amount=amount
    ):
        receipt.paid_minor += amount.amount_minor


def _paid(account: Account) -> str:
    is_due = account.session.state == State.PAYMENT_DUE
    return "Nothing is due any more." if is_due and not account.paid.amount_minor else f"Paid: {account.paid}."


async def _settled(db: Db, account: Account, text: str) -> None:
    session = account.session
    was_due = session.state == State.PAYMENT_DUE
    if await advance(db, session, State.SETTLED, text, source="PAYMENT"):
        if was_due and account.paid.amount_minor:
            await paid_at_last(db, account)
        brand = await db.get_one(Brand, session.brand_id)
        is_billed = account.receipts[-1].verification.get("reason") != "CREDITED"
        points = session.energy_wh * brand.points_per_kwh // 1000 if is_billed else 0
        await award(db, driver_id=session.driver_id, points=points, reference=str(session.id))
        if points:
            await note(db, session, f"You earned {points} points.")
