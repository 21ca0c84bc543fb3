"""A running card processor, the real `stripe` library pointed at it, and somebody who receives webhooks."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import stripe
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from emsp.sandbox.cards import CardsOptions, build_app


class Announcing(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[str]:
    """Serve an application on a free port of loopback and say where."""
    server = Announcing(uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1))
    running = asyncio.create_task(server.serve())
    await server.ready.wait()
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await running


@dataclass
class Cards:
    """The processor under test, as a server (`stripe`) and as an app developer (`http`) meet it."""

    stripe: stripe.StripeClient
    http: httpx.AsyncClient

    @property
    def v1(self) -> Any:
        return self.stripe.v1

    async def customer(self) -> Any:
        return await self.v1.customers.create_async({"email": "driver@example.com"})

    async def saved_card(self, card: str) -> tuple[str, str]:
        """A customer with a card saved by attaching it: (customer id, payment method id)."""
        customer = await self.customer()
        method = await self.v1.payment_methods.attach_async(card, {"customer": customer.id})
        return customer.id, method.id

    async def hold(self, amount: int = 5000, card: str = "pm_card_visa", **more: Any) -> Any:
        """A confirmed PaymentIntent with manual capture for a saved card."""
        customer, method = await self.saved_card(card)
        return await self.v1.payment_intents.create_async(hold_params(customer, method, amount, **more))

    async def events(self) -> list[str]:
        """The types of all events, oldest first."""
        page = await self.v1.events.list_async({"limit": 100})
        return [event.type for event in reversed(page.data)]

    async def books(self) -> Any:
        return (await self.http.get("/sandbox/books")).json()

    async def control(self, what: str, /, **body: Any) -> httpx.Response:
        return await self.http.post(f"/sandbox/{what}", json=body)


def hold_params(customer: str, method: str, amount: int = 5000, **more: Any) -> dict[str, Any]:
    return {
        "amount": amount,
        "currency": "eur",
        "customer": customer,
        "payment_method": method,
        "payment_method_types": ["card"],
        "capture_method": "manual",
        "confirm": True,
        **more,
    }


Start = Callable[..., Awaitable[Cards]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start a processor with the given options."""
    async with AsyncExitStack() as stack:

        async def start_one(**options: Any) -> Cards:
            base = await stack.enter_async_context(listening(build_app(CardsOptions(**options))))
            http = await stack.enter_async_context(httpx.AsyncClient(base_url=base, timeout=10, verify=False))
            transport = stripe.HTTPXClient(timeout=2)
            stack.push_async_callback(transport.close_async)
            client = stripe.StripeClient(
                "sk_test_sandbox", base_addresses={"api": base}, http_client=transport, max_network_retries=0
            )
            return Cards(client, http)

        yield start_one


@pytest.fixture
async def cards(start: Start) -> Cards:
    return await start()


@dataclass
class Receiver:
    """A webhook endpoint that answers with `answers` in turn, then with 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    received: list[tuple[bytes, str]] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def __call__(self, request: Request) -> Response:
        delivery = (await request.body(), request.headers["stripe-signature"])
        async with self.news:
            self.received.append(delivery)
            self.news.notify_all()
        return Response(status_code=self.answers.pop(0) if self.answers else 200)

    async def has(self, count: int) -> None:
        """Wait until so many deliveries have arrived."""
        async with asyncio.timeout(5), self.news:
            await self.news.wait_for(lambda: len(self.received) >= count)

    def events(self) -> list[Any]:
        return [stripe.Webhook.construct_event(b, s, "whsec_sandbox") for b, s in self.received]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()

    async def receive(request: Request) -> Response:
        return await receiver(request)

    async with listening(Starlette(routes=[Route("/hook", receive, methods=["POST"])])) as base:
        receiver.url = f"{base}/hook"
        yield receiver
