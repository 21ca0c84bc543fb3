"""The product's own processor, talking to a card processor that listens here and writes down what it is sent."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from emsp.payments.ports import Card, Intent, Wish
from emsp.sandbox.cards import CardsOptions, build_app
from emsp.settings import settings
from emsp.stripe.client import client
from emsp.stripe.processor import StripeProcessor
from tests.sandbox_cards.conftest import listening


@dataclass
class Listening:
    """An application that keeps the headers of every request."""

    app: ASGIApp
    headers: list[dict[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await self.app(scope, receive, send)


@dataclass
class Sandbox:
    """The other side of the processor under test; `ahead_s` moves its clock."""

    url: str = ""
    ahead_s: float = 0
    headers: list[dict[str, str]] = field(default_factory=list)

    def clock(self) -> float:
        return time.time() + self.ahead_s

    async def look(self, path: str) -> Any:
        async with httpx.AsyncClient(base_url=self.url) as http:
            return (await http.get(f"/sandbox/{path}")).raise_for_status().json()

    async def pull(self, lever: str, /, **order: Any) -> Any:
        async with httpx.AsyncClient(base_url=self.url) as http:
            return (await http.post(f"/sandbox/{lever}", json=order)).raise_for_status().json()


@pytest.fixture
async def sandbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """A card processor on this machine, which the settings point at."""
    there = Sandbox()
    app = Listening(build_app(CardsOptions(clock=there.clock)), there.headers)
    async with listening(app) as there.url:
        monkeypatch.setenv("EMSP_STRIPE_API_BASE", there.url)
        settings.cache_clear()
        client.cache_clear()
        yield there
    settings.cache_clear()
    client.cache_clear()


@pytest.fixture
def processor(sandbox: Sandbox) -> StripeProcessor:
    return StripeProcessor()


@dataclass(frozen=True)
class Payer:
    """A customer with a saved card."""

    customer: str
    card: Card

    def wish(self, amount_minor: int, reference: str | None = None, **facts: Any) -> Wish:
        """A payment by the card, wished just now unless told otherwise."""
        return Wish(
            customer=self.customer,
            card=self.card.processor_id,
            amount_minor=amount_minor,
            currency="EUR",
            reference=reference or f"charge-{uuid4()}",
            **{"first_asked_at": datetime.now(UTC)} | facts,
        )


async def payer(processor: StripeProcessor, card_token: str = "pm_card_visa") -> Payer:
    """Somebody with a saved card."""
    name = uuid4().hex
    customer = await processor.create_customer(driver_id=name, email=f"{name}@example.com")
    setup = await processor.create_setup(customer=customer, reference=name, card_token=card_token)
    assert setup.card is not None, setup
    return Payer(customer, setup.card)


async def held(processor: StripeProcessor, amount_minor: int, card_token: str = "pm_card_visa") -> Intent:
    """Money held on a new card."""
    made = await processor.create_hold((await payer(processor, card_token)).wish(amount_minor))
    return await processor.confirm(made.processor_id, reference=str(made.reference), off_session=False)


async def taken(processor: StripeProcessor, amount_minor: int) -> str:
    """Money taken from a new card; the id of the payment."""
    made = await processor.create_charge((await payer(processor)).wish(amount_minor))
    paid = await processor.confirm(made.processor_id, reference=str(made.reference), off_session=True)
    assert paid.status == "SUCCEEDED"
    return paid.processor_id


async def all_of(things: AsyncIterator[Any]) -> list[Any]:
    return [thing async for thing in things]
