"""Payouts: the merchant's balance on its way to the merchant's bank account."""

from __future__ import annotations

from emsp.sandbox.cards import balance, lists
from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.errors import Refused
from emsp.sandbox.cards.state import Object

ARRIVES_AFTER_S = 2 * 24 * 3600
FAILURE = "The bank account could not be located."


def retrieve(call: Call) -> Object:
    """`GET /v1/payouts/{id}`."""
    return call.find("payout", call.target, "payout")


def list_(call: Call) -> Object:
    """`GET /v1/payouts`, by `status`."""
    call.params.only("status", *lists.PAGING)
    return lists.page(call, "payout", {"status": call.params.text("status")})


def pay(call: Call, currency: str, amount: int | None) -> Object:
    """Pay out `amount`, or all there is."""
    there = balance.standing(call.state).get(currency, 0)
    amount = there if amount is None else amount
    if not 0 < amount <= there:
        raise Refused(f"There are {there} on the balance.", code="balance_insufficient", param="amount")
    payout = _new(call, currency, amount)
    payout["balance_transaction"] = balance.book(call, "payout", payout, -amount)
    call.save({**payout, "status": "in_transit"}, "payout.created")
    return call.save(payout, "payout.paid")


def fail(call: Call, payout_id: str) -> Object:
    """The bank sends a payout back."""
    payout = call.find("payout", payout_id, "payout")
    if payout["status"] == "failed":
        raise Refused("This payout has failed already.")
    back = balance.book(call, "payout_failure", payout, payout["amount"], category="payout_reversal")
    why = {"failure_code": "no_account", "failure_message": FAILURE, "failure_balance_transaction": back}
    return call.save({**payout, **why, "status": "failed"}, "payout.failed")


def _new(call: Call, currency: str, amount: int) -> Object:
    return call.new(
        "payout",
        "po",
        amount=amount,
        arrival_date=call.now + ARRIVES_AFTER_S,
        automatic=True,
        balance_transaction=None,
        currency=currency,
        description="SANDBOX PAYOUT",
        destination=None,
        failure_balance_transaction=None,
        failure_code=None,
        failure_message=None,
        metadata={},
        method="standard",
        reconciliation_status="completed",
        source_type="card",
        statement_descriptor=None,
        status="paid",
        type="bank_account",
    )
