"""The card processor by Stripe's API, or by anything that speaks it (see EMSP_STRIPE_API_BASE).

Holds are PaymentIntents with manual capture; cards are saved by SetupIntents. Every call that changes something
carries an idempotency key made of what it is for; Stripe keeps keys for about a day, so callers keep the
intent's id and look it up before they create a second one.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

import stripe

from emsp.errors import AuthenticationRequired, Declined, ProcessorFailed
from emsp.payments.ports import Card, Intent, Repayment, Setup, Wish
from emsp.settings import settings

TIMEOUT_S = 20
REFUNDS_MAX = 100
NO_FAULT_OF_OURS = {
    "amount_too_small": "the amount is too small to be charged to a card",
    "resource_missing": "the card is not known to the card processor",
    "charge_already_refunded": "the payment was given back before",
}
Answer = TypeVar("Answer")


@cache
def client() -> stripe.StripeClient:
    """The client of this process, pointed at Stripe or at EMSP_STRIPE_API_BASE."""
    base = settings().stripe_api_base
    return stripe.StripeClient(
        settings().stripe_secret_key,
        base_addresses={"api": base} if base else {},
        http_client=stripe.HTTPXClient(timeout=TIMEOUT_S),
        max_network_retries=2,
    )


class StripeProcessor:
    """Implements `payments.ports.Processor`."""

    async def create_customer(self, *, driver_id: str, email: str) -> str:
        params: Any = {"email": email, "metadata": {"driver_id": driver_id}}
        made = await _asked(client().v1.customers.create_async(params, _key(f"customer-{driver_id}")))
        return made.id

    async def create_setup(self, *, customer: str, reference: str, card_token: str | None) -> Setup:
        params: Any = {"customer": customer, "usage": "off_session", "payment_method_types": ["card"]}
        if card_token:
            params |= {"payment_method": card_token, "confirm": True}
        return await _setup(await _asked(client().v1.setup_intents.create_async(params, _key(f"setup-{reference}"))))

    async def setup(self, processor_id: str) -> Setup:
        return await _setup(await _asked(client().v1.setup_intents.retrieve_async(processor_id)))

    async def create_hold(self, wish: Wish) -> Intent:
        return await self._create(wish, "manual")

    async def create_charge(self, wish: Wish) -> Intent:
        return await self._create(wish, "automatic")

    async def _create(self, wish: Wish, capture_method: str) -> Intent:
        params: Any = {
            "amount": wish.amount_minor,
            "currency": wish.currency.lower(),
            "customer": wish.customer,
            "payment_method": wish.card,
            "payment_method_types": ["card"],
            "capture_method": capture_method,
            "metadata": {"reference": wish.reference},
        }
        key = _key(f"create-{wish.reference}")
        return _intent(await _asked(client().v1.payment_intents.create_async(params, key)))

    async def confirm(self, processor_id: str, *, reference: str, off_session: bool) -> Intent:
        params: Any = {"off_session": off_session, "expand": ["latest_charge"]}
        call = client().v1.payment_intents.confirm_async(processor_id, params, _key(f"confirm-{reference}"))
        return _intent(await _asked(call))

    async def capture(self, processor_id: str, *, amount_minor: int, reference: str) -> Intent:
        params: Any = {"amount_to_capture": amount_minor}
        call = client().v1.payment_intents.capture_async(processor_id, params, _key(f"capture-{reference}"))
        return _intent(await _asked(call))

    async def cancel(self, processor_id: str, *, reference: str) -> Intent:
        known = await self.intent(processor_id)
        if known.status in ("CANCELED", "SUCCEEDED"):
            return known
        call = client().v1.payment_intents.cancel_async(processor_id, None, _key(f"cancel-{reference}"))
        return _intent(await _asked(call))

    async def intent(self, processor_id: str) -> Intent:
        params: Any = {"expand": ["latest_charge"]}
        return _intent(await _asked(client().v1.payment_intents.retrieve_async(processor_id, params)))

    async def refund(self, payment_id: str, *, amount_minor: int, reference: str) -> Repayment:
        """Keys are kept for a day: a refund that was made before that is found by its reference."""
        known: Any = {"payment_intent": payment_id, "limit": REFUNDS_MAX}
        for made in (await _asked(client().v1.refunds.list_async(known))).data:
            if made.metadata and made.metadata.to_dict().get("reference") == reference:
                return _repayment(made)
        params: Any = {"payment_intent": payment_id, "amount": amount_minor, "metadata": {"reference": reference}}
        return _repayment(await _asked(client().v1.refunds.create_async(params, _key(reference))))

    async def repayment(self, processor_id: str) -> Repayment:
        return _repayment(await _asked(client().v1.refunds.retrieve_async(processor_id)))


def _key(idempotency_key: str) -> Any:
    return {"idempotency_key": idempotency_key}


async def _asked(call: Awaitable[Answer]) -> Answer:
    """The answer, or the error in our words."""
    try:
        return await call
    except stripe.CardError as error:
        raise _declined(error) from error
    except stripe.InvalidRequestError as error:
        if error.code in NO_FAULT_OF_OURS:
            raise Declined(str(error.code), NO_FAULT_OF_OURS[error.code]) from error
        raise ProcessorFailed(error.user_message or str(error)) from error
    except stripe.StripeError as error:
        raise ProcessorFailed(error.user_message or str(error)) from error


def _declined(error: stripe.CardError) -> Declined:
    message = error.user_message or "the card was declined"
    if error.code == "authentication_required":
        return AuthenticationRequired(message)
    decline_code = getattr(error.error, "decline_code", None) if error.error else None
    return Declined(str(decline_code or error.code or "declined"), message)


async def _setup(setup: stripe.SetupIntent) -> Setup:
    card = None
    if setup.status == "succeeded" and setup.payment_method:
        method = setup.payment_method
        card = await _card(method if isinstance(method, str) else method.id)
    error = setup.last_setup_error
    return Setup(
        processor_id=setup.id,
        client_secret=setup.client_secret or "",
        status=setup.status.upper(),
        card=card,
        message=error.message if error else None,
    )


async def _card(processor_id: str) -> Card:
    method = await _asked(client().v1.payment_methods.retrieve_async(processor_id))
    card = method.card
    return Card(
        processor_id=method.id,
        brand_name=card.brand if card else None,
        last4=card.last4 if card else None,
        expires=f"{card.exp_month:02d}/{card.exp_year}" if card else None,
    )


def _intent(intent: stripe.PaymentIntent) -> Intent:
    return Intent(
        processor_id=intent.id,
        status=intent.status.upper(),
        amount_minor=intent.amount,
        captured_minor=intent.amount_received or 0,
        currency=intent.currency.upper(),
        client_secret=intent.client_secret,
        releases_at=_capture_before(intent.latest_charge),
    )


def _repayment(refund: stripe.Refund) -> Repayment:
    return Repayment(
        processor_id=refund.id,
        status=(refund.status or "pending").upper(),
        amount_minor=refund.amount,
        failure=getattr(refund, "failure_reason", None),
    )


def _capture_before(charge: Any) -> datetime | None:
    """Until when the hold lasts, where the processor says so."""
    details = getattr(charge, "payment_method_details", None)
    card = getattr(details, "card", None)
    before = getattr(card, "capture_before", None)
    return datetime.fromtimestamp(before, UTC) if before else None
