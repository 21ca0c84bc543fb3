"""The card processor as an ASGI application: Stripe's routes, and the sandbox's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from emsp.sandbox.cards import (
    balance,
    charges,
    control,
    customers,
    disputes,
    events,
    mandates,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
    setup_intents,
)
from emsp.sandbox.cards.errors import NoSuchRoute
from emsp.sandbox.cards.http import endpoint, render
from emsp.sandbox.cards.options import CardsOptions
from emsp.sandbox.cards.processor import Handler, Processor, refusal
from emsp.sandbox.cards.state import State, new_id

SERVERS_ONLY: list[tuple[str, str, Handler]] = [
    ("POST", "/v1/customers", customers.create),
    ("GET", "/v1/customers", customers.list_),
    ("GET", "/v1/customers/{id}", customers.retrieve),
    ("POST", "/v1/customers/{id}", customers.update),
    ("GET", "/v1/customers/{id}/payment_methods", payment_methods.list_of_customer),
    ("GET", "/v1/payment_methods", payment_methods.list_),
    ("GET", "/v1/payment_methods/{id}", payment_methods.retrieve),
    ("POST", "/v1/payment_methods/{id}/attach", payment_methods.attach),
    ("POST", "/v1/payment_methods/{id}/detach", payment_methods.detach),
    ("POST", "/v1/setup_intents", setup_intents.create),
    ("GET", "/v1/setup_intents", setup_intents.list_),
    ("POST", "/v1/setup_intents/{id}/cancel", setup_intents.cancel),
    ("POST", "/v1/payment_intents", payment_intents.create),
    ("GET", "/v1/payment_intents", payment_intents.list_),
    ("POST", "/v1/payment_intents/{id}", payment_intents.update),
    ("POST", "/v1/payment_intents/{id}/capture", payment_intents.capture),
    ("POST", "/v1/payment_intents/{id}/cancel", payment_intents.cancel),
    ("POST", "/v1/payment_intents/{id}/increment_authorization", payment_intents.increment),
    ("GET", "/v1/charges", charges.list_),
    ("GET", "/v1/charges/{id}", charges.retrieve),
    ("POST", "/v1/refunds", refunds.create),
    ("GET", "/v1/refunds", refunds.list_),
    ("GET", "/v1/refunds/{id}", refunds.retrieve),
    ("GET", "/v1/disputes", disputes.list_),
    ("GET", "/v1/disputes/{id}", disputes.retrieve),
    ("POST", "/v1/disputes/{id}", disputes.update),
    ("POST", "/v1/disputes/{id}/close", disputes.accept),
    ("GET", "/v1/mandates/{id}", mandates.retrieve),
    ("GET", "/v1/payouts", payouts.list_),
    ("GET", "/v1/payouts/{id}", payouts.retrieve),
    ("GET", "/v1/balance_transactions", balance.list_),
    ("GET", "/v1/balance_transactions/{id}", balance.retrieve),
    ("GET", "/v1/events", events.list_),
    ("GET", "/v1/events/{id}", events.retrieve),
]

APPS_TOO: list[tuple[str, str, Handler]] = [
    ("POST", "/v1/payment_methods", payment_methods.create),
    ("GET", "/v1/setup_intents/{id}", setup_intents.retrieve),
    ("POST", "/v1/setup_intents/{id}/confirm", setup_intents.confirm),
    ("GET", "/v1/payment_intents/{id}", payment_intents.retrieve),
    ("POST", "/v1/payment_intents/{id}/confirm", payment_intents.confirm),
]


def build_app(options: CardsOptions) -> Starlette:
    """The application; its state opens now and closes when the application shuts down."""
    processor = Processor(options, State(options.state))
    stripe_routes = [
        Route(path, endpoint(processor, handler, publishable), methods=[method])
        for publishable, table in ((False, SERVERS_ONLY), (True, APPS_TOO))
        for method, path, handler in table
    ]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with processor.deliverer.running():
            yield
        processor.state.close()

    routes = [*stripe_routes, *control.routes(processor)]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _unknown_route})


async def _unknown_route(request: Request, _: Exception) -> Response:
    message = f"Unrecognized request URL ({request.method}: {request.url.path})."
    return render(request, new_id("req"), refusal(NoSuchRoute(message)))
