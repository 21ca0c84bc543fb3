"""Disputes: a card's owner, or a debit's payer, wants the money back from the bank.

As at Stripe the money and a fee are withdrawn at once, the fee is never given back, an inquiry (`warning_…`) moves
nothing, evidence goes to the bank once, and a debit's dispute is lost as soon as it is opened.
"""

from __future__ import annotations

from emsp.sandbox.cards import balance, lists
from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.errors import BadParameter, Refused
from emsp.sandbox.cards.state import Object

FEE_MINOR = 2_000
DAYS_TO_ANSWER = 9
TEXT_MAX = 20_000
REASONS = (
    *("bank_cannot_process", "check_returned", "credit_not_processed", "customer_initiated", "debit_not_authorized"),
    *("duplicate", "fraudulent", "general", "incorrect_account_details", "insufficient_funds", "noncompliant"),
    *("product_not_received", "product_unacceptable", "subscription_canceled", "unrecognized"),
)
LONG = (
    *("access_activity_log", "cancellation_policy_disclosure", "cancellation_rebuttal", "product_description"),
    *("duplicate_charge_explanation", "refund_policy_disclosure", "refund_refusal_explanation", "uncategorized_text"),
)
SHORT = (
    *("billing_address", "customer_email_address", "customer_name", "customer_purchase_ip", "duplicate_charge_id"),
    *("service_date", "shipping_address", "shipping_carrier", "shipping_date", "shipping_tracking_number"),
)
FILES = (
    *("cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation"),
    *("receipt", "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file"),
)
ANSWERABLE = ("needs_response", "warning_needs_response")
UNDECIDED = (*ANSWERABLE, "under_review", "warning_under_review")


def retrieve(call: Call) -> Object:
    """`GET /v1/disputes/{id}`."""
    return call.find("dispute", call.target, "dispute")


def list_(call: Call) -> Object:
    """`GET /v1/disputes`, by `charge` or `payment_intent`."""
    call.params.only("charge", "payment_intent", *lists.PAGING)
    return lists.page(call, "dispute", {n: call.params.text(n) for n in ("charge", "payment_intent")})


def update(call: Call) -> Object:
    """`POST /v1/disputes/{id}`: `evidence` is kept, and goes to the bank unless `submit=false`."""
    params = call.params
    params.only("evidence", "metadata", "submit")
    dispute = retrieve(call)
    dispute = {**dispute, "metadata": params.merged_metadata(dispute["metadata"])}
    if "evidence" not in params and "submit" not in params:
        return call.save(dispute)
    if dispute["status"] not in ANSWERABLE:
        raise Refused(f"This dispute has a status of {dispute['status']}: its evidence may not be changed any more.")
    dispute = _with_evidence(call, dispute)
    return call.save(_submitted(dispute) if params.flag("submit", default=True) else dispute, "charge.dispute.updated")


def accept(call: Call) -> Object:
    """`POST /v1/disputes/{id}/close`: the merchant gives in."""
    call.params.only()
    return decide(call, retrieve(call), won=False)


def open_(
    call: Call, charge: Object, *, reason: str = "fraudulent", amount: int | None = None, inquiry: bool = False
) -> Object:
    """Somebody went to their bank about a payment that was taken."""
    left = charge["amount_captured"] - (charge["amount_refunded"] - charge["_released"])
    amount = left if amount is None else amount
    if charge["disputed"] or not charge["paid"] or not 0 < amount <= left:
        raise Refused("Only what was taken and not given back can be disputed, once.", param="payment_intent")
    if reason not in REASONS:
        raise BadParameter(f"Unknown reason: one of {', '.join(REASONS)}.", param="reason")
    is_debit = charge["payment_method_details"]["type"] == "sepa_debit"
    status = "warning_needs_response" if inquiry else "lost" if is_debit else "needs_response"
    dispute = _new(call, charge, amount, reason, status)
    if not inquiry:
        dispute = _moved(call, dispute, -amount, "dispute", FEE_MINOR)
    call.save({**charge, "disputed": True})
    call.save(dispute, "charge.dispute.created", *(() if inquiry else ("charge.dispute.funds_withdrawn",)))
    return call.save(dispute, "charge.dispute.closed") if status == "lost" else dispute


def decide(call: Call, dispute: Object, *, won: bool) -> Object:
    """The bank has decided; an inquiry that comes to nothing is closed."""
    if dispute["status"] not in UNDECIDED:
        raise Refused(f"This dispute has a status of {dispute['status']}: it is decided.")
    if dispute["status"].startswith("warning_"):
        return call.save({**dispute, "status": "warning_closed"}, "charge.dispute.closed")
    if not won:
        return call.save({**dispute, "status": "lost"}, "charge.dispute.closed")
    dispute = _moved(call, {**dispute, "status": "won"}, dispute["amount"], "dispute_reversal", 0)
    return call.save(dispute, "charge.dispute.closed", "charge.dispute.funds_reinstated")


def _new(call: Call, charge: Object, amount: int, reason: str, status: str) -> Object:
    details = {
        "due_by": call.now + DAYS_TO_ANSWER * 24 * 3600,
        "enhanced_eligibility": {},
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
    }
    return call.new(
        "dispute",
        "du",
        amount=amount,
        balance_transactions=[],
        charge=charge["id"],
        currency=charge["currency"],
        enhanced_eligibility_types=[],
        evidence=dict.fromkeys((*LONG, *SHORT, *FILES)),
        evidence_details=details,
        is_charge_refundable=status.startswith("warning_"),
        metadata={},
        network_reason_code=None,
        payment_intent=charge["payment_intent"],
        payment_method_details={"type": charge["payment_method_details"]["type"]},
        reason=reason,
        status=status,
    )


def _moved(call: Call, dispute: Object, amount: int, category: str, fee: int) -> Object:
    transaction = balance.book(call, "adjustment", dispute, amount, category=category, fee=fee)
    moves = [*dispute["balance_transactions"], call.find("balance_transaction", transaction)]
    return {**dispute, "balance_transactions": moves}


def _with_evidence(call: Call, dispute: Object) -> Object:
    given = call.params.child("evidence")
    if given.fields:
        given.only(*LONG, *SHORT)
    texts = {name: given.text(name) for name in given.fields}
    for name, text in texts.items():
        if text and name in LONG and len(text) > TEXT_MAX:
            raise BadParameter(
                f"Evidence texts may have at most {TEXT_MAX} characters.",
                param=f"evidence[{name}]",
                code="parameter_invalid_string_length",
            )
    evidence = {**dispute["evidence"], **texts}
    details = {**dispute["evidence_details"], "has_evidence": any(evidence.values())}
    return {**dispute, "evidence": evidence, "evidence_details": details}


def _submitted(dispute: Object) -> Object:
    details = {**dispute["evidence_details"], "submission_count": dispute["evidence_details"]["submission_count"] + 1}
    status = dispute["status"].replace("needs_response", "under_review")
    return {**dispute, "status": status, "evidence_details": details}
