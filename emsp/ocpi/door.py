"""The way in for partners: who calls, with which token, and the envelope and headers of every answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from emsp import logs
from emsp.db.engine import reading
from emsp.db.together import Together
from emsp.errors import EmspError, Invalid
from emsp.ocpi import connections, wire
from emsp.ocpi.errors import OcpiError, Status, as_ocpi
from emsp.ocpi.tables import Connection

MAX_BODY_BYTES = 4 * 1024 * 1024
CONFIGURATION = frozenset({"versions", "credentials", "hubclientinfo"})
ID_HEADERS = {"X-Request-ID": "request_id", "X-Correlation-ID": "correlation_id"}
SWAPPED = {
    f"ocpi-{end}-{part}": f"OCPI-{swapped}-{part}"
    for end, swapped in (("to", "from"), ("from", "to"))
    for part in ("country-code", "party-id")
}
log = logs.log(__name__)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a known partner. `path` holds the decoded segments after `/ocpi`."""

    method: str
    path: list[str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    connection: Connection
    token: str
    encoding: str

    @property
    def version(self) -> str:
        """The version whose endpoint was called."""
        return self.path[0]

    def json(self) -> Any:
        """The body as JSON. Raises OcpiError: HTTP 400 for what is not JSON."""
        try:
            parsed = wire.decode(self.body)
            wire.refuse_nul(self.body)
        except Invalid as fault:
            raise OcpiError(Status.INVALID_PARAMETERS, str(fault), 400) from fault
        return parsed

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; a list of one is taken for it."""
        parsed = self.json()
        if isinstance(parsed, list) and len(parsed) == 1:
            parsed = parsed[0]
        if not isinstance(parsed, dict):
            raise OcpiError(Status.INVALID_PARAMETERS, "the body must be a JSON object")
        return parsed


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler gives back: data for the envelope, HTTP status and headers."""

    data: Any = None
    http_status: int = 200
    headers: dict[str, str] = {}


Handler = Callable[[Call], Awaitable[Given]]


async def _look_up(callers: Sequence[Mapping[str, str]]) -> list[tuple[Connection, str, str] | None]:
    async with reading() as db:
        return await connections.by_tokens(db, callers)


_who_calls = Together(_look_up)
"""Callers of the same moment are looked up together."""


def endpoint_of(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler as a Starlette endpoint: errors become envelopes, ids and routing headers go back."""

    async def endpoint(request: Request) -> Response:
        ids = ids_of(request.scope, request.headers)
        with logs.context(request_id=ids["X-Request-ID"], correlation_id=ids["X-Correlation-ID"]):
            status, headers, body = await _handled(request, handler)
        return Response(body, status, {**ids, **_routed_back(request), **headers}, "application/json")

    return endpoint


async def _handled(request: Request, handler: Handler) -> tuple[int, dict[str, str], bytes]:
    try:
        call = await _call(request)
        with logs.context(partner_connection=str(call.connection.id)):
            given = await handler(call)
        return given.http_status, given.headers, wire.envelope(given.data)
    except EmspError as error:
        refusal = as_ocpi(error)
        log.info("a partner's request was refused", path=request.url.path, status=refusal.status, why=str(error))
    except Exception:
        log.exception("a partner's request failed", method=request.method, path=request.url.path)
        refusal = OcpiError(Status.SERVER_ERROR, "this request could not be handled; it is in our log", 500)
    challenge = {"WWW-Authenticate": "Token"} if refusal.http_status == 401 else {}
    return refusal.http_status, challenge, wire.envelope(None, refusal.status, refusal.message)


async def _call(request: Request) -> Call:
    candidates = wire.presented_tokens(request.headers.get("authorization"))
    found = await _who_calls.ask(candidates) if candidates else None
    if found is None:
        message = "Authorization: the credentials token is missing or not known here"
        raise OcpiError(Status.CLIENT_ERROR, message, 401)
    connection, token, encoding = found
    return Call(
        method=request.method,
        path=segments(request.scope.get("raw_path") or request.url.path.encode()),
        query=dict(request.query_params),
        headers=request.headers,
        body=await _limited_body(request),
        connection=connection,
        token=token,
        encoding=encoding,
    )


def segments(raw_path: bytes) -> list[str]:
    """The decoded segments after `/ocpi`; doubled and trailing slashes count for nothing. Raises OcpiError 404."""
    parts = [unquote(part) for part in raw_path.decode("ascii", "replace").split("/") if part]
    if not all(part.isprintable() for part in parts):
        raise OcpiError(Status.CLIENT_ERROR, "no path has such characters", 404)
    return parts[parts.index("ocpi") + 1 :] if "ocpi" in parts else parts


async def _limited_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            message = f"the body is longer than {MAX_BODY_BYTES} bytes"
            raise OcpiError(Status.INVALID_PARAMETERS, message, 413)
    return bytes(body)


def ids_of(scope: Scope, headers: Mapping[str, str]) -> dict[str, str]:
    """The ids of a request and of what it belongs to, as they are sent back: those that came, else those that it was
    given, else new ones. Header names are in lower case."""
    given = scope.get("state", {})
    return {
        name: (headers.get(name.lower()) or given.get(fact) or str(uuid4()))[:100] for name, fact in ID_HEADERS.items()
    }


def _routed_back(request: Request) -> dict[str, str]:
    """The routing headers of the request with the ends swapped (Transport and format: Message Routing Headers).

    Configuration modules are not routed.
    """
    is_routed = not CONFIGURATION & set(request.url.path.lower().split("/"))
    return routed_back(request.headers) if is_routed else {}


def routed_back(headers: Mapping[str, str]) -> dict[str, str]:
    """The routing headers of a functional module's answer; header names are in lower case."""
    return {name: value for stated, name in SWAPPED.items() if (value := headers.get(stated))}
