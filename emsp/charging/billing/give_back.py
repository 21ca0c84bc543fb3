"""Money back for a charge that was corrected: to the cards that paid, the last first, then to the driver's balance.

Refunds are booked once they arrived, and taken out of the books again should they come back.
"""

from __future__ import annotations

from uuid import UUID

from emsp import logs
from emsp.charging.billing.account import Account, account_of
from emsp.charging.billing.issue import payer_of
from emsp.charging.session import note, note_once
from emsp.charging.tables import ChargingSession
from emsp.db.engine import Db, transaction
from emsp.money import Money
from emsp.payments import balance, charge, hold, ledger, refund
from emsp.payments.ledger import charges
from emsp.payments.tables import Refund

REASON = "the charge was corrected"
log = logs.log(__name__)


async def give_back(session_id: UUID) -> bool:
    """Send back what was taken beyond what is owed; whether some of it is still on its way."""
    async with transaction() as db:
        account = await account_of(db, session_id)
        await _book_refunds(db, account)
        await _to_balance(db, account, await _open_refunds(db, account))
        waiting = [one.id for one in await _refunds(db, account) if one.state in refund.UNDER_WAY]
    for refund_id in waiting:
        await refund.give_back(refund_id)
    if not waiting:
        return False
    async with transaction() as db:
        account = await account_of(db, session_id)
        await _book_refunds(db, account)
        return any(one.state in refund.UNDER_WAY for one in await _refunds(db, account))


async def _open_refunds(db: Db, account: Account) -> Money:
    """As many as it takes; they are told of on the last correction. What is left that no card paid."""
    refunds = await _refunds(db, account)
    under_way_minor = sum(one.amount_minor for one in refunds if one.state in refund.UNDER_WAY)
    over_minor = -account.unpaid.amount_minor - under_way_minor
    for payment_id, taken_minor in await _payments(db, account):
        of_payment = [one for one in refunds if one.payment_id == payment_id]
        given_minor = sum(one.amount_minor for one in of_payment if one.state != "FAILED")
        back_minor = min(over_minor, taken_minor - given_minor)
        if back_minor > 0 and await refund.open_refund(
            db,
            reference=f"{account.receipts[-1].id}:{payment_id}",
            driver_id=account.session.driver_id,
            payment_id=payment_id,
            amount=Money(back_minor, account.owed.currency),
            reason=REASON,
        ):
            over_minor -= back_minor
    return Money(max(over_minor, 0), account.owed.currency)


async def _to_balance(db: Db, account: Account, over: Money) -> None:
    """What the balance paid goes back there; once per correction."""
    used = await balance.used(db, account.references)
    amount = min(over, Money(sum(one.amount_minor for one in used.values()), over.currency), key=_minor)
    session, last = account.session, account.receipts[-1]
    reference = f"{last.id}:balance"
    if amount.amount_minor > 0 and await balance.give_back(
        db, reference=reference, driver_id=session.driver_id, amount=amount, receipts=account.references
    ):
        last.paid_minor -= amount.amount_minor
        await note(db, session, f"Given back to your balance: {amount}.", source="PAYMENT")


def _minor(money: Money) -> int:
    return money.amount_minor


async def _book_refunds(db: Db, account: Account) -> None:
    """What became of refunds is booked and told once."""
    receipts = {str(receipt.id): receipt for receipt in account.receipts}
    for one in await _refunds(db, account):
        amount, payer = Money(one.amount_minor, one.currency), payer_of(account.session)
        receipt = receipts[one.reference.partition(":")[0]]
        if one.state == "DONE" and await ledger.payment_given_back(
            db, reference=one.reference, payer=payer, amount=amount
        ):
            receipt.paid_minor -= one.amount_minor
            await note(db, account.session, f"Given back to your card: {amount}.", source="PAYMENT")
        elif one.state == "FAILED":
            await _tell_of_failure(db, account.session, amount, one)
            if await charges.was_given_back(db, one.reference) and await charges.giving_back_failed(
                db, reference=one.reference, payer=payer, amount=amount
            ):
                receipt.paid_minor += one.amount_minor
    await db.flush()


async def _payments(db: Db, account: Account) -> list[tuple[str, int]]:
    """What was taken, the last first: the processor's ids with minor units."""
    known = reversed(await charge.charges_for(db, account.references))
    taken = [(one.processor_id, one.amount_minor) for one in known if one.state == "PAID"]
    held = await hold.captured(db, str(account.session.id))
    return [(payment_id, minor) for payment_id, minor in [*taken, *held] if payment_id]


async def _refunds(db: Db, account: Account) -> list[Refund]:
    return await refund.refunds_on(db, [payment_id for payment_id, _ in await _payments(db, account)])


async def _tell_of_failure(db: Db, session: ChargingSession, amount: Money, failed: Refund) -> None:
    text = f"{amount} could not be given back to your card; our support takes care of it."
    if await note_once(db, session, text):
        log.error("a refund failed", session_id=str(session.id), refund=str(failed.id), reason=failed.failure)
