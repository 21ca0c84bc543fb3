"""The sandbox's own levers, under /sandbox: what tests and demos pull. They speak plain JSON, not OCPI."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import evses, lies
from .billing import session_object
from .calls import CallFailed
from .door import json_object, required_text
from .life import unplug
from .platform import Platform
from .registration.joining import connect
from .shown import shown
from .state import Session, place_key
from .wire import OcpiError, encode

LEVERS = {
    "start": (
        *("ok", "refuse", "reject", "timeout", "timeout_result", "never_plug", "evse_occupied", "late"),
        *("refuse_late", "pending"),
    ),
    "stop": ("ok", "reject"),
    "cdr": ("ok", "twice", "never", "pull_only", "late", "changed", "credit"),
    "pace": ("ok", "real"),
}
LOOPBACK = ("127.0.0.1", "::1", "localhost", "testclient")
Lever = Callable[[Platform, dict[str, Any]], Awaitable[Any]]


def routes() -> list[Route]:
    """All routes under /sandbox."""
    levers: dict[str, Lever] = {
        "connect": _connect,
        "invite": _invite,
        "behaviour": _behaviour,
        "lies": _lies,
        "evse-status": _evse_status,
        "unplug": _unplug,
        "remote-change": _remote_change,
    }
    posts = [Route(f"/sandbox/{name}", pulled(lever), methods=["POST"]) for name, lever in levers.items()]
    shows = {"books": _books, "lies": _catalogue}
    return [*(Route(f"/sandbox/{name}", pulled(show), methods=["GET"]) for name, show in shows.items()), *posts]


def pulled(lever: Lever) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if request.client is not None and request.client.host not in LOOPBACK:
            return _json({"error": "the sandbox listens to loopback only"}, 403)
        try:
            body = await json_object(request) if request.method == "POST" else {}
            return _json(await lever(request.app.state.platform, body))
        except OcpiError as error:
            return _json({"error": error.message}, 422)
        except CallFailed as error:
            return _json({"error": str(error)}, 502)

    return endpoint


def _json(content: Any, status: int = 200) -> Response:
    return Response(encode(content), status, media_type="application/json")


async def _books(platform: Platform, body: dict[str, Any]) -> Any:
    books = platform.books
    return {
        "registered": books.connection is not None,
        "emsp": books.connection and {"url": books.connection.versions_url, "roles": books.connection.roles},
        "sessions": [_entry(platform, session) for session in books.sessions.values()],
        "cdrs": list(books.cdrs.values()),
        "withheld_cdrs": books.withheld_cdrs,
        "tokens": list(books.tokens.values()),
        **shown(platform),
    }


def _entry(platform: Platform, session: Session) -> dict[str, Any]:
    own = {"phase": session.phase, "behaviour": session.behaviour, "remarks": session.remarks}
    return {**session_object(session, platform.meter(session)), **own}


async def _connect(platform: Platform, body: dict[str, Any]) -> Any:
    """Registers at an eMSP: {"versions_url", "token", "version"?}."""
    versions_url, token = required_text(body, "versions_url", "token")
    connection = await connect(platform, versions_url, token, body.get("version"))
    return {"registered": True, "version": connection.version, "roles": connection.roles}


async def _invite(platform: Platform, body: dict[str, Any]) -> Any:
    """Forgets the registration and hands out a new CREDENTIALS_TOKEN_A: {"token"?}."""
    books = platform.books
    books.connection, books.invitation = None, body.get("token") or secrets.token_urlsafe(24)
    platform.store.save()
    return {"versions_url": f"{platform.url}/ocpi/versions", "token": books.invitation}


async def _behaviour(platform: Platform, body: dict[str, Any]) -> Any:
    """Tells an EVSE, a location or all of them how to behave: {"location_id"?, "evse_uid"?, "start"?, ...}."""
    orders = {name: body[name] for name in LEVERS if name in body}
    for name, value in orders.items():
        if value not in LEVERS[name]:
            raise OcpiError(2001, f"{name}: {value!r} is not one of {', '.join(LEVERS[name])}")
    told = platform.books.behaviours.setdefault(place_key(*_place(body)), {})
    told.update(orders)
    platform.store.save()
    return told


async def _lies(platform: Platform, body: dict[str, Any]) -> Any:
    """Tells an EVSE, a location or all of them to lie, so and not otherwise: {"lies", "location_id"?, "evse_uid"?}."""
    names = body.get("lies")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise OcpiError(2001, "lies: required, a list of names")
    try:
        told = lies.tell(platform, names, _place(body))
    except ValueError as error:
        raise OcpiError(2001, f"lies: {error}") from error
    return {"told": sorted(told)}


async def _catalogue(platform: Platform, body: dict[str, Any]) -> Any:
    """Every lie with its sentence and source, and which are told by everyone."""
    told = lies.told(platform)
    return [
        {"name": lie.name, "sentence": lie.sentence, "source": lie.source, "about": lie.about, "told": lie.name in told}
        for lie in lies.CATALOGUE.values()
    ]


def _place(body: dict[str, Any]) -> lies.Place:
    location_id, evse_uid = body.get("location_id"), body.get("evse_uid")
    if evse_uid and not location_id:
        raise OcpiError(2001, "location_id: required with evse_uid")
    return (location_id, evse_uid)


async def _evse_status(platform: Platform, body: dict[str, Any]) -> Any:
    """Changes and pushes an EVSE's status: {"location_id", "evse_uid", "status"}."""
    location_id, evse_uid, status = required_text(body, "location_id", "evse_uid", "status")
    if status not in evses.STATUSES:
        raise OcpiError(2001, f"status: {status!r} is not one of {', '.join(evses.STATUSES)}")
    return _changed(platform, location_id, evse_uid, {"status": status})


async def _remote_change(platform: Platform, body: dict[str, Any]) -> Any:
    """Changes fields of a location or EVSE: {"location_id", "evse_uid"?, "push"?: false, any other field}."""
    (location_id,) = required_text(body, "location_id")
    fields = {name: value for name, value in body.items() if name not in ("location_id", "evse_uid", "push")}
    return _changed(platform, location_id, body.get("evse_uid"), fields, push=bool(body.get("push")))


def _changed(
    platform: Platform, location_id: str, evse_uid: str | None, fields: dict[str, Any], push: bool = True
) -> Any:
    position = platform.locations.find(location_id)
    if position is not None:
        location = platform.locations.read(position)
        party = (location["country_code"].upper(), location["party_id"].upper())
        if evses.change(platform, evses.Place(party, location_id, evse_uid), fields, push):
            return platform.locations.read(position)
    raise OcpiError(2003, f"location {location_id}, EVSE {evse_uid}: not known")


async def _unplug(platform: Platform, body: dict[str, Any]) -> Any:
    """The driver pulls the plug: {"session_id"}."""
    (session_id,) = required_text(body, "session_id")
    session = platform.books.sessions.get(session_id)
    if session is None or session.phase != "charging":
        raise OcpiError(2001, f"session_id: {session_id} is not charging")
    unplug(platform, session)
    return {"session_id": session_id, "ended_after_s": session.ended_after_s}
