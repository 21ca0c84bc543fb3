"""How Stripe is asked: one client, one version of the API, our words for its errors, and lists to their end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol, TypeVar

import stripe

from emsp.errors import AuthenticationRequired, Declined, KeyReused, ProcessorFailed
from emsp.settings import settings

API_VERSION = "2026-10-28.endive"
"""Sent with every request, so that neither a new library nor the account's own default changes what we are told."""

TIMEOUT_S = 20
PAGE = 100
NO_FAULT_OF_OURS = {
    "amount_too_small": "the amount is too small to be charged to a card",
    "resource_missing": "the card is not known to the card processor",
    "charge_already_refunded": "the payment was given back before",
    "charge_expired_for_capture": "the hold has run out",
    "capture_charge_authorization_expired": "the hold has run out",
    "payment_intent_mandate_invalid": "the mandate for this bank account is not in force any more",
    "charge_disputed": "the payment is disputed at the bank, which decides where the money goes",
}
Answer = TypeVar("Answer")


class Named(Protocol):
    """Whatever has an id."""

    id: str


Thing = TypeVar("Thing", bound=Named)


@cache
def client() -> stripe.StripeClient:
    """The client of this process, pointed at Stripe or at EMSP_STRIPE_API_BASE."""
    base = settings().stripe_api_base
    return stripe.StripeClient(
        settings().stripe_secret_key,
        stripe_version=API_VERSION,
        base_addresses={"api": base} if base else {},
        http_client=stripe.HTTPXClient(timeout=TIMEOUT_S),
        max_network_retries=2,
    )


def key(idempotency_key: str) -> Any:
    """The option that makes a repeated request the same request, for about a day."""
    return {"idempotency_key": idempotency_key}


async def asked(call: Awaitable[Answer]) -> Answer:
    """The answer, or the error in our words."""
    try:
        return await call
    except stripe.CardError as error:
        raise _declined(error) from error
    except stripe.IdempotencyError as error:
        raise KeyReused(str(error)) from error
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


async def all_of(listing: Callable[[Any], Awaitable[stripe.ListObject[Any]]], **params: Any) -> AsyncIterator[Any]:
    """Everything that a list has, newest first, page by page."""
    wanted: dict[str, Any] = {**params, "limit": PAGE}
    while True:
        page = await asked(listing(wanted))
        for thing in page.data:
            yield thing
        if not page.has_more:
            return
        wanted["starting_after"] = page.data[-1].id


def at_or_after(since: datetime) -> dict[str, int]:
    """`created[gte]`, in seconds since 1970."""
    return {"gte": int(since.timestamp())}


def moment(seconds: int | None) -> datetime | None:
    """A moment as Stripe writes it."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def id_of(thing: Any) -> str | None:
    """The id of what may be an id, an object or nothing."""
    return thing if thing is None or isinstance(thing, str) else str(thing.id)


def reference_of(thing: Any) -> str | None:
    """What we noted on an object when we made it."""
    metadata = getattr(thing, "metadata", None)
    return metadata.to_dict().get("reference") if metadata else None
