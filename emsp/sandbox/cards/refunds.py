"""Refunds: captured money paid back, in whole or in parts."""

from __future__ import annotations

from emsp.sandbox.cards import balance, lists
from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.errors import BadParameter, Refused
from emsp.sandbox.cards.state import Object

REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create(call: Call) -> Object:
    """`POST /v1/refunds` for a `payment_intent` or a `charge`; without `amount` all that is left."""
    call.params.only("payment_intent", "charge", "amount", "reason", "metadata")
    charge = _charge(call)
    amount = _amount(call, charge)
    reason = call.params.choice("reason", *REASONS, default=REASONS[2]) if "reason" in call.params else None
    refunded = charge["amount_refunded"] + amount
    call.save({**charge, "amount_refunded": refunded, "refunded": refunded == charge["amount"]}, "charge.refunded")
    return call.save(_new(call, charge, amount, reason), "refund.created")


def retrieve(call: Call) -> Object:
    """`GET /v1/refunds/{id}`."""
    return call.find("refund", call.target)


def list_(call: Call) -> Object:
    """`GET /v1/refunds`, by `payment_intent` or `charge`."""
    call.params.only("payment_intent", "charge", *lists.PAGING)
    return lists.page(call, "refund", {n: call.params.text(n) for n in ("payment_intent", "charge")})


def _charge(call: Call) -> Object:
    charge_id = call.params.text("charge")
    if charge_id is None:
        intent = call.find("payment_intent", call.params.required("payment_intent"), "payment_intent")
        charge_id = intent["latest_charge"]
    charge = call.find("charge", charge_id, "charge") if charge_id else None
    if charge is None or not charge["captured"]:
        raise Refused("There is no captured charge to refund; cancel the PaymentIntent to release a hold.")
    return charge


def _amount(call: Call, charge: Object) -> int:
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise Refused(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = call.params.integer("amount")
    amount = left if amount is None else amount
    if amount == 0:
        raise BadParameter("amount must be at least 1.", param="amount")
    if amount > left:
        raise Refused(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).", param="amount")
    return amount


def _new(call: Call, charge: Object, amount: int, reason: str | None) -> Object:
    refund = call.new(
        "refund",
        "re",
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        destination_details={"type": "card", "card": {"type": "refund", "reference_status": "pending"}},
        metadata=call.params.merged_metadata({}),
        payment_intent=charge["payment_intent"],
        reason=reason,
        receipt_number=None,
        status="succeeded",
    )
    return {**refund, "balance_transaction": balance.book(call, "refund", refund, -amount)}
