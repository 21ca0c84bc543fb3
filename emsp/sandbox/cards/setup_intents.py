"""SetupIntents: a card or a bank account saved for later, with its owner present once."""

from __future__ import annotations

from emsp.sandbox.cards import intents, lists, mandates, payment_methods
from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.cards import Decline
from emsp.sandbox.cards.state import Object, new_id

KIND = "setup_intent"
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
NOT_AUTHENTICATED = Decline(
    "setup_intent_authentication_failure",
    "authentication_not_handled",
    "The provided payment method has failed authentication. Provide another or try again.",
)


def create(call: Call) -> Object:
    """`POST /v1/setup_intents`, confirmed at once with `confirm=true`."""
    params = call.params
    params.only(
        *("customer", "payment_method", "payment_method_data", "payment_method_types", "return_url"),
        *("automatic_payment_methods", "usage", "description", "metadata", "confirm", "mandate_data"),
    )
    customer_id = params.text("customer")
    if customer_id is not None:
        call.find("customer", customer_id, "customer")
    method = intents.given_method(call, customer_id)
    intent = intents.with_method(call, _new(call, customer_id), method)
    call.save(intent, "setup_intent.created")
    return _confirmed(call, intent, method) if params.flag("confirm") else intent


def retrieve(call: Call) -> Object:
    """`GET /v1/setup_intents/{id}`."""
    return intents.find(call, KIND)


def list_(call: Call) -> Object:
    """`GET /v1/setup_intents`, by `customer` or `payment_method`."""
    call.params.only("customer", "payment_method", *lists.PAGING)
    where = {name: call.params.text(name) for name in ("customer", "payment_method")}
    return lists.page(call, KIND, where)


def confirm(call: Call) -> Object:
    """`POST /v1/setup_intents/{id}/confirm`, also with a publishable key and the client secret."""
    call.params.only("payment_method", "payment_method_data", "return_url", "mandate_data")
    intent = intents.find(call, KIND)
    intents.must_be(intent, CONFIRMABLE, "confirmed")
    return _confirmed(call, intent, intents.given_method(call, intent["customer"]))


def cancel(call: Call) -> Object:
    """`POST /v1/setup_intents/{id}/cancel`."""
    call.params.only("cancellation_reason")
    intent = intents.find(call, KIND)
    intents.must_be(intent, CONFIRMABLE, "canceled")
    intent |= {"status": "canceled", "cancellation_reason": call.params.text("cancellation_reason")}
    return call.save({**intent, "next_action": None}, "setup_intent.canceled")


def authenticated(call: Call, intent: Object, succeed: bool) -> Object:
    """The card's owner has answered the bank's question."""
    method = call.find("payment_method", intent["payment_method"])
    if succeed:
        return _succeed(call, intent, method)
    return _fail(call, intent, method, NOT_AUTHENTICATED)


def _new(call: Call, customer_id: str | None) -> Object:
    params = call.params
    intent = call.new(
        KIND,
        "seti",
        application=None,
        cancellation_reason=None,
        customer=customer_id,
        description=params.text("description"),
        last_setup_error=None,
        latest_attempt=None,
        mandate=None,
        metadata=params.merged_metadata({}),
        next_action=None,
        payment_method=None,
        payment_method_options={"card": {"request_three_d_secure": "automatic"}},
        single_use_mandate=None,
        status="requires_payment_method",
        usage=params.choice("usage", "off_session", "on_session", default="off_session"),
        **intents.payment_method_types(call),
    )
    return {**intent, "client_secret": f"{intent['id']}_secret_{new_id('s')[2:]}"}


def _confirmed(call: Call, intent: Object, given: Object | None) -> Object:
    intents.need_return_url(call, intent)
    method = intents.method_to_confirm(call, intent, given)
    intent = intents.with_method(call, intent, method)
    if method["type"] == "sepa_debit":
        method = mandates.agree(call, method)
        return _succeed(call, {**intent, "mandate": method["_mandate"]}, method)
    card = payment_methods.card_of(method)
    if card.refuses_saving and card.decline is not None:
        failed = _fail(call, intent, method, card.decline)
        raise intents.declined(failed, failed["last_setup_error"])
    if card.authentication in ("until_set_up", "always"):
        asked = {"status": "requires_action", "next_action": intents.next_action(call, intent)}
        return call.save({**intent, **asked}, "setup_intent.requires_action")
    return _succeed(call, intent, method)


def _succeed(call: Call, intent: Object, method: Object) -> Object:
    method = {**method, "_is_set_up": intent["usage"] == "off_session"}
    if intent["customer"] is None:
        call.save(method)
    else:
        payment_methods.attach_to(call, method, intent["customer"])
    done = {**intent, "status": "succeeded", "next_action": None, "last_setup_error": None}
    return call.save(done, "setup_intent.succeeded")


def _fail(call: Call, intent: Object, method: Object, decline: Decline) -> Object:
    again = {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    failed = {**intent, **again, "last_setup_error": intents.last_error(decline, method)}
    return call.save(failed, "setup_intent.setup_failed")
