"""Payment methods: cards and bank accounts, loose or attached to a customer.

A shared test id (`pm_card_visa`, `pm_success_de`) becomes one of its own the first time it is attached or paid with. A
loose card that has paid, or an attached one that was detached, is spent and cannot be used again.
"""

from __future__ import annotations

from emsp.sandbox.cards import bank_accounts, cards, lists
from emsp.sandbox.cards.bank_accounts import ACCOUNTS, BankAccount
from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.cards import CARDS, TestCard
from emsp.sandbox.cards.errors import BadParameter, CardDeclined, NotFound, Refused
from emsp.sandbox.cards.forms import Params
from emsp.sandbox.cards.state import Object

EXPIRES = {"exp_month": 12, "exp_year": 2034}


def create(call: Call) -> Object:
    """`POST /v1/payment_methods` with `card[number]` of a test card, `card[token]` or `sepa_debit[iban]`."""
    call.params.only("type", "card", "sepa_debit", "billing_details", "metadata")
    method = from_data(call, call.params)
    method["metadata"] = call.params.merged_metadata({})
    return call.save(method)


def retrieve(call: Call) -> Object:
    """`GET /v1/payment_methods/{id}`, also of one that is spent; a shared test id answers with one that is not kept."""
    method = call.state.get(call.target)
    is_known = method is not None and method["object"] == "payment_method"
    return method if method and is_known else resolve(call, call.target, "payment_method")


def attach(call: Call) -> Object:
    """`POST /v1/payment_methods/{id}/attach`."""
    call.params.only("customer")
    customer = call.find("customer", call.params.required("customer"), "customer")
    method = resolve(call, call.target, "payment_method")
    if method["customer"] not in (None, customer["id"]):
        raise Refused("The payment method you provided has already been attached to a customer.")
    card = card_of(method) if method["type"] == "card" else None
    if card and card.refuses_saving and card.decline is not None:
        raise CardDeclined(card.decline.message, code=card.decline.code, decline_code=card.decline.decline_code)
    return attach_to(call, method, customer["id"])


def detach(call: Call) -> Object:
    """`POST /v1/payment_methods/{id}/detach`; for good, as at Stripe."""
    method = call.find("payment_method", call.target)
    if method["customer"] is None:
        raise Refused("The payment method you provided is not attached to a customer so detachment is impossible.")
    return call.save({**method, "customer": None, "_is_spent": True}, "payment_method.detached")


def list_(call: Call) -> Object:
    """`GET /v1/payment_methods?customer=…`."""
    call.params.only("customer", "type", *lists.PAGING)
    return _of_customer(call, call.params.required("customer"))


def list_of_customer(call: Call) -> Object:
    """`GET /v1/customers/{id}/payment_methods`."""
    call.params.only("type", *lists.PAGING)
    return _of_customer(call, call.target)


def resolve(call: Call, method_id: str, param: str) -> Object:
    """The payment method with this id, a new one for a shared test id; 404 or 400 if it cannot be used."""
    name = cards.by_shared_id(method_id)
    if name is not None:
        return of_card(call, name)
    name = bank_accounts.by_shared_id(method_id)
    if name is not None:
        return of_account(call, name, {"name": "Test Payer", "email": "payer@example.com"})
    method = call.state.get(method_id)
    if method is None or method["object"] != "payment_method":
        raise NotFound("PaymentMethod", method_id, param)
    if method.get("_is_spent"):
        raise Refused(
            "This PaymentMethod was used or detached before without being attached to a Customer: it may not be "
            "used again. Attach a PaymentMethod to a Customer to use it more than once.",
            param=param,
        )
    return method


def from_data(call: Call, data: Params) -> Object:
    """A loose card from `card[number]` or `card[token]`, or a loose bank account from `sepa_debit[iban]`."""
    kind = data.required("type")
    if kind == "sepa_debit":
        return _account_from(call, data)
    if kind != "card":
        raise BadParameter("This sandbox knows `card` and `sepa_debit`.", param="type", code="parameter_invalid_enum")
    given = data.child("card")
    token, number = given.text("token"), given.text("number")
    name = cards.by_token(token) if token else cards.by_number(number or "")
    if name is None:
        raise BadParameter("Not one of the test cards.", param="card[number]", code="incorrect_number")
    return of_card(call, name)


def of_card(call: Call, name: str) -> Object:
    """A new loose payment method of a test card."""
    card = CARDS[name]
    checks = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}
    shown = {
        "brand": card.brand,
        "display_brand": card.brand,
        "last4": card.last4,
        "funding": card.funding,
        "country": card.country,
        "fingerprint": f"sandbox{card.number[-9:]}",
        "checks": checks,
        "networks": {"available": [card.brand], "preferred": None},
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
        **EXPIRES,
    }
    return call.new("payment_method", "pm", type="card", card=shown, **_shared({}), _card=name, _is_set_up=False)


def of_account(call: Call, name: str, holder: Object) -> Object:
    """A new loose payment method of a test bank account."""
    account = ACCOUNTS[name]
    shown = {
        "bank_code": account.iban[4:12],
        "branch_code": "",
        "country": account.country,
        "fingerprint": f"sandbox{account.iban[-9:]}",
        "generated_from": {"charge": None, "setup_attempt": None},
        "last4": account.last4,
    }
    own = {"_account": name, "_mandate": None, "_is_set_up": False}
    return call.new("payment_method", "pm", type="sepa_debit", sepa_debit=shown, **_shared(holder), **own)


def _account_from(call: Call, data: Params) -> Object:
    holder = data.child("billing_details")
    named = {name: holder.required(name) for name in ("name", "email")}
    account = bank_accounts.by_iban(data.child("sepa_debit").required("iban"))
    if account is None:
        raise BadParameter("Not one of the test IBANs.", param="sepa_debit[iban]", code="invalid_bank_account_iban")
    return of_account(call, account, named)


def _shared(holder: Object) -> Object:
    details = {"address": None, "email": None, "name": None, "phone": None, **holder}
    return {"allow_redisplay": "unspecified", "billing_details": details, "customer": None, "metadata": {}}


def card_of(method: Object) -> TestCard:
    """The test card behind a payment method."""
    return CARDS[method["_card"]]


def account_of(method: Object) -> BankAccount:
    """The test bank account behind a payment method."""
    return ACCOUNTS[method["_account"]]


def attach_to(call: Call, method: Object, customer_id: str) -> Object:
    """Save the card for a customer; nothing happens when it already is."""
    if method["customer"] == customer_id:
        return call.save(method)
    return call.save({**method, "customer": customer_id}, "payment_method.attached")


def _of_customer(call: Call, customer_id: str) -> Object:
    call.find("customer", customer_id, "customer")
    return lists.page(call, "payment_method", {"customer": customer_id, "type": call.params.text("type")})
