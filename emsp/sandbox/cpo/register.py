"""Versions and credentials: the handshake, answered (Credentials module) or begun by this CPO."""

import secrets
from typing import Any

from starlette.requests import Request

from .calls import CallFailed, Refused, exchange
from .door import Answer, json_object, known_token, required_text
from .platform import Platform
from .state import Connection
from .wire import OcpiError, token_header

VERSIONS = ("2.2.1",)
MODULES = (
    ("credentials", "SENDER"),
    ("locations", "SENDER"),
    ("tariffs", "SENDER"),
    ("sessions", "SENDER"),
    ("cdrs", "SENDER"),
    ("tokens", "RECEIVER"),
    ("commands", "RECEIVER"),
)
WANTED = ("credentials/SENDER", "sessions/RECEIVER", "cdrs/RECEIVER")


async def versions(platform: Platform, request: Request) -> Answer:
    """GET /ocpi/versions"""
    return Answer([{"version": version, "url": f"{platform.url}/ocpi/{version}"} for version in VERSIONS])


async def details(platform: Platform, request: Request) -> Answer:
    """GET /ocpi/{version}"""
    version = _offered(request)
    base = f"{platform.url}/ocpi/{version}"
    endpoints = [{"identifier": name, "role": role, "url": f"{base}/{name}/"} for name, role in MODULES]
    return Answer({"version": version, "endpoints": endpoints})


def _offered(request: Request) -> str:
    version = str(request.path_params["version"])
    if version not in VERSIONS:
        raise OcpiError(3002, f"version {version} is not offered here", 404)
    return version


async def credentials(platform: Platform, request: Request) -> Answer:
    """GET, POST, PUT and DELETE of /ocpi/{version}/credentials"""
    _offered(request)
    registered = _is_registered(platform, request)
    match request.method:
        case "GET":
            return Answer(_credentials(platform, known_token(platform, request) or ""))
        case "POST" if not registered:
            return Answer(await _register(platform, request))
        case "PUT" if registered:
            return Answer(await _register(platform, request))
        case "DELETE" if registered:
            platform.books.connection = None
            platform.store.save()
            return Answer()
    state = "already" if registered else "not yet"
    raise OcpiError(2000, f"{request.method} credentials: this platform is {state} registered", 405)


def _is_registered(platform: Platform, request: Request) -> bool:
    connection = platform.books.connection
    return connection is not None and known_token(platform, request) == connection.token_for_us


async def _register(platform: Platform, request: Request) -> dict[str, Any]:
    version = request.path_params["version"]
    offered = await json_object(request)
    token, url = required_text(offered, "token", "url")
    endpoints = await _endpoints(platform, url, version, token)
    connection = Connection(
        version=version,
        token_for_us=secrets.token_urlsafe(32),
        token_for_them=token,
        versions_url=url,
        roles=_roles(offered),
        endpoints=endpoints,
    )
    _keep(platform, connection)
    return _credentials(platform, connection.token_for_us)


def _keep(platform: Platform, connection: Connection) -> None:
    platform.books.connection = connection
    platform.books.invitation = None
    platform.store.save()


def _roles(offered: dict[str, Any]) -> list[dict[str, Any]]:
    roles = offered.get("roles")
    if not isinstance(roles, list) or not roles:
        raise OcpiError(2001, "roles: at least one role is required")
    for role in roles:
        if not isinstance(role, dict):
            raise OcpiError(2001, "roles: each role is an object")
        required_text(role, "role", "party_id", "country_code")
    return roles


def _credentials(platform: Platform, token: str) -> dict[str, Any]:
    roles = [
        {
            "role": "CPO",
            "country_code": country_code,
            "party_id": party_id,
            "business_details": {"name": name},
        }
        for (country_code, party_id), name in sorted(platform.parties.items())
    ]
    return {"token": token, "url": f"{platform.url}/ocpi/versions", "roles": roles}


async def _endpoints(platform: Platform, url: str, version: str, token: str) -> dict[str, str]:
    """The other side's endpoints by `identifier/ROLE`. Raises OcpiError 3001, 3002 or 3003."""
    headers = {"Authorization": token_header(token)}
    offered = await _fetched(platform, url, headers)
    details_url = {entry["version"]: entry["url"] for entry in offered}.get(version)
    if details_url is None:
        raise OcpiError(3002, f"{url} does not offer version {version}")
    found = (await _fetched(platform, details_url, headers))["endpoints"]
    endpoints = {f"{entry['identifier']}/{_role(entry)}": entry["url"] for entry in found}
    missing = [name for name in WANTED if name not in endpoints]
    if missing:
        raise OcpiError(3003, f"{details_url} lacks {', '.join(missing)}")
    return endpoints


def _role(entry: dict[str, Any]) -> str:
    return "SENDER" if entry["identifier"] == "credentials" else str(entry.get("role"))


async def _fetched(platform: Platform, url: str, headers: dict[str, str]) -> Any:
    try:
        return (await exchange(platform, "GET", url, headers))["data"]
    except (CallFailed, KeyError) as error:
        raise OcpiError(3001, f"cannot use the API at {url}: {error}") from error


async def connect(platform: Platform, versions_url: str, invitation: str) -> Connection:
    """Registers at an eMSP with the token it handed out. Raises OcpiError or CallFailed."""
    awaited = platform.books.awaited_token = secrets.token_urlsafe(32)
    try:
        endpoints = await _endpoints(platform, versions_url, VERSIONS[-1], invitation)
        theirs = await _offer(platform, endpoints["credentials/SENDER"], invitation, awaited)
    finally:
        platform.books.awaited_token = None
    connection = Connection(
        version=VERSIONS[-1],
        token_for_us=awaited,
        token_for_them=required_text(theirs, "token")[0],
        versions_url=theirs.get("url", versions_url),
        roles=_roles(theirs),
        endpoints=endpoints,
    )
    _keep(platform, connection)
    return connection


async def _offer(platform: Platform, url: str, invitation: str, awaited: str) -> dict[str, Any]:
    """POSTs our credentials; the eMSP may use the awaited token before it answers with its own."""
    headers = {"Authorization": token_header(invitation)}
    answer = await exchange(platform, "POST", url, headers, _credentials(platform, awaited))
    theirs = answer.get("data")
    if not isinstance(theirs, dict):
        raise Refused(f"POST {url}: the answer holds no credentials", 200)
    return theirs
