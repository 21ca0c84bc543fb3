"""From the operator's record to a receipt, in the order of the invoice it produces."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from emsp import clock, events, jobs, logs
from emsp.charging.billing.correct import correct_charge, cost_of, follow
from emsp.charging.billing.issue import issue, payer_of, receipts_of, seller_of, tell_fleet, total_of
from emsp.charging.happened import ReceiptIssued
from emsp.charging.lifecycle import State
from emsp.charging.records import claims
from emsp.charging.records.judge import Case, Judgement, Priced, case_of, judged, kept_in, record_in, records_of
from emsp.charging.records.standing import standing
from emsp.charging.session import advance, locked, note, note_once
from emsp.charging.settlement import accruals
from emsp.charging.tables import ChargeRecord, ChargingSession, Receipt
from emsp.charging.track import whole
from emsp.db.engine import Db, transaction
from emsp.money import Money
from emsp.payments import ledger
from emsp.pricing.retail.plans import use_allowance
from emsp.settings import settings

BILLABLE = "The operator sent a record that can be billed."
NOT_BILLED = "A record arrived for a charge that is not billed."
TAKEN_BACK = "The operator took back its record of this charge. Nothing is charged unless it sends another one."
log = logs.log(__name__)


async def settle_charge(record_id: UUID) -> None:
    """Job: let a charge cost what its records say: billed by the first that can be right, corrected by later ones.

    Run again, it finds the receipt, and nothing to correct.
    """
    async with transaction() as db:
        row = await db.get_one(ChargeRecord, record_id)
        assert row.session_id is not None
        session = await locked(db, row.session_id)
        if await _waits(db, row):
            return
        if await receipts_of(db, session.id):
            await correct_charge(db, session, row)
        elif session.state in (State.ENDED, State.IN_REVIEW):
            await _bill_or_review(db, session)
        elif not record_in(row).credit:
            await note_once(db, session, NOT_BILLED, source="OPERATOR")


async def _waits(db: Db, row: ChargeRecord) -> bool:
    """Whether a credit is so new that a record in place of what it took back may well be on its way.

    Money that is given back and taken again costs fees, and the second time the card may say no.
    """
    assert row.session_id is not None
    rows = await records_of(db, row.session_id)
    left = rows[-1].created_at + timedelta(seconds=settings().credit_wait_s) - clock.now()
    if left <= timedelta() or standing(kept_in(rows)).stands:
        return False
    if row.id == rows[-1].id:
        await jobs.defer(db, settle_charge, after=left, record_id=row.id)
    return True


async def _bill_or_review(db: Db, session: ChargingSession) -> None:
    """Records that cannot be right are not billed: the charge waits for somebody to look at it."""
    case = await case_of(db, session)
    judgement = await judged(db, case)
    if judgement.stands is None:
        await _into_review(db, session, judgement)
        return
    await advance(db, session, State.ENDED, BILLABLE, source="OPERATOR")
    await bill_charge(db, case, judgement.stands)


async def bill_charge(db: Db, case: Case, priced: Priced, *, claim: bool = True) -> Receipt:
    """The receipt for a charge that ended, the books, the fleet's account; the payment follows by job."""
    session, row, checked = case.session, priced.row, priced.checked
    follow(session, priced.record)
    receipt = await issue(db, case, priced.bill, record_id=row.id, verification=checked.facts)
    await use_allowance(db, str(session.id), priced.bill.lines)
    await _book(db, case, receipt, priced)
    if claim:
        await claims.open_claim(db, session, row, checked)
    if session.fleet_id:
        await tell_fleet(db, case, receipt, whole(priced.record.energy_wh))
    await note(db, session, f"Billed: {priced.bill.total}, receipt {receipt.number}.", source="PAYMENT")
    await events.emit(db, ReceiptIssued(receipt_id=receipt.id))
    return receipt


async def _book(db: Db, case: Case, receipt: Receipt, priced: Priced) -> None:
    total, net_minor = total_of(receipt), receipt.net_minor
    payer, seller = payer_of(case.session), seller_of(case)
    await ledger.charge_billed(db, reference=str(receipt.id), payer=payer, net_minor=net_minor, total=total)
    cost = cost_of(priced.record)
    await ledger.energy_bought(db, reference=str(priced.row.id), seller=seller, cost=cost)
    await accruals.true_up(db, case.session, revenue=Money(net_minor, total.currency), cost=cost)


async def _into_review(db: Db, session: ChargingSession, judgement: Judgement) -> None:
    reason = next(reversed(judgement.refused.values()), None)
    told = f"The operator's record of this charge cannot be right. {reason} Nothing is charged until we looked at it."
    if await advance(db, session, State.IN_REVIEW, told if reason else TAKEN_BACK):
        log.error("a charge is in review", session_id=str(session.id), reason=reason or TAKEN_BACK)
