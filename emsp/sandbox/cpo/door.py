"""The way in for partners: who is calling, what they may reach, and the envelope and headers they get back."""

import logging
import secrets
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from .feed import Party
from .hub.routing import check_routing
from .platform import Platform
from .wire import OcpiError, decode, encode, envelope, now, presented_tokens, timestamp

log = logging.getLogger(__name__)
Access = Literal["registered", "anyone known"]
ROUTING = ("country-code", "party-id")
ROUTING_HEADERS = tuple(f"{side}-{part}" for side in ("from", "to") for part in ROUTING)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler gives back: data, or a body that is an envelope already."""

    data: Any = None
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    http_status: int = 200


Handler = Callable[[Platform, Request], Awaitable[Answer]]
Endpoint = Callable[[Request], Awaitable[Response]]


def opened_to(access: Access, handler: Handler) -> Endpoint:
    """Wraps a handler with authorization, error envelopes and OCPI headers."""

    async def endpoint(request: Request) -> Response:
        platform: Platform = request.app.state.platform
        _note(platform, request)
        try:
            _admit(platform, request, access)
            answer = await handler(platform, request)
        except OcpiError as error:
            answer = _refusal(error)
        except Exception:
            log.exception("%s %s failed", request.method, request.url.path)
            answer = _refusal(OcpiError(3000, "The sandbox failed at this request", 500))
        body = encode(envelope(answer.data)) if answer.body is None else answer.body
        headers = {**_ids(request), **_route_back(request), **answer.headers}
        return Response(body, answer.http_status, headers, "application/json")

    return endpoint


def _refusal(error: OcpiError) -> Answer:
    body = encode(envelope(None, error.status_code, error.message))
    return Answer(body=body, http_status=error.http_status)


async def no_such_thing(request: Request, error: Exception) -> Response:
    """The envelope for a path or method that is not served."""
    _note(request.app.state.platform, request)
    status = error.status_code if isinstance(error, HTTPException) else 500
    body = encode(envelope(None, 2000, f"{request.method} {request.url.path} is not served here"))
    return Response(body, status, _ids(request), "application/json")


def _admit(platform: Platform, request: Request, access: Access) -> None:
    token = known_token(platform, request)
    connection = platform.books.connection
    registered = connection is not None and token == connection.token_for_us
    if token is None or (access == "registered" and not registered):
        raise OcpiError(2001, "Authorization: the credentials token is missing, unknown or not valid here", 401)
    version = request.path_params.get("version")
    if access == "registered" and version != platform.version:
        raise OcpiError(3002, f"this connection speaks version {platform.version}, not {version}", 404)
    if platform.is_hub:
        check_routing(platform, request)


def _note(platform: Platform, request: Request) -> None:
    """Remembers a request for whoever wants to see how the eMSP speaks."""
    if not request.url.path.startswith("/ocpi/"):
        return
    routing = {name: request.headers.get(f"OCPI-{name}") for name in ROUTING_HEADERS}
    note = {
        "at": timestamp(now()),
        "method": request.method,
        "path": request.url.path,
        "query": request.url.query,
        "version": request.path_params.get("version"),
        "authorization": _authorization_form(platform, request),
        "routing": {name: value for name, value in routing.items() if value is not None},
        "request_id": request.headers.get("X-Request-ID"),
        "correlation_id": request.headers.get("X-Correlation-ID"),
    }
    platform.requests.append(note)


def _authorization_form(platform: Platform, request: Request) -> str:
    """Whether the token came raw or base64-encoded; `unknown` when it is neither one of ours, `none` when missing."""
    presented = presented_tokens(request.headers.get("authorization"))
    known = known_token(platform, request)
    if known is None:
        return "unknown" if presented else "none"
    return "raw" if known == presented[0] else "base64"


def known_token(platform: Platform, request: Request) -> str | None:
    """The presented token if it is the invitation, the registered one, or one awaited during a registration."""
    books = platform.books
    known = [books.invitation, books.awaited_token, books.connection and books.connection.token_for_us]
    presented = presented_tokens(request.headers.get("authorization"))
    return next((t for t in presented for k in known if k and secrets.compare_digest(t.encode(), k.encode())), None)


def _ids(request: Request) -> dict[str, str]:
    return {name: request.headers.get(name) or str(uuid.uuid4()) for name in ("X-Request-ID", "X-Correlation-ID")}


def _route_back(request: Request) -> dict[str, str]:
    swap = {"from": "to", "to": "from"}
    return {
        f"OCPI-{swap[side]}-{part}": value
        for side in swap
        for part in ROUTING
        if (value := request.headers.get(f"OCPI-{side}-{part}"))
    }


def asking_party(platform: Platform, request: Request) -> Party:
    """The eMSP party that asks: the one in the routing headers, or the connection's."""
    country_code, party_id = (request.headers.get(f"OCPI-from-{part}") for part in ROUTING)
    return (country_code.upper(), party_id.upper()) if country_code and party_id else platform.emsp_party


def addressed_party(request: Request) -> Party | None:
    """The party of ours that the request is routed to, if it says so."""
    country_code, party_id = (request.headers.get(f"OCPI-to-{part}") for part in ROUTING)
    return (country_code.upper(), party_id.upper()) if country_code and party_id else None


async def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises OcpiError: HTTP 400 when it is not JSON, 2001 when not an object."""
    try:
        body = decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OcpiError(2001, f"The body is not JSON: {error}", 400) from error
    if not isinstance(body, dict):
        raise OcpiError(2001, "The body must be a JSON object")
    return body


def required_text(body: dict[str, Any], *names: str) -> list[str]:
    """The values of string fields that must be there. Raises OcpiError 2001 naming the first missing one."""
    for name in names:
        if not isinstance(body.get(name), str) or not body[name]:
            raise OcpiError(2001, f"{name}: required, a string")
    return [body[name] for name in names]
