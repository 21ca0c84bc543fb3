"""Mandates: the leave to debit a bank account, given once and used until it is taken back."""

from __future__ import annotations

from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.errors import BadParameter, Refused
from emsp.sandbox.cards.state import Object, new_id

ACCEPTED = ("online", "offline")


def retrieve(call: Call) -> Object:
    """`GET /v1/mandates/{id}`."""
    return call.find("mandate", call.target, "mandate")


def agree(call: Call, method: Object) -> Object:
    """The payment method with the mandate that comes with the request, as `mandate_data[customer_acceptance]`."""
    acceptance = call.params.child("mandate_data").child("customer_acceptance")
    how = acceptance.text("type")
    if how not in ACCEPTED:
        raise BadParameter(
            "A SEPA Direct Debit needs the payer's consent: send `mandate_data[customer_acceptance][type]` with "
            "`online` or `offline`.",
            param="mandate_data[customer_acceptance][type]",
            code="parameter_missing",
        )
    reference = new_id("S")[2:18].upper()
    details = {"sepa_debit": {"reference": reference, "url": f"{call.base_url}/sandbox/mandates/{reference}"}}
    mandate = call.new(
        "mandate",
        "mandate",
        customer_acceptance={"accepted_at": call.now, how: {}, "type": how},
        multi_use={},
        payment_method=method["id"],
        payment_method_details={"type": "sepa_debit", **details},
        status="active",
        type="multi_use",
    )
    call.save(mandate)
    return call.save({**method, "_mandate": mandate["id"]})


def in_force(call: Call, method: Object) -> str:
    """The id of the mandate by which an account may be debited now; refused without one."""
    if "mandate_data" in call.params:
        method = agree(call, method)
    mandate = call.state.get(method["_mandate"]) if method["_mandate"] else None
    if mandate is None or mandate["status"] != "active":
        raise Refused(
            "The PaymentMethod has no active mandate: set it up with a SetupIntent, or send `mandate_data`.",
            code="payment_intent_mandate_invalid",
            param="payment_method",
        )
    return str(mandate["id"])


def revoke(call: Call, mandate_id: str) -> Object:
    """The payer takes the leave back, at their bank."""
    mandate = call.find("mandate", mandate_id, "mandate")
    return call.save({**mandate, "status": "inactive"}, "mandate.updated")
