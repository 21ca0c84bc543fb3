"""The OCPI endpoints that we serve, and which handler each leads to.

All paths come in by one route of our own: partners write them with slashes doubled, missing or trailing, a redirect
would lose the body of a POST, and whatever is asked is answered with a response object.
"""

from __future__ import annotations

from typing import NoReturn

from starlette.routing import BaseRoute, Match, NoMatchFound, request_response
from starlette.types import Receive, Scope, Send

from emsp.ocpi import (
    ours,
    receive_bookings,
    receive_cdrs,
    receive_hub,
    receive_invoices,
    receive_locations,
    receive_profiles,
    receive_results,
    receive_sessions,
    receive_tariffs,
    receive_whole,
    registration,
    serve_tokens,
)
from emsp.ocpi.connections import REGISTERED
from emsp.ocpi.door import Call, Given, Handler, endpoint_of
from emsp.ocpi.errors import OcpiError, Status

PREFIX = "/ocpi"
HANDLERS: dict[tuple[str, str], Handler] = {
    ("locations", "GET"): receive_locations.get,
    ("locations", "PUT"): receive_locations.put,
    ("locations", "PATCH"): receive_locations.patch,
    ("tariffs", "GET"): receive_whole.get,
    ("tariffs", "PUT"): receive_whole.put,
    ("tariffs", "DELETE"): receive_tariffs.delete,
    ("sessions", "GET"): receive_whole.get,
    ("sessions", "PUT"): receive_whole.put,
    ("sessions", "PATCH"): receive_sessions.patch,
    ("cdrs", "GET"): receive_cdrs.get,
    ("cdrs", "POST"): receive_cdrs.post,
    ("tokens", "GET"): serve_tokens.get,
    ("tokens", "POST"): serve_tokens.authorize,
    ("commands", "POST"): receive_results.post,
    ("chargingprofiles", "POST"): receive_profiles.post,
    ("chargingprofiles", "PUT"): receive_profiles.put,
    ("hubclientinfo", "GET"): receive_hub.get,
    ("hubclientinfo", "PUT"): receive_hub.put,
    ("invoicereconciliation", "POST"): receive_invoices.post,
    ("invoicereconciliation", "GET"): receive_invoices.get,
    ("invoicereconciliation", "PUT"): receive_invoices.put,
    ("invoicereconciliation", "DELETE"): receive_invoices.delete,
    ("bookings", "GET"): receive_bookings.get,
    ("bookings", "PUT"): receive_bookings.put,
    ("bookings", "PATCH"): receive_bookings.patch,
}
"""By module and method; what is not here is answered 405 where the module is known, else 404."""


class _Everything(BaseRoute):
    """Every request at or below `/ocpi`, whatever its method and however odd its path."""

    def __init__(self) -> None:
        self.app = request_response(endpoint_of(_dispatch))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope.get("path", "")
        ours = scope["type"] == "http" and (path == PREFIX or path.startswith(f"{PREFIX}/"))
        return (Match.FULL if ours else Match.NONE), {}

    def url_path_for(self, name: str, /, **path_params: object) -> NoReturn:
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


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
        return await receive_whole.patch(call)
    offered = any(module == known for known, _ in ours.modules(call.version))
    if offered and (handler := HANDLERS.get((module, call.method))):
        return await handler(call)
    if offered:
        raise _not_allowed(call)
    raise OcpiError(Status.CLIENT_ERROR, f"there is no module {module}", 404)


def _not_allowed(call: Call) -> OcpiError:
    return OcpiError(Status.CLIENT_ERROR, f"{call.method} is not allowed at /{'/'.join(call.path)}", 405)
