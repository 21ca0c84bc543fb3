"""Refunds: captured money paid back, in whole or in parts, as long as the bank does not send it back."""

from __future__ import annotations

from emsp.sandbox.cards import balance, lists
from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.errors import BadParameter, Refused
from emsp.sandbox.cards.state import Object

REASONS = ("duplicate", "fraudulent", "requested_by_customer")
FAILURES = ("lost_or_stolen_card", "expired_or_canceled_card", "charge_for_pending_refund_disputed", "unknown")


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


def fail(call: Call, refund_id: str, reason: str) -> Object:
    """The bank sends a refund back, days after it was taken for done."""
    refund = call.find("refund", refund_id, "refund")
    if refund["status"] == "failed":
        raise Refused("This refund has failed already.")
    if reason not in FAILURES:
        raise BadParameter(f"Unknown reason: one of {', '.join(FAILURES)}.", param="reason")
    charge = call.find("charge", refund["charge"])
    call.save({**charge, "amount_refunded": charge["amount_refunded"] - refund["amount"], "refunded": False})
    back = balance.book(call, "refund_failure", refund, refund["amount"])
    failed = {"status": "failed", "failure_reason": reason, "failure_balance_transaction": back}
    return call.save({**refund, **failed}, "refund.failed", "refund.updated", "charge.refund.updated")


def _charge(call: Call) -> Object:
    charge_id = call.params.text("charge")
    if charge_id is None:
        intent = call.find("payment_intent", call.params.required("payment_intent"), "payment_intent")
        charge_id = intent["latest_charge"]
    charge = call.find("charge", charge_id, "charge") if charge_id else None
    if charge is None or not charge["captured"] or charge["status"] != "succeeded":
        raise Refused("There is no captured charge to refund; cancel the PaymentIntent to release a hold.")
    if charge["disputed"]:
        _must_be_refundable(call, charge)
    return charge


def _must_be_refundable(call: Call, charge: Object) -> None:
    """What the bank has taken back, or may still take, is not paid back a second time."""
    about = [dispute for dispute in call.state.every("dispute") if dispute["charge"] == charge["id"]]
    if any(dispute["status"] != "won" and not dispute["is_charge_refundable"] for dispute in about):
        raise Refused(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")


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
    kind = "payment_refund" if charge["payment_method_details"]["type"] == "sepa_debit" else "refund"
    return {**refund, "balance_transaction": balance.book(call, kind, refund, -amount, category="refund")}
