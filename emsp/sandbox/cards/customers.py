"""Customers: who cards are saved for."""

from __future__ import annotations

from emsp.sandbox.cards import lists
from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.state import Object

TEXTS = ("name", "email", "phone", "description")


def create(call: Call) -> Object:
    """`POST /v1/customers`."""
    customer = call.new(
        "customer",
        "cus",
        **dict.fromkeys(TEXTS),
        address=None,
        balance=0,
        currency=None,
        default_source=None,
        delinquent=False,
        invoice_settings={"custom_fields": None, "default_payment_method": None, "footer": None},
        metadata={},
        preferred_locales=[],
        shipping=None,
        tax_exempt="none",
    )
    return call.save(_changed(call, customer), "customer.created")


def update(call: Call) -> Object:
    """`POST /v1/customers/{id}`."""
    return call.save(_changed(call, call.find("customer", call.target)), "customer.updated")


def retrieve(call: Call) -> Object:
    """`GET /v1/customers/{id}`."""
    return call.find("customer", call.target)


def list_(call: Call) -> Object:
    """`GET /v1/customers`, by `email` if given."""
    call.params.only("email", *lists.PAGING)
    return lists.page(call, "customer", {"email": call.params.text("email")})


def _changed(call: Call, customer: Object) -> Object:
    params = call.params
    params.only(*TEXTS, "metadata", "preferred_locales", "invoice_settings")
    texts = {name: params.text(name) for name in TEXTS if name in params}
    metadata = params.merged_metadata(customer["metadata"])
    changed = {**customer, **texts, "metadata": metadata}
    if "preferred_locales" in params:
        changed["preferred_locales"] = params.texts("preferred_locales")
    default = params.child("invoice_settings").text("default_payment_method")
    if default is not None:
        call.find("payment_method", default, "invoice_settings[default_payment_method]")
        changed["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": default}
    return changed
