"""PaymentIntents: money held and captured, or taken at once.

The statuses and what may be done in each are those of Stripe's PaymentIntent lifecycle.
"""

from __future__ import annotations

from emsp.sandbox.cards import charges, intents, lists, payments
from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.errors import BadParameter, Refused
from emsp.sandbox.cards.state import Object, new_id

KIND = "payment_intent"
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = (*CONFIRMABLE, "requires_capture")
INCREMENTS_MAX = 10
AMOUNT_MAX_MINOR = 99_999_999
MINIMUM_MINOR = {
    **{"eur": 50, "usd": 50, "chf": 50, "gbp": 30, "bgn": 100, "dkk": 250, "nok": 300, "sek": 300},
    **{"pln": 200, "ron": 200, "czk": 1_500, "huf": 17_500},
}
UNSET = (
    *("application", "canceled_at", "cancellation_reason", "description", "last_payment_error"),
    *("latest_charge", "next_action", "payment_method", "processing", "receipt_email", "shipping"),
    *("setup_future_usage", "statement_descriptor", "statement_descriptor_suffix"),
)
DETAILS = ("description", "receipt_email", "statement_descriptor_suffix")
CONFIRMING = (
    *("payment_method", "payment_method_data", "payment_method_options", "setup_future_usage"),
    *("off_session", "return_url", "error_on_requires_action", "capture_method", "receipt_email", "mandate_data"),
)


def create(call: Call) -> Object:
    """`POST /v1/payment_intents`, confirmed at once with `confirm=true`."""
    params = call.params
    params.only(
        *("amount", "currency", "customer", "confirm", "metadata", *DETAILS, *CONFIRMING),
        *("payment_method_types", "automatic_payment_methods"),
    )
    customer_id = params.text("customer")
    if customer_id is not None:
        call.find("customer", customer_id, "customer")
    if "off_session" in params and not params.flag("confirm"):
        raise BadParameter("off_session may only be sent together with confirm=true.", param="off_session")
    method = intents.given_method(call, customer_id)
    intent = intents.with_method(call, _changed(call, _new(call, customer_id)), method)
    call.save(intent, "payment_intent.created")
    return _confirmed(call, intent, method) if params.flag("confirm") else intent


def retrieve(call: Call) -> Object:
    """`GET /v1/payment_intents/{id}`."""
    return intents.find(call, KIND)


def list_(call: Call) -> Object:
    """`GET /v1/payment_intents`, by `customer`."""
    call.params.only("customer", *lists.PAGING)
    return lists.page(call, KIND, {"customer": call.params.text("customer")})


def update(call: Call) -> Object:
    """`POST /v1/payment_intents/{id}`; after confirmation only what describes the payment may change."""
    params = call.params
    free = ("metadata", *DETAILS)
    params.only("amount", "payment_method", "payment_method_options", "setup_future_usage", *free)
    intent = intents.find(call, KIND)
    if any(name not in free for name in params.fields if name != "expand"):
        intents.must_be(intent, CONFIRMABLE, "updated")
    method = intents.given_method(call, intent["customer"])
    return call.save(intents.with_method(call, _changed(call, intent), method))


def confirm(call: Call) -> Object:
    """`POST /v1/payment_intents/{id}/confirm`, also with a publishable key and the client secret."""
    call.params.only(*CONFIRMING)
    intent = intents.find(call, KIND)
    intents.must_be(intent, CONFIRMABLE, "confirmed")
    return _confirmed(call, _changed(call, intent), intents.given_method(call, intent["customer"]))


def capture(call: Call) -> Object:
    """`POST /v1/payment_intents/{id}/capture`: `amount_to_capture` at most; the rest is released."""
    call.params.only("amount_to_capture", "metadata", "statement_descriptor_suffix", "final_capture")
    intent = intents.find(call, KIND)
    intents.must_be(intent, ("requires_capture",), "captured")
    amount = call.params.integer("amount_to_capture")
    amount = intent["amount_capturable"] if amount is None else amount
    if amount == 0:
        raise BadParameter("amount_to_capture must be at least 1.", param="amount_to_capture")
    if amount > intent["amount_capturable"]:
        raise Refused(
            f"amount_to_capture ({amount}) is more than the {intent['amount_capturable']} that can be captured.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    charge = call.find("charge", intent["latest_charge"])
    intent["metadata"] = call.params.merged_metadata(intent["metadata"])
    return payments.take(call, intent, charge, amount, "charge.captured")


def cancel(call: Call) -> Object:
    """`POST /v1/payment_intents/{id}/cancel`: a hold is released at once."""
    reasons = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
    call.params.only("cancellation_reason")
    reason = None
    if "cancellation_reason" in call.params:
        reason = call.params.choice("cancellation_reason", *reasons, default="abandoned")
    intent = intents.find(call, KIND)
    intents.must_be(intent, CANCELABLE, "canceled")
    return canceled(call, intent, reason, "charge.refunded")


def canceled(call: Call, intent: Object, reason: str | None, charge_event: str) -> Object:
    """End the intent without taking anything."""
    if intent["status"] == "requires_capture":
        charges.release(call, call.find("charge", intent["latest_charge"]), charge_event)
    ended = {"status": "canceled", "canceled_at": call.now, "cancellation_reason": reason}
    return call.save({**intent, **ended, "amount_capturable": 0, "next_action": None}, "payment_intent.canceled")


def increment(call: Call) -> Object:
    """`POST /v1/payment_intents/{id}/increment_authorization`: hold `amount` in all, if the card allows it."""
    call.params.only("amount", "description", "metadata")
    intent = intents.find(call, KIND)
    amount = _payable(call, intent["currency"])
    intents.must_be(intent, ("requires_capture",), "incremented")
    charge = call.find("charge", intent["latest_charge"])
    if not charges.can_increase(charge):
        raise Refused("This PaymentIntent is not eligible for incremental authorization.")
    if amount <= intent["amount"]:
        raise Refused(f"The new amount must be more than the authorized {intent['amount']}.", param="amount")
    if intent["_increments"] >= INCREMENTS_MAX:
        raise Refused(f"A PaymentIntent may be incremented at most {INCREMENTS_MAX} times.")
    charges.increase(call, charge, amount)
    raised = {"amount": amount, "amount_capturable": amount, "_increments": intent["_increments"] + 1}
    metadata = call.params.merged_metadata(intent["metadata"])
    return call.save({**intent, **raised, "metadata": metadata}, "payment_intent.amount_capturable_updated")


def _confirmed(call: Call, intent: Object, given: Object | None) -> Object:
    intents.need_return_url(call, intent)
    method = intents.method_to_confirm(call, intent, given)
    choice = {
        "_off_session": not call.is_publishable and call.params.text("off_session") not in (None, "false"),
        "_error_on_requires_action": call.params.flag("error_on_requires_action"),
    }
    return payments.attempt(call, {**intents.with_method(call, intent, method), **choice}, method)


def _payable(call: Call, currency: str) -> int:
    call.params.required("amount")
    amount, minimum = call.params.integer("amount") or 0, MINIMUM_MINOR.get(currency, 1)
    if amount < minimum:
        raise BadParameter(
            f"Amount must be at least {minimum} (minor units) in {currency}.",
            param="amount",
            code="amount_too_small",
        )
    if amount > AMOUNT_MAX_MINOR:
        raise BadParameter(f"Amount must be no more than {AMOUNT_MAX_MINOR}.", param="amount", code="amount_too_large")
    return amount


def _changed(call: Call, intent: Object) -> Object:
    params = call.params
    changed: Object = {name: params.text(name) for name in (*DETAILS, "setup_future_usage") if name in params}
    if "amount" in params:
        changed["amount"] = _payable(call, intent["currency"])
    if "capture_method" in params:
        changed["capture_method"] = params.choice(
            "capture_method", "automatic", "automatic_async", "manual", default="automatic_async"
        )
    card_options = params.child("payment_method_options").child("card").fields
    kept_options = intent["payment_method_options"]["card"]
    options = {"card": {**kept_options, **card_options}}
    metadata = params.merged_metadata(intent["metadata"])
    return {**intent, **changed, "payment_method_options": options, "metadata": metadata}


def _new(call: Call, customer_id: str | None) -> Object:
    currency = call.params.required("currency").lower()
    intent = call.new(
        KIND,
        "pi",
        **dict.fromkeys(UNSET),
        amount=_payable(call, currency),
        amount_capturable=0,
        amount_received=0,
        capture_method="automatic_async",
        confirmation_method="automatic",
        currency=currency,
        customer=customer_id,
        metadata={},
        payment_method_options={"card": {"request_three_d_secure": "automatic"}},
        status="requires_payment_method",
        _increments=0,
        **intents.payment_method_types(call),
    )
    return {**intent, "client_secret": f"{intent['id']}_secret_{new_id('s')[2:]}"}
