"""The OCPI endpoints that we serve, and which handler each leads to.

All paths come in by one route of our own: partners write them with slashes doubled, missing or trailing, a redirect
would lose the body of a POST, and whatever is asked is answered with a response object.
"""

from __future__ import annotations

from typing import NoReturn

from starlette.requests import Request
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from emsp.ocpi import ours
from emsp.ocpi.connections import REGISTERED
from emsp.ocpi.door import Call, Given, Handler, endpoint_of
from emsp.ocpi.errors import OcpiError, Status
from emsp.ocpi.join import registration
from emsp.ocpi.serve import (
    bookings,
    cdrs,
    hub,
    invoices,
    locations,
    profiles,
    quick,
    results,
    sessions,
    tariffs,
    tokens,
    whole,
)

PREFIX = "/ocpi"
HANDLERS: dict[tuple[str, str], Handler] = {
    ("locations", "GET"): locations.get,
    ("locations", "PUT"): locations.put,
    ("locations", "PATCH"): locations.patch,
    ("tariffs", "GET"): whole.get,
    ("tariffs", "PUT"): whole.put,
    ("tariffs", "DELETE"): tariffs.delete,
    ("sessions", "GET"): whole.get,
    ("sessions", "PUT"): whole.put,
    ("sessions", "PATCH"): sessions.patch,
    ("cdrs", "GET"): cdrs.get,
    ("cdrs", "POST"): cdrs.post,
    ("tokens", "GET"): tokens.get,
    ("tokens", "POST"): tokens.authorize,
    ("commands", "POST"): results.post,
    ("chargingprofiles", "POST"): profiles.post,
    ("chargingprofiles", "PUT"): profiles.put,
    ("hubclientinfo", "GET"): hub.get,
    ("hubclientinfo", "PUT"): hub.put,
    ("invoicereconciliation", "POST"): invoices.post,
    ("invoicereconciliation", "GET"): invoices.get,
    ("invoicereconciliation", "PUT"): invoices.put,
    ("invoicereconciliation", "DELETE"): invoices.delete,
    ("bookings", "GET"): bookings.get,
    ("bookings", "PUT"): bookings.put,
    ("bookings", "PATCH"): bookings.patch,
}
"""By module and method; what is not here is answered 405 where the module is known, else 404."""


class _Everything(BaseRoute):
    """Every request at or below `/ocpi`, whatever its method and however odd its path."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.FULL if is_ours(scope) else Match.NONE), {}

    def url_path_for(self, name: str, /, **path_params: object) -> NoReturn:
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve(scope, receive, send)


def is_ours(scope: Scope) -> bool:
    """Whether a request is for us."""
    path: str = scope.get("path", "")
    return bool(scope["type"] == "http") and (path == PREFIX or path.startswith(f"{PREFIX}/"))


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI application: a request at or below `/ocpi`."""
    if scope["method"] == "PATCH":
        unanswered = await quick.answered(scope, receive, send)
        if unanswered is None:
            return
        receive = unanswered
    response = await _endpoint(Request(scope, receive, send))
    await response(scope, receive, send)


def routes() -> list[BaseRoute]:
    """Our endpoints, at `/ocpi`."""
    return [_Everything()]


async def _dispatch(call: Call) -> Given:
    match call.path:
        case ["versions"]:
            return _only_get(call, Given(data=ours.versions()))
        case [version] if version in ours.VERSIONS:
            return _only_get(call, Given(data=ours.details(version)))
        case [version, "credentials"] if version in ours.VERSIONS:
            return await registration.credentials(call)
        case [version, module, *_] if version in ours.VERSIONS:
            return await _functional(call, module.lower())
    raise OcpiError(Status.CLIENT_ERROR, f"there is nothing at /{'/'.join(call.path)}", 404)


def _only_get(call: Call, given: Given) -> Given:
    if call.method != "GET":
        raise _not_allowed(call)
    return given


async def _functional(call: Call, module: str) -> Given:
    if call.connection.state != REGISTERED:
        raise OcpiError(Status.CLIENT_ERROR, "this token is good for versions and credentials only", 401)
    if call.version == "2.1.1" and (module, call.method) == ("tariffs", "PATCH"):
        return await whole.patch(call)
    offered = any(module == known for known, _ in ours.modules(call.version))
    if offered and (handler := HANDLERS.get((module, call.method))):
        return await handler(call)
    if offered:
        raise _not_allowed(call)
    raise OcpiError(Status.CLIENT_ERROR, f"there is no module {module}", 404)


def _not_allowed(call: Call) -> OcpiError:
    return OcpiError(Status.CLIENT_ERROR, f"{call.method} is not allowed at /{'/'.join(call.path)}", 405)


_endpoint = endpoint_of(_dispatch)
