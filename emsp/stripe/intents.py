"""Payments: PaymentIntents with manual capture for holds, with automatic capture for what is charged or debited.

Stripe keeps idempotency keys for about a day. A payment that was asked for earlier than that, and whose id was never
stored, is found again among the customer's payments by its reference before a second one is made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import stripe
from msgspec.structs import replace

from emsp import clock
from emsp.errors import Declined, KeyReused, ProcessorFailed
from emsp.payments.ports import Intent, Wish
from emsp.stripe.client import all_of, asked, at_or_after, client, id_of, key, moment, reference_of

KEYS_LIVE = timedelta(hours=23)
CLOCKS_DIFFER = timedelta(hours=1)
FINAL = ("CANCELED", "SUCCEEDED")


class Intents:
    """The part of `payments.ports.Processor` that is about payments."""

    async def create_hold(self, wish: Wish) -> Intent:
        raised = {"card": {"request_incremental_authorization": "if_available"}}
        return await _create(wish, "card", capture_method="manual", payment_method_options=raised)

    async def create_charge(self, wish: Wish) -> Intent:
        return await _create(wish, "card", capture_method="automatic")

    async def create_debit(self, wish: Wish) -> Intent:
        return await _create(wish, "sepa_debit", capture_method="automatic")

    async def confirm(self, processor_id: str, *, reference: str, off_session: bool, card: str | None = None) -> Intent:
        params: Any = {"expand": ["latest_charge"]}
        params |= {"off_session": True} if off_session else {}
        params |= {"payment_method": card} if card else {}
        call = client().v1.payment_intents.confirm_async(processor_id, params, key(f"confirm-{reference}"))
        return intent_in(await asked(call))

    async def change_amount(self, processor_id: str, *, amount_minor: int, reference: str) -> Intent:
        params: Any = {"amount": amount_minor}
        call = client().v1.payment_intents.update_async(processor_id, params, key(f"amount-{reference}"))
        return intent_in(await asked(call))

    async def increment(self, processor_id: str, *, amount_minor: int, reference: str) -> Intent:
        params: Any = {"amount": amount_minor, "expand": ["latest_charge"]}
        call = client().v1.payment_intents.increment_authorization_async(
            processor_id, params, key(f"increment-{reference}")
        )
        return intent_in(await asked(_unless_not_eligible(call)))

    async def capture(self, processor_id: str, *, amount_minor: int, reference: str) -> Intent:
        params: Any = {"amount_to_capture": amount_minor}
        call = client().v1.payment_intents.capture_async(processor_id, params, key(f"capture-{reference}"))
        return intent_in(await asked(call))

    async def cancel(self, processor_id: str, *, reference: str) -> Intent:
        known = await self.intent(processor_id)
        if known.status in FINAL:
            return known
        call = client().v1.payment_intents.cancel_async(processor_id, None, key(f"cancel-{reference}"))
        return intent_in(await asked(call))

    async def intent(self, processor_id: str) -> Intent:
        params: Any = {"expand": ["latest_charge"]}
        return intent_in(await asked(client().v1.payment_intents.retrieve_async(processor_id, params)))

    async def intents_since(self, since: datetime) -> AsyncIterator[Intent]:
        async for made in all_of(client().v1.payment_intents.list_async, created=at_or_after(since)):
            yield intent_in(made)


async def _create(wish: Wish, kind: str, **how: Any) -> Intent:
    if made := await _made_before(wish):
        return made
    params: Any = {
        "amount": wish.amount_minor,
        "currency": wish.currency.lower(),
        "customer": wish.customer,
        "payment_method": wish.card,
        "payment_method_types": [kind],
        "metadata": {"reference": wish.reference},
        **how,
    }
    call = client().v1.payment_intents.create_async(params, key(f"create-{wish.reference}"))
    try:
        return intent_in(await asked(call))
    except (Declined, KeyReused):
        raise
    except ProcessorFailed:
        # A failure is kept under the key, too: what was made all the same is found by its reference.
        if made := await _made_before(replace(wish, first_asked_at=None)):
            return made
        raise


async def _made_before(wish: Wish) -> Intent | None:
    """The payment for this reference, where the idempotency key may have expired since it was first asked for."""
    since = wish.first_asked_at
    if since and clock.now() - since < KEYS_LIVE:
        return None
    among: Any = {"created": at_or_after(since - CLOCKS_DIFFER)} if since else {}
    async for made in all_of(client().v1.payment_intents.list_async, customer=wish.customer, **among):
        if reference_of(made) == wish.reference:
            return intent_in(made)
    return None


async def _unless_not_eligible(call: Any) -> stripe.PaymentIntent:
    """A hold that cannot be raised is answered as a malformed request without a code, as Stripe does."""
    try:
        raised: stripe.PaymentIntent = await call
    except stripe.CardError:
        raise
    except stripe.InvalidRequestError as error:
        raise Declined("not_eligible", "this hold cannot be raised") from error
    return raised


def intent_in(intent: stripe.PaymentIntent) -> Intent:
    """The payment in our words."""
    error = intent.last_payment_error
    return Intent(
        processor_id=intent.id,
        status=intent.status.upper(),
        amount_minor=intent.amount,
        captured_minor=getattr(intent, "amount_received", None) or 0,
        currency=intent.currency.upper(),
        client_secret=intent.client_secret,
        releases_at=_capture_before(intent.latest_charge),
        payment_method=id_of(intent.payment_method),
        failure=error.message if error else None,
        failure_code=(getattr(error, "decline_code", None) or error.code) if error else None,
        reference=reference_of(intent),
        created_at=moment(intent.created),
    )


def _capture_before(charge: Any) -> datetime | None:
    """Until when the hold lasts, where the processor says so."""
    details = getattr(charge, "payment_method_details", None)
    card = getattr(details, "card", None)
    return moment(getattr(card, "capture_before", None))
