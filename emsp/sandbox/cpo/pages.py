"""What the eMSP can pull: Locations, Tariffs, Sessions and CDRs, page by page or one by one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from . import lies
from .billing import session_object
from .commands.reserving import reserved_sessions
from .door import Answer, addressed_party
from .feed import Party, Shelf
from .hub.client_info import client_info
from .outgoing import is_plain, spoken
from .platform import HUB, Platform
from .wire import OcpiError, decode, encode, envelope, parse_timestamp


async def locations(platform: Platform, request: Request) -> Answer:
    """GET locations"""
    return _shelf_page(platform, request, "location", platform.locations)


async def tariffs(platform: Platform, request: Request) -> Answer:
    """GET tariffs"""
    return _shelf_page(platform, request, "tariff", platform.tariffs)


async def sessions(platform: Platform, request: Request) -> Answer:
    """GET sessions; `date_from` is required."""
    if "date_from" not in request.query_params:
        raise OcpiError(2001, "date_from: required for sessions")
    kept = [session for session in platform.books.sessions.values() if session.visible]
    listed = [session_object(session, platform.meter(session)) for session in kept]
    return _object_page(platform, request, "session", [*reserved_sessions(platform), *listed])


async def cdrs(platform: Platform, request: Request) -> Answer:
    """GET cdrs"""
    books = platform.books
    listed = [cdr for cdr_id, cdr in books.cdrs.items() if cdr_id not in books.withheld_cdrs]
    return _object_page(platform, request, "cdr", listed)


async def client_infos(platform: Platform, request: Request) -> Answer:
    """GET hubclientinfo"""
    listed = [client_info(platform, party) for party in sorted(platform.parties)]
    return _object_page(platform, request, "client_info", listed)


async def one_location(platform: Platform, request: Request) -> Answer:
    """GET locations/{location_id}[/{evse_uid}[/{connector_id}]]"""
    location_id, *path = [part for part in request.path_params["path"].split("/") if part]
    position = platform.locations.find(location_id, addressed_party(request))
    if position is None or len(path) > 2:
        raise OcpiError(2003, f"location {location_id} is not known", 404)
    found = platform.locations.read(position)
    for part, (children, key) in zip(path, (("evses", "uid"), ("connectors", "id")), strict=False):
        found = _child(found, children, key, part)
    place = (location_id, path[0] if path else None)
    return Answer(spoken(platform, ("location", "evse", "connector")[len(path)], found, place))


def _child(parent: dict[str, Any], children: str, key: str, wanted: str) -> dict[str, Any]:
    for child in parent.get(children) or []:
        if child[key].lower() == wanted.lower():
            return dict(child)
    raise OcpiError(2003, f"{children[:-1]} {wanted} is not known at this location", 404)


def _shelf_page(platform: Platform, request: Request, kind: str, shelf: Shelf) -> Answer:
    offset, limit = _span(request, platform.options.page_limit)
    chosen = shelf.select(*_window(platform, request))
    party = _only_party(platform, request)
    if party or platform.version == "2.1.1":
        owners = shelf.owners
        chosen = [at for at in chosen if platform.shows(owners[at]) and party in (None, owners[at])]
    bodies = [_body(platform, kind, shelf.bodies[position]) for position in chosen[offset : offset + limit]]
    return _page(platform, request, bodies, len(chosen))


def _body(platform: Platform, kind: str, published: bytes) -> bytes:
    return published if is_plain(platform, kind) else encode(spoken(platform, kind, decode(published)))


def _only_party(platform: Platform, request: Request) -> Party | None:
    """The party behind the hub that alone is asked; None when the hub gives everyone's objects."""
    party = addressed_party(request) if platform.is_hub else None
    return None if party == HUB else party


def _object_page(platform: Platform, request: Request, kind: str, listed: Sequence[dict[str, Any]]) -> Answer:
    offset, limit = _span(request, platform.options.page_limit)
    start, end = _window(platform, request)
    low, high = start or datetime.min.replace(tzinfo=UTC), end or datetime.max.replace(tzinfo=UTC)
    chosen = [o for o in listed if low <= parse_timestamp(o["last_updated"], "last_updated") < high]
    if party := _only_party(platform, request):
        chosen = [o for o in chosen if (o["country_code"], o["party_id"]) == party]
    bodies = [encode(spoken(platform, kind, o)) for o in chosen[offset : offset + limit]]
    return _page(platform, request, bodies, len(chosen))


def _page(platform: Platform, request: Request, bodies: list[bytes], total: int) -> Answer:
    offset, limit = _span(request, platform.options.page_limit)
    headers = {"X-Total-Count": str(total), "X-Limit": str(platform.options.page_limit)}
    if offset + len(bodies) < total and bodies:
        query = {**request.query_params, "offset": offset + len(bodies), "limit": limit}
        headers["Link"] = f'<{platform.url}{request.url.path}/?{urlencode(query)}>; rel="next"'
    tail = encode(envelope())[1:]
    return Answer(body=b'{"data":[' + b",".join(bodies) + b"]," + tail, headers=headers)


def _span(request: Request, most: int) -> tuple[int, int]:
    return _count(request, "offset", 0, 0), min(_count(request, "limit", most, 1), most)


def _count(request: Request, name: str, default: int, least: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) < least:
        raise OcpiError(2001, f"{name}: {text!r} is not a number of at least {least}")
    return int(text)


def _window(platform: Platform, request: Request) -> tuple[datetime | None, datetime | None]:
    stated = {name: request.query_params.get(name) for name in ("date_from", "date_to")}
    start, end = (parse_timestamp(text, name) if text else None for name, text in stated.items())
    return lies.window(platform, (start, end))
