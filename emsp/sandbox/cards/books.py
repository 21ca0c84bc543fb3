"""The processor's own books: every intent and charge in minor units, for whoever checks ours against them."""

from __future__ import annotations

from emsp.sandbox.cards import webhooks
from emsp.sandbox.cards.state import Object, State

INTENT_FACTS = ("id", "status", "currency", "customer", "payment_method", "created", "metadata", "latest_charge")
CHARGE_FACTS = ("id", "status", "currency", "customer", "payment_intent", "payment_method", "created")


def books(state: State) -> Object:
    """All intents and charges, oldest first, and the state of the webhook deliveries."""
    charges = [_charge(charge) for charge in state.every("charge")]
    of_intent = {charge["payment_intent"]: charge for charge in charges if charge["status"] == "succeeded"}
    intents = state.every("payment_intent")
    return {
        "payment_intents": [_intent(intent, of_intent.get(intent["id"])) for intent in intents],
        "charges": charges,
        "webhooks": webhooks.counts(state),
    }


def _charge(charge: Object) -> Object:
    approved = charge["status"] == "succeeded"
    return {
        **{name: charge[name] for name in CHARGE_FACTS},
        "authorised_minor": charge["amount"] if approved else 0,
        "captured_minor": charge["amount_captured"],
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
