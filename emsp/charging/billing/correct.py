"""A charge that is billed, and whose records changed since: the operator's account, and a correction of the receipt.

A receipt is never changed. A correction is a receipt of its own that takes back the lines which stood and sets others
in their place; it exists only where the driver's bill differs.
"""

from __future__ import annotations

from typing import Any

from emsp import events, logs
from emsp.charging.billing.difference import at_most, correction, in_force, nothing
from emsp.charging.billing.given import still_given
from emsp.charging.billing.issue import (
    bill_in,
    fleet_reference,
    issue,
    payer_of,
    receipts_of,
    seller_of,
    tell_fleet,
    total_of,
)
from emsp.charging.happened import ReceiptIssued
from emsp.charging.lifecycle import State
from emsp.charging.records import claims
from emsp.charging.records.judge import Case, Judgement, case_of, judged
from emsp.charging.records.record import Record
from emsp.charging.session import note, note_once
from emsp.charging.tables import ChargeRecord, ChargingSession, Receipt
from emsp.charging.track import whole
from emsp.db.engine import Db
from emsp.fleets.bill import energy_charged
from emsp.loyalty import points
from emsp.money import Money, round_money
from emsp.payments import ledger
from emsp.pricing.engine.billed import Bill
from emsp.pricing.retail.plans import use_allowance
from emsp.pricing.retail.prices import LateCorrections
from emsp.pricing.retail.sale import policy_of

REFUSED = "The operator's new record cannot be right. {reason} Your receipt is unchanged."
SECOND = "The operator sent a second record, for another time; it is not billed, and our support looks at it."
UNCHANGED = "The operator's records of this charge changed; your receipt is unchanged."
CREDITED = {"result": "NOT_CHECKABLE", "reason": "CREDITED", "computed": None}
log = logs.log(__name__)


async def correct_charge(db: Db, session: ChargingSession, cause: ChargeRecord) -> None:
    """Bring the books and the driver's bill to what stands, now that `cause` arrived. Run again, it changes nothing."""
    receipts, case = await receipts_of(db, session.id), await case_of(db, session)
    if cause.id in (billed := {receipt.record_id for receipt in receipts if receipt.record_id}):
        return
    judgement = await judged(db, case, billed=billed, currency=receipts[0].currency)
    await _tell_of_what_is_not_billed(db, session, cause, judgement)
    await _correct_operators_account(db, case, cause, judgement)
    bills = [bill_in(receipt) for receipt in receipts]
    corrected = correction(in_force(bills), still_given(_due(case, receipts[0], judgement), bills))
    if judgement.stands:
        follow(session, judgement.stands.record)
    if corrected:
        await _correct_receipt(db, case, receipts, cause, judgement, corrected)
    elif receipts[-1].issued_at < cause.created_at and cause.id not in (*judgement.refused, *judgement.second):
        await note_once(db, session, UNCHANGED, source="OPERATOR")
    await _correct_points(db, case, cause, judgement)


def _due(case: Case, first: Receipt, judgement: Judgement) -> Bill:
    """What the driver is to be billed in all; by most policies never more than at first."""
    if judgement.stands is None:
        return nothing(first.currency)
    if policy_of(case.brand).late_corrections is LateCorrections.BOTH_WAYS:
        return judgement.stands.bill
    return at_most(judgement.stands.bill, bill_in(first))


async def _tell_of_what_is_not_billed(
    db: Db, session: ChargingSession, cause: ChargeRecord, judgement: Judgement
) -> None:
    if reason := judgement.refused.get(cause.id):
        await note_once(db, session, REFUSED.format(reason=reason), source="OPERATOR")
        log.error("a later record is not billed", session_id=str(session.id), record=cause.external_id, reason=reason)
    if cause.id in judgement.second:
        await note_once(db, session, SECOND, source="OPERATOR")
        log.error("a second record of a charge", session_id=str(session.id), record=cause.external_id)


async def _correct_operators_account(db: Db, case: Case, cause: ChargeRecord, judgement: Judgement) -> None:
    """What we owe follows the record that stands; claims are of records, and end with them."""
    stands = judgement.stands
    asked = await ledger.energy_asked(db, [str(row.id) for row in judgement.rows])
    now = {stands.record.currency: cost_of(stands.record)} if stands else {}
    none = {currency: Money(0, currency) for currency in [*asked, *now]}
    differences = [(none | now)[currency] - (none | asked)[currency] for currency in none]
    if any(difference.amount_minor for difference in differences):
        await ledger.energy_corrected(db, reference=str(cause.id), seller=seller_of(case), differences=differences)
    for row in judgement.rows:
        if stands is None or row.id != stands.row.id:
            await claims.credited(db, row.id, "the operator took this record back")
    if stands:
        await claims.open_claim(db, case.session, stands.row, stands.checked)


async def _correct_receipt(
    db: Db, case: Case, receipts: list[Receipt], cause: ChargeRecord, judgement: Judgement, corrected: Bill
) -> None:
    session, first = case.session, receipts[0]
    checked = judgement.stands.checked.facts if judgement.stands else _credited(first)
    receipt = await issue(db, case, corrected, record_id=cause.id, verification=checked, corrects=first)
    await use_allowance(db, str(session.id), corrected.lines)
    await ledger.charge_corrected(
        db,
        reference=str(receipt.id),
        payer=payer_of(session),
        net_minor=receipt.net_minor,
        total=total_of(receipt),
    )
    if session.fleet_id:
        billed_wh = await energy_charged(db, [fleet_reference(session, one) for one in receipts])
        await tell_fleet(db, case, receipt, _energy_wh(judgement) - billed_wh)
    costs = Money(session.cost_so_far_minor or 0, first.currency)
    text = f"Corrected by {total_of(receipt)}, receipt {receipt.number}; the charge now costs {costs}."
    await note(db, session, text, source="PAYMENT")
    await events.emit(db, ReceiptIssued(receipt_id=receipt.id))


async def _correct_points(db: Db, case: Case, cause: ChargeRecord, judgement: Judgement) -> None:
    """Points are for energy that is billed; before a charge is settled none were given."""
    session = case.session
    if session.state != State.SETTLED:
        return
    earned = _energy_wh(judgement) * case.brand.points_per_kwh // 1000
    given = await points.correct(
        db, driver_id=session.driver_id, charge=str(session.id), points=earned, reference=str(cause.id)
    )
    if given:
        await note(db, session, f"You earned {given} points." if given > 0 else f"{-given} points were taken back.")


def follow(session: ChargingSession, record: Record) -> None:
    """The facts of a charge are those of the record that it is billed by."""
    session.started_at, session.ended_at = record.started_at, record.ended_at
    session.energy_wh = whole(record.energy_wh)


def cost_of(record: Record) -> Money:
    """What the operator asks for, net."""
    return round_money(record.net_cost, record.currency)


def _energy_wh(judgement: Judgement) -> int:
    return whole(judgement.stands.record.energy_wh) if judgement.stands else 0


def _credited(first: Receipt) -> dict[str, Any]:
    """The verification of a correction that sets nothing in the place of what was taken back."""
    return {**CREDITED, "asked": str(Money(0, first.currency).amount), "currency": first.currency}
