"""What PaymentIntents and SetupIntents have in common: who may see them, which card they are about,
and the question to the card's owner that both may have to ask."""

from __future__ import annotations

from typing import Any

from emsp.sandbox.cards import payment_methods
from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.cards import Decline
from emsp.sandbox.cards.errors import BadParameter, CardDeclined, NotFound, Refused
from emsp.sandbox.cards.state import Object, public

SEEN_WITH_PUBLISHABLE_KEY = frozenset(
    (
        *("id", "object", "amount", "automatic_payment_methods", "canceled_at", "cancellation_reason"),
        *("capture_method", "client_secret", "confirmation_method", "created", "currency", "description"),
        *("last_payment_error", "last_setup_error", "livemode", "next_action", "payment_method"),
        *("payment_method_types", "processing", "receipt_email", "setup_future_usage", "shipping"),
        *("status", "usage"),
    )
)


def find(call: Call, kind: str) -> Object:
    """The intent in the path; with a publishable key only for those who know its client secret."""
    intent = call.find(kind, call.target, "intent")
    secret = call.params.text("client_secret")
    if secret != intent["client_secret"] and (call.is_publishable or secret is not None):
        raise NotFound(kind, call.target, "intent")
    return intent


def publishable(answer: Object) -> Object:
    """The part of an intent that an app may see; other objects as they are."""
    if answer["object"] not in ("payment_intent", "setup_intent"):
        return answer
    return {name: value for name, value in answer.items() if name in SEEN_WITH_PUBLISHABLE_KEY}


def given_method(call: Call, customer_id: str | None) -> Object | None:
    """The card named by `payment_method` or described by `payment_method_data`, if it may be used here."""
    params = call.params
    if "payment_method_data" in params:
        return payment_methods.from_data(call, params.child("payment_method_data"))
    method_id = params.text("payment_method")
    if method_id is None:
        return None
    method = payment_methods.resolve(call, method_id, "payment_method")
    if method["customer"] not in (None, customer_id):
        raise Refused(
            f"The PaymentMethod {method['id']} belongs to a Customer: the intent must name the same Customer.",
            param="payment_method",
        )
    return method


def method_to_confirm(call: Call, intent: Object, given: Object | None) -> Object:
    """The card that a confirmation is about: the given one, or the one that the intent has."""
    if given is not None:
        return given
    if intent["payment_method"] is None:
        raise Refused(
            "This intent cannot be confirmed because it is missing a payment method: "
            "send `payment_method`, or update the intent with one first.",
            code=f"{intent['object']}_unexpected_state",
            **_inside(intent),
        )
    return payment_methods.resolve(call, intent["payment_method"], "payment_method")


def with_method(call: Call, intent: Object, method: Object | None) -> Object:
    """The intent with the card it is about, kept as a card of its own."""
    if method is None:
        return intent
    if method["type"] not in intent["payment_method_types"]:
        raise Refused(
            f"The PaymentMethod provided ({method['type']}) is not allowed here: this intent takes "
            f"{', '.join(intent['payment_method_types'])}.",
            param="payment_method",
        )
    call.save(method)
    return {**intent, "payment_method": method["id"], "status": "requires_confirmation"}


def payment_method_types(call: Call) -> Object:
    """`payment_method_types` and `automatic_payment_methods` as the request chooses them."""
    types = call.params.texts("payment_method_types")
    if not set(types) <= {"card", "sepa_debit"}:
        raise BadParameter("This sandbox knows `card` and `sepa_debit`.", param="payment_method_types")
    if types:
        return {"payment_method_types": types, "automatic_payment_methods": None}
    redirects = call.params.child("automatic_payment_methods").text("allow_redirects") or "always"
    automatic = {"allow_redirects": redirects, "enabled": True}
    return {"payment_method_types": ["card"], "automatic_payment_methods": automatic}


def need_return_url(call: Call, intent: Object) -> None:
    """Refuse a confirmation by a server that allows redirects and names no way back, as Stripe does."""
    automatic = intent["automatic_payment_methods"]
    if call.is_publishable or automatic is None or automatic["allow_redirects"] == "never":
        return
    if call.params.text("return_url") is None:
        raise Refused(
            "This intent accepts payment methods that may redirect the customer away, so a `return_url` is "
            "needed. Without redirects, create it with `payment_method_types[]=card` or with "
            "`automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never`.",
            param="return_url",
        )


def next_action(call: Call, intent: Object) -> Object:
    """Where the card's owner is to be authenticated."""
    page = f"{call.base_url}/sandbox/authenticate/{intent['id']}"
    return_url = call.params.text("return_url")
    if return_url is not None:
        return {"type": "redirect_to_url", "redirect_to_url": {"url": page, "return_url": return_url}}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": page}}


def must_be(intent: Object, allowed: tuple[str, ...], done: str) -> None:
    """Refuse with `payment_intent_unexpected_state` (or setup) unless the status allows what is asked."""
    if intent["status"] not in allowed:
        name = "PaymentIntent" if intent["object"] == "payment_intent" else "SetupIntent"
        raise Refused(
            f"This {name} could not be {done} because it has a status of {intent['status']}. "
            f"Only a {name} with one of the following statuses may be {done}: {', '.join(allowed)}.",
            code=f"{intent['object']}_unexpected_state",
            **_inside(intent),
        )


def _inside(intent: Object) -> dict[str, Any]:
    return {intent["object"]: public(intent)}


def last_error(decline: Decline, method: Object, **also: str) -> Object:
    """What the intent remembers of a declined attempt."""
    said = {"code": decline.code, "decline_code": decline.decline_code, "message": decline.message}
    return {"type": "card_error", **said, **also, "payment_method": public(method)}


def declined(intent: Object, error: Object) -> CardDeclined:
    """The 402 for a declined attempt, with the intent inside, as Stripe answers."""
    details = {name: error.get(name) for name in ("code", "decline_code", "charge")}
    return CardDeclined(error["message"], **details, **_inside(intent))
