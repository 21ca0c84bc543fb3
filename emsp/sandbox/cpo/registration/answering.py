"""Versions and credentials as they are served: the handshake answered."""

import secrets
from typing import Any

from starlette.requests import Request

from .. import lies
from ..door import Answer, json_object, known_token, required_text
from ..hub.client_info import present
from ..platform import Platform
from ..state import Connection
from ..wire import OcpiError
from .discovery import endpoints_at
from .papers import own_credentials, their_roles

SINCE_2_1_1 = (
    ("credentials", "SENDER"),
    ("locations", "SENDER"),
    ("tariffs", "SENDER"),
    ("sessions", "SENDER"),
    ("cdrs", "SENDER"),
    ("tokens", "RECEIVER"),
    ("commands", "RECEIVER"),
)
SINCE_2_2_1 = (("chargingprofiles", "RECEIVER"),)
OF_HUBS = (("hubclientinfo", "SENDER"),)


async def versions(platform: Platform, request: Request) -> Answer:
    """GET /ocpi/versions"""
    offered = platform.options.versions
    return Answer([{"version": version, "url": f"{platform.url}/ocpi/{version}"} for version in offered])


async def details(platform: Platform, request: Request) -> Answer:
    """GET /ocpi/{version}"""
    version = _offered(platform, request)
    base = f"{platform.url}/ocpi/{version}"
    if version == "2.1.1":
        endpoints = [{"identifier": name, "url": f"{base}/{name}/"} for name, _ in SINCE_2_1_1]
        return Answer({"version": version, "endpoints": endpoints})
    modules = (*SINCE_2_1_1, *SINCE_2_2_1, *(OF_HUBS if platform.is_hub else ()))
    endpoints = [{"identifier": name, "role": role, "url": f"{base}/{name}/"} for name, role in modules]
    return Answer({"version": version, "endpoints": endpoints})


def _offered(platform: Platform, request: Request) -> str:
    version = str(request.path_params["version"])
    if version not in platform.options.versions:
        raise OcpiError(3002, f"version {version} is not offered here", 404)
    return version


async def credentials(platform: Platform, request: Request) -> Answer:
    """GET, POST, PUT and DELETE of /ocpi/{version}/credentials"""
    version = _offered(platform, request)
    registered = _is_registered(platform, request)
    match request.method:
        case "GET":
            return Answer(own_credentials(platform, version, known_token(platform, request) or ""))
        case "POST" if not registered:
            return Answer(await _register(platform, request, version))
        case "PUT" if registered:
            return Answer(await _register(platform, request, version))
        case "DELETE" if registered:
            platform.books.connection = None
            platform.store.save()
            return Answer()
    state = "already" if registered else "not yet"
    raise OcpiError(2000, f"{request.method} credentials: this platform is {state} registered", 405)


def _is_registered(platform: Platform, request: Request) -> bool:
    connection = platform.books.connection
    return connection is not None and known_token(platform, request) == connection.token_for_us


async def _register(platform: Platform, request: Request, version: str) -> dict[str, Any]:
    offered = await json_object(request)
    token, url = required_text(offered, "token", "url")
    roles = their_roles(offered, version)
    if lies.tells(platform, "token-b-early"):
        await endpoints_at(platform, url, version, token)
    connection = Connection(
        version=version,
        token_for_us=secrets.token_urlsafe(32),
        token_for_them=token,
        versions_url=url,
        roles=roles,
        endpoints=await endpoints_at(platform, url, version, token),
    )
    keep(platform, connection)
    present(platform)
    return own_credentials(platform, version, connection.token_for_us)


def keep(platform: Platform, connection: Connection) -> None:
    """Enters a registration in the books; the invitation is spent."""
    platform.books.connection = connection
    platform.books.invitation = None
    platform.store.save()
