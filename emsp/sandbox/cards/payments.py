"""What happens to a PaymentIntent once it is confirmed: asked for, declined, held or taken."""

from __future__ import annotations

from emsp.sandbox.cards import charges, debits, intents, payment_methods
from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.cards import AUTHENTICATION_REQUIRED, Decline
from emsp.sandbox.cards.state import Object

NOT_AUTHENTICATED = Decline(
    "payment_intent_authentication_failure",
    "authentication_not_handled",
    "The provided PaymentMethod has failed authentication. Provide another or try again.",
)


def attempt(call: Call, intent: Object, method: Object) -> Object:
    """Confirm the intent with a card: held or taken, waiting for its owner, or declined with 402.

    A bank account is asked, which takes days.
    """
    if method["type"] == "sepa_debit":
        _keep_card(call, intent, method)
        return debits.send(call, intent, call.find("payment_method", method["id"]))
    card = payment_methods.card_of(method)
    if not card.wants_authentication(intent["_off_session"], method["_is_set_up"]):
        return _settled(call, intent, method)
    if intent["_off_session"] or intent["_error_on_requires_action"]:
        failed = _fail(call, intent, method, AUTHENTICATION_REQUIRED)
        raise intents.declined(failed, failed["last_payment_error"])
    asked = {"status": "requires_action", "next_action": intents.next_action(call, intent)}
    return call.save({**intent, **asked}, "payment_intent.requires_action")


def authenticated(call: Call, intent: Object, succeed: bool) -> Object:
    """The card's owner has answered the bank's question; a decline after it is left on the intent."""
    method = call.find("payment_method", intent["payment_method"])
    decline = payment_methods.card_of(method).decline if succeed else NOT_AUTHENTICATED
    if decline is not None:
        return _fail(call, intent, method, decline)
    return _approve(call, intent, method)


def take(call: Call, intent: Object, charge: Object, amount_minor: int, *happened: str) -> Object:
    """Capture `amount_minor` of an authorised charge, which ends the intent."""
    charge = charges.capture(call, charge, amount_minor, *happened)
    taken = {"status": "succeeded", "amount_capturable": 0, "amount_received": amount_minor}
    return call.save({**intent, **taken, "latest_charge": charge["id"]}, "payment_intent.succeeded")


def _settled(call: Call, intent: Object, method: Object) -> Object:
    decline = payment_methods.card_of(method).decline
    if decline is None:
        return _approve(call, intent, method)
    failed = _fail(call, intent, method, decline)
    raise intents.declined(failed, failed["last_payment_error"])


def _approve(call: Call, intent: Object, method: Object) -> Object:
    _keep_card(call, intent, method)
    charge = charges.authorise(call, intent, method)
    approved = {**intent, "next_action": None, "last_payment_error": None, "latest_charge": charge["id"]}
    if intent["capture_method"] != "manual":
        return take(call, approved, charge, charge["amount"])
    held = {"status": "requires_capture", "amount_capturable": charge["amount"]}
    return call.save({**approved, **held}, "payment_intent.amount_capturable_updated")


def _keep_card(call: Call, intent: Object, method: Object) -> None:
    usage = intent["setup_future_usage"]
    if usage is not None and intent["customer"] is not None:
        set_up = {"_is_set_up": method["_is_set_up"] or usage == "off_session"}
        payment_methods.attach_to(call, {**method, **set_up}, intent["customer"])
    elif method["customer"] is None:
        call.save({**method, "_is_spent": True})


def _fail(call: Call, intent: Object, method: Object, decline: Decline) -> Object:
    charge = charges.fail(call, intent, method, decline)
    again = {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    error = intents.last_error(decline, method, charge=charge["id"])
    failed = {**intent, **again, "latest_charge": charge["id"], "last_payment_error": error}
    return call.save(failed, "payment_intent.payment_failed")
