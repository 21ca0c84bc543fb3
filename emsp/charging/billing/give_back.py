"""Money back for a charge that was corrected: refunds on what was taken for it, booked once they arrived."""

from __future__ import annotations

from uuid import UUID

from emsp import logs
from emsp.charging.billing.account import Account, account_of
from emsp.charging.billing.issue import payer_of
from emsp.charging.session import note, note_once
from emsp.charging.tables import ChargingSession
from emsp.db.engine import Db, transaction
from emsp.money import Money
from emsp.payments import charge, hold, ledger, refund
from emsp.payments.tables import Refund

REASON = "the charge was corrected"
log = logs.log(__name__)


async def give_back(session_id: UUID) -> bool:
    """Send back what was taken beyond what is owed; whether some of it is still on its way."""
    async with transaction() as db:
        account = await account_of(db, session_id)
        await _book_refunds(db, account)
        await _open_refunds(db, account)
        waiting = [one.id for one in await _refunds(db, account) if one.state in refund.UNDER_WAY]
    for refund_id in waiting:
        await refund.give_back(refund_id)
    if not waiting:
        return False
    async with transaction() as db:
        account = await account_of(db, session_id)
        await _book_refunds(db, account)
        return any(one.state in refund.UNDER_WAY for one in await _refunds(db, account))


async def _open_refunds(db: Db, account: Account) -> None:
    """As many as it takes, the last payment first; they are told of on the last correction."""
    refunds = await _refunds(db, account)
    under_way_minor = sum(one.amount_minor for one in refunds if one.state in refund.UNDER_WAY)
    over_minor = account.paid.amount_minor - account.owed.amount_minor - under_way_minor
    for payment_id, taken_minor in await _payments(db, account):
        given_minor = sum(one.amount_minor for one in refunds if one.payment_id == payment_id and one.state != "FAILED")
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


async def _book_refunds(db: Db, account: Account) -> None:
    """What became of refunds is booked and told once."""
    receipts = {str(receipt.id): receipt for receipt in account.receipts}
    for one in await _refunds(db, account):
        amount, payer = Money(one.amount_minor, one.currency), payer_of(account.session)
        if one.state == "DONE" and await ledger.payment_given_back(
            db, reference=one.reference, payer=payer, amount=amount
        ):
            receipts[one.reference.partition(":")[0]].paid_minor -= one.amount_minor
            await note(db, account.session, f"Given back to your card: {amount}.", source="PAYMENT")
        elif one.state == "FAILED":
            await _tell_of_failure(db, account.session, amount, one)
    await db.flush()


async def _payments(db: Db, account: Account) -> list[tuple[str, int]]:
    """What was taken, the last first: the processor's ids with minor units."""
    charges = reversed(await charge.charges_for(db, account.references))
    taken = [(one.processor_id, one.amount_minor) for one in charges if one.state == "PAID"]
    held = await hold.captured(db, str(account.session.id))
    return [(payment_id, minor) for payment_id, minor in [*taken, *held] if payment_id]


async def _refunds(db: Db, account: Account) -> list[Refund]:
    return await refund.refunds_on(db, [payment_id for payment_id, _ in await _payments(db, account)])


async def _tell_of_failure(db: Db, session: ChargingSession, amount: Money, failed: Refund) -> None:
    text = f"{amount} could not be given back to your card; our support takes care of it."
    if await note_once(db, session, text):
        log.error("a refund failed", session_id=str(session.id), refund=str(failed.id), reason=failed.failure)
