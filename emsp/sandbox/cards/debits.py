"""SEPA Direct Debits: sent, under way for days, then taken or refused by the payer's bank."""

from __future__ import annotations

from emsp.sandbox.cards import balance, charges, disputes, intents, mandates, payment_methods
from emsp.sandbox.cards.bank_accounts import FAILS, FAILURES
from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.errors import BadParameter
from emsp.sandbox.cards.state import Object, public

FEE_MINOR = 35


def send(call: Call, intent: Object, method: Object) -> Object:
    """The payer's bank is asked; the answer takes days."""
    if intent["currency"] != "eur" or intent["capture_method"] == "manual":
        raise BadParameter(
            "SEPA Direct Debits are in euro and captured automatically.", param="payment_method", code="invalid_request"
        )
    mandate = mandates.in_force(call, method)
    charge = charges.pending(call, intent, method, mandate)
    under_way = {"status": "processing", "latest_charge": charge["id"], "last_payment_error": None}
    return call.save({**intent, **under_way, "next_action": None}, "payment_intent.processing")


def settle(call: Call, intent: Object, succeed: bool | None, failure_code: str | None) -> Object:
    """The payer's bank has answered: as it is told, else as the account is known for."""
    intents.must_be(intent, ("processing",), "settled")
    charge = call.find("charge", intent["latest_charge"])
    method = call.find("payment_method", intent["payment_method"])
    account = payment_methods.account_of(method)
    succeed = account.failure_code is None if succeed is None else succeed
    if not succeed:
        return _failed(call, intent, charge, method, failure_code or account.failure_code or FAILS)
    taken = _taken(call, intent, charge)
    if account.disputes:
        disputes.open_(call, call.find("charge", charge["id"]), reason="debit_not_authorized")
    return taken


def _taken(call: Call, intent: Object, charge: Object) -> Object:
    transaction = balance.book(call, "payment", charge, charge["amount"], category="charge", fee=FEE_MINOR)
    paid = {"status": "succeeded", "paid": True, "balance_transaction": transaction}
    call.save({**charge, **paid}, "charge.succeeded")
    done = {"status": "succeeded", "amount_received": charge["amount"]}
    return call.save({**intent, **done}, "payment_intent.succeeded")


def _failed(call: Call, intent: Object, charge: Object, method: Object, code: str) -> Object:
    if code not in FAILURES:
        raise BadParameter(f"Unknown failure code: one of {', '.join(FAILURES)}.", param="failure_code")
    why = {"failure_code": code, "failure_message": FAILURES[code]}
    nothing = {"status": "failed", "captured": False, "amount_captured": 0}
    call.save({**charge, **why, **nothing}, "charge.failed")
    said = {"type": "invalid_request_error", "code": code, "message": FAILURES[code], "charge": charge["id"]}
    again = {"status": "requires_payment_method", "payment_method": None}
    error = {**said, "payment_method": public(method)}
    return call.save({**intent, **again, "last_payment_error": error}, "payment_intent.payment_failed")
