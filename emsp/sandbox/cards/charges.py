"""Charges: one attempt each to hold or take money from a card.

As at Stripe, `amount_refunded` counts what was released uncaptured as well as what was paid back;
`_released` tells the two apart in the sandbox's own books.
"""

from __future__ import annotations

from emsp.sandbox.cards import balance, lists, payment_methods
from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.cards import Decline
from emsp.sandbox.cards.state import Object

HOLD_S = 7 * 24 * 3600
HOLD_VISA_OFF_SESSION_S = (4 * 24 + 18) * 3600
INCREMENTAL_BRANDS = ("visa", "mastercard", "amex", "discover", "unionpay")


def retrieve(call: Call) -> Object:
    """`GET /v1/charges/{id}`."""
    return call.find("charge", call.target)


def list_(call: Call) -> Object:
    """`GET /v1/charges`, by `customer` or `payment_intent`."""
    call.params.only("customer", "payment_intent", *lists.PAGING)
    return lists.page(call, "charge", {n: call.params.text(n) for n in ("customer", "payment_intent")})


def authorise(call: Call, intent: Object, method: Object) -> Object:
    """A charge that the issuer approved: the amount is held, nothing is captured yet."""
    network = "approved_by_network"
    outcome = {"network_status": network, "reason": None, "seller_message": "Payment complete.", "type": "authorized"}
    charge = _new(call, intent, method, outcome)
    return call.save({**charge, "status": "succeeded", "paid": True}, "charge.succeeded")


def fail(call: Call, intent: Object, method: Object, decline: Decline) -> Object:
    """A charge that the issuer declined."""
    outcome = {
        "network_status": "declined_by_network",
        "reason": decline.decline_code,
        "seller_message": "The bank did not accept the charge.",
        "type": "issuer_declined",
    }
    why = {"failure_code": decline.code, "failure_message": decline.message}
    charge = _new(call, intent, method, outcome)
    return call.save({**charge, **why, "status": "failed", "paid": False}, "charge.failed")


def pending(call: Call, intent: Object, method: Object, mandate: str) -> Object:
    """A debit that the payer's bank has not answered yet."""
    outcome = {"network_status": "approved_by_network", "reason": None, "seller_message": "Payment complete."}
    charge = _new(call, intent, method, {**outcome, "type": "authorized"})
    taken = {"captured": True, "amount_captured": charge["amount"]}
    charge["payment_method_details"]["sepa_debit"]["mandate"] = mandate
    return call.save({**charge, **taken, "status": "pending", "paid": False}, "charge.pending")


def capture(call: Call, charge: Object, amount_minor: int, *happened: str) -> Object:
    """Take `amount_minor` of the held amount and release the rest."""
    released = charge["amount"] - amount_minor
    transaction = balance.book(call, "charge", charge, amount_minor, fee=balance.fee_minor(amount_minor))
    taken = {"captured": True, "amount_captured": amount_minor, "balance_transaction": transaction}
    rest = {"amount_refunded": released, "_released": released}
    details = _card_details(charge, capture_before=None)
    return call.save({**charge, **taken, **rest, "payment_method_details": details}, *happened)


def release(call: Call, charge: Object, happened: str) -> Object:
    """Give back the whole held amount."""
    back = {"amount_refunded": charge["amount"], "_released": charge["amount"], "refunded": True}
    return call.save({**charge, **back}, happened)


def increase(call: Call, charge: Object, amount_minor: int) -> Object:
    """Hold `amount_minor` in all."""
    details = _card_details(charge, amount_authorized=amount_minor)
    return call.save({**charge, "amount": amount_minor, "payment_method_details": details}, "charge.updated")


def can_increase(charge: Object) -> bool:
    """Whether the hold may be raised: asked for at the start, and known to the card's network."""
    return bool(charge["payment_method_details"]["card"]["incremental_authorization"]["status"] == "available")


def _card_details(charge: Object, **changed: int | None) -> Object:
    details = charge["payment_method_details"]
    return {**details, "card": {**details["card"], **changed}}


def _new(call: Call, intent: Object, method: Object, outcome: Object) -> Object:
    copied = ("amount", "currency", "customer", "description", "receipt_email", "metadata")
    return call.new(
        "charge",
        "ch",
        **{name: intent[name] for name in copied},
        amount_captured=0,
        amount_refunded=0,
        balance_transaction=None,
        billing_details=method["billing_details"],
        captured=False,
        disputed=False,
        failure_balance_transaction=None,
        failure_code=None,
        failure_message=None,
        fraud_details={},
        outcome={"risk_level": "normal", **outcome},
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details=_method_details(call, intent, method),
        receipt_number=None,
        receipt_url=None,
        refunded=False,
        statement_descriptor=None,
        statement_descriptor_suffix=intent["statement_descriptor_suffix"],
        _released=0,
    )


def _method_details(call: Call, intent: Object, method: Object) -> Object:
    if method["type"] == "sepa_debit":
        shown = {name: value for name, value in method["sepa_debit"].items() if name != "generated_from"}
        return {"type": "sepa_debit", "sepa_debit": shown}
    return {"type": "card", "card": _details(call, intent, method)}


def _details(call: Call, intent: Object, method: Object) -> Object:
    card = payment_methods.card_of(method)
    copied = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet")
    short_hold = card.brand == "visa" and intent["_off_session"]
    hold_s = HOLD_VISA_OFF_SESSION_S if short_hold else HOLD_S
    asked = intent["payment_method_options"]["card"].get("request_incremental_authorization") == "if_available"
    incremental = asked and card.brand in INCREMENTAL_BRANDS
    return {
        **{name: method["card"][name] for name in copied},
        "amount_authorized": intent["amount"],
        "capture_before": call.now + hold_s if intent["capture_method"] == "manual" else None,
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "available" if incremental else "unavailable"},
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "three_d_secure": None,
    }
