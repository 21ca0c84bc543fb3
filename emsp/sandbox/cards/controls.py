"""How the sandbox's own routes read a request and answer it: JSON both ways, errors as everywhere else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from emsp.sandbox.cards.call import Call
from emsp.sandbox.cards.errors import BadParameter, CardsError
from emsp.sandbox.cards.forms import Params
from emsp.sandbox.cards.http import render
from emsp.sandbox.cards.idempotency import Answer
from emsp.sandbox.cards.processor import Processor, refusal
from emsp.sandbox.cards.state import Object, new_id

Control = Callable[[Processor, Request], Awaitable[Object]]


def control(processor: Processor, method: str, path: str, act: Control) -> Route:
    """A route that answers with what `act` gives."""

    async def respond(request: Request) -> Response:
        try:
            answer = Answer(200, msgspec.json.encode(await act(processor, request)))
        except CardsError as error:
            answer = refusal(error)
        return render(request, new_id("req"), answer)

    return Route(path, respond, methods=[method])


async def body_as(request: Request, kind: type[Any]) -> Any:
    """The JSON of the request as a `kind`, or 400 with what is wrong with it."""
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise BadParameter(f"The body is not understood: {error}") from error


def call_of(processor: Processor, request: Request) -> Call:
    """A call without parameters, for what happens outside of Stripe's API."""
    base_url = str(request.base_url).rstrip("/")
    return Call(processor.state, processor.options, Params({}), request.url.path, base_url=base_url)
