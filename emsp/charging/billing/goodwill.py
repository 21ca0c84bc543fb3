"""What support gives back of a charge: a correction of its receipt with a reason, granted once per wish.

The money follows as after any correction: the payment job sends back what was taken beyond what is owed.
"""

from __future__ import annotations

from uuid import UUID

from sqlmodel import select

from emsp import events, logs
from emsp.charging.billing.difference import in_force
from emsp.charging.billing.given import given_back
from emsp.charging.billing.issue import bill_in, issue, payer_of, receipts_of, tell_fleet, total_of
from emsp.charging.happened import ReceiptIssued
from emsp.charging.records.judge import case_of
from emsp.charging.session import locked, note
from emsp.charging.tables import Receipt
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid, Refused
from emsp.money import Money
from emsp.payments import ledger

REASON_MAX = 300
log = logs.log(__name__)


async def give_goodwill(session_id: UUID, amount: Money | None, reason: str, request_key: str | None = None) -> Receipt:
    """Give back `amount` of what a charge costs, or all that stands of it (None): the receipt that says so.

    The same wish twice (by default the same charge, amount and reason) is granted once. Raises NotFound; Invalid for
    an amount or a reason that makes no sense; Refused: NOT_BILLED, NOTHING_STANDS, MORE_THAN_STANDS, OTHER_CURRENCY,
    and KEY_REUSED for a key that was used for another charge.
    """
    said = _checked(amount, reason)
    key = request_key or f"{session_id}:{amount or 'all'}:{said}"
    async with transaction() as db:
        session = await locked(db, session_id)
        if granted := await _granted(db, session_id, key):
            return granted
        receipts = await receipts_of(db, session_id)
        if not receipts:
            raise Refused("NOT_BILLED", "There is no receipt for this charge: nothing was billed.", "session")
        stands = in_force([bill_in(receipt) for receipt in receipts])
        gift = given_back(stands, _within(amount, stands.total).amount_minor)
        case = await case_of(db, session)
        receipt = await issue(
            db,
            case,
            gift,
            record_id=None,
            verification=receipts[-1].verification,
            corrects=receipts[0],
            reason=said,
            request_key=key,
        )
        await ledger.charge_corrected(
            db,
            reference=str(receipt.id),
            payer=payer_of(session),
            net_minor=receipt.net_minor,
            total=total_of(receipt),
        )
        if session.fleet_id:
            await tell_fleet(db, case, receipt, energy_wh=0)
        given = Money(-receipt.total_minor, receipt.currency)
        await note(db, session, f"Our support gives back {given}, receipt {receipt.number}: {said}", source="PAYMENT")
        await events.emit(db, ReceiptIssued(receipt_id=receipt.id))
    log.info("support gave back", session_id=str(session_id), receipt=receipt.number, amount=str(given))
    return receipt


def _checked(amount: Money | None, reason: str) -> str:
    said = " ".join(reason.split())
    if not said or len(said) > REASON_MAX:
        raise Invalid(f"must be 1 to {REASON_MAX} characters: the driver reads it", "reason")
    if amount is not None and amount.amount_minor <= 0:
        raise Invalid("must be more than nothing", "amount")
    return said


async def _granted(db: Db, session_id: UUID, key: str) -> Receipt | None:
    found: Receipt | None = await db.scalar(select(Receipt).where(Receipt.request_key == key))
    if found and found.session_id != session_id:
        raise Refused("KEY_REUSED", "This key was used for a refund of another charge.", "key")
    return found


def _within(amount: Money | None, stands: Money) -> Money:
    """What is to be given back, which is never more than what stands."""
    if stands.amount_minor <= 0:
        raise Refused("NOTHING_STANDS", "This charge costs nothing any more.", "session")
    if amount is None:
        return stands
    if amount.currency != stands.currency:
        raise Refused("OTHER_CURRENCY", f"The charge was billed in {stands.currency}.", "amount")
    if amount.amount_minor > stands.amount_minor:
        raise Refused("MORE_THAN_STANDS", f"The charge costs {stands} now; more cannot be given back.", "amount")
    return amount


async def billed_in(session_id: UUID) -> str:
    """The currency of the receipt of a charge. Raises Refused (NOT_BILLED) where there is none."""
    async with transaction() as db:
        receipts = await receipts_of(db, session_id)
    if not receipts:
        raise Refused("NOT_BILLED", "There is no receipt for this charge: nothing was billed.", "session")
    return receipts[0].currency
