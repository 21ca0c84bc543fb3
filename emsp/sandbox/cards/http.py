"""HTTP on the outside of the processor: headers and form bodies in, JSON with Stripe's headers out."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from emsp.sandbox.cards.call import API_VERSION, Call
from emsp.sandbox.cards.errors import BadParameter, CardsError
from emsp.sandbox.cards.forms import Params, nest
from emsp.sandbox.cards.idempotency import Answer
from emsp.sandbox.cards.processor import Handler, Processor, refusal
from emsp.sandbox.cards.state import new_id

Endpoint = Callable[[Request], Awaitable[Response]]
KEY_LENGTH_MAX = 255


def endpoint(processor: Processor, handler: Handler, publishable: bool) -> Endpoint:
    """A handler as starlette calls it."""

    async def respond(request: Request) -> Response:
        request_id = new_id("req")
        try:
            call = await _read(processor, request, publishable, request_id)
        except CardsError as error:
            return render(request, request_id, refusal(error))
        answer = await processor.answer(handler, call, request.method, lambda: _until_gone(request))
        return render(request, request_id, answer)

    return respond


def render(request: Request, request_id: str, answer: Answer) -> Response:
    """The response with the headers that Stripe's clients read."""
    headers = {"Request-Id": request_id, "Stripe-Version": request.headers.get("stripe-version", API_VERSION)}
    if key := _key(request):
        headers["Idempotency-Key"] = key
    if answer.original_request is not None:
        headers |= {"Idempotent-Replayed": "true", "Original-Request": answer.original_request}
    return Response(answer.body, answer.status, headers, media_type="application/json")


async def _read(processor: Processor, request: Request, publishable: bool, request_id: str) -> Call:
    is_publishable = processor.is_publishable(_api_key(request), publishable)
    key = _key(request)
    if key is not None and len(key) > KEY_LENGTH_MAX:
        raise BadParameter(f"Idempotency keys may have at most {KEY_LENGTH_MAX} characters.")
    encoded = (await request.body()).decode(errors="replace") if request.method == "POST" else request.url.query
    return Call(
        state=processor.state,
        options=processor.options,
        params=Params(nest(parse_qsl(encoded, keep_blank_values=True))),
        path=request.url.path,
        target=request.path_params.get("id", ""),
        base_url=str(request.base_url).rstrip("/"),
        request_id=request_id,
        idempotency_key=key,
        is_publishable=is_publishable,
    )


def _key(request: Request) -> str | None:
    return request.headers.get("idempotency-key") if request.method == "POST" else None


def _api_key(request: Request) -> str | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return value.strip() or None
    try:
        return base64.b64decode(value).decode().partition(":")[0] or None
    except (binascii.Error, UnicodeDecodeError):
        return None


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue
