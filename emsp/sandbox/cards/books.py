"""The processor's own books: all that moved, in minor units, for whoever checks ours against them."""

from __future__ import annotations

from emsp.sandbox.cards import balance, webhooks
from emsp.sandbox.cards.state import Object, State

INTENT_FACTS = ("id", "status", "currency", "customer", "payment_method", "created", "metadata", "latest_charge")
REFUND_FACTS = ("id", "status", "currency", "amount", "payment_intent", "created", "metadata")
DISPUTE_FACTS = ("id", "status", "currency", "amount", "reason", "payment_intent", "evidence_details", "created")
PAYOUT_FACTS = ("id", "status", "currency", "amount", "created")
MOVEMENT_FACTS = ("id", "type", "reporting_category", "currency", "amount", "fee", "net", "source", "created")
CHARGE_FACTS = ("id", "status", "currency", "customer", "payment_intent", "payment_method", "created")


def books(state: State) -> Object:
    """All intents, charges and what became of them, oldest first; what stands on the balance; the webhooks' state."""
    charges = [_charge(charge) for charge in state.every("charge")]
    of_intent = {charge["payment_intent"]: charge for charge in charges if charge["status"] == "succeeded"}
    intents = state.every("payment_intent")
    return {
        "payment_intents": [_intent(intent, of_intent.get(intent["id"])) for intent in intents],
        "charges": charges,
        "refunds": _facts(state, "refund", REFUND_FACTS),
        "disputes": _facts(state, "dispute", DISPUTE_FACTS),
        "payouts": _facts(state, "payout", PAYOUT_FACTS),
        "balance_transactions": _facts(state, "balance_transaction", MOVEMENT_FACTS),
        "balance": balance.standing(state),
        "webhooks": webhooks.counts(state),
    }


def _facts(state: State, kind: str, names: tuple[str, ...]) -> list[Object]:
    return [{name: thing[name] for name in names} for thing in state.every(kind)]


def _charge(charge: Object) -> Object:
    approved = charge["status"] == "succeeded"
    return {
        **{name: charge[name] for name in CHARGE_FACTS},
        "authorised_minor": charge["amount"] if approved else 0,
        "captured_minor": charge["amount_captured"] if approved else 0,
        "released_minor": charge["_released"],
        "refunded_minor": charge["amount_refunded"] - charge["_released"],
        "decline_code": charge["outcome"]["reason"],
    }


def _intent(intent: Object, charge: Object | None) -> Object:
    sums = ("authorised_minor", "captured_minor", "released_minor", "refunded_minor")
    return {
        **{name: intent[name] for name in INTENT_FACTS},
        "amount_minor": intent["amount"],
        "held_minor": intent["amount_capturable"],
        **{name: charge[name] if charge else 0 for name in sums},
    }
