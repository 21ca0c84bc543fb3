"""What the eMSP can pull: Locations, Tariffs, Sessions and CDRs, page by page or one by one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from .billing import session_object
from .door import Answer, addressed_party
from .feed import Shelf
from .platform import Platform
from .wire import OcpiError, encode, envelope, parse_timestamp


async def locations(platform: Platform, request: Request) -> Answer:
    """GET locations"""
    return _shelf_page(platform, request, platform.locations)


async def tariffs(platform: Platform, request: Request) -> Answer:
    """GET tariffs"""
    return _shelf_page(platform, request, platform.tariffs)


async def sessions(platform: Platform, request: Request) -> Answer:
    """GET sessions; `date_from` is required."""
    if "date_from" not in request.query_params:
        raise OcpiError(2001, "date_from: required for sessions")
    kept = [session for session in platform.books.sessions.values() if session.visible]
    listed = [session_object(session, platform.meter(session)) for session in kept]
    return _object_page(platform, request, listed)


async def cdrs(platform: Platform, request: Request) -> Answer:
    """GET cdrs"""
    books = platform.books
    listed = [cdr for cdr_id, cdr in books.cdrs.items() if cdr_id not in books.withheld_cdrs]
    return _object_page(platform, request, listed)


async def one_location(platform: Platform, request: Request) -> Answer:
    """GET locations/{location_id}[/{evse_uid}[/{connector_id}]]"""
    location_id, *path = [part for part in request.path_params["path"].split("/") if part]
    position = platform.locations.find(location_id, addressed_party(request))
    if position is None or len(path) > 2:
        raise OcpiError(2003, f"location {location_id} is not known", 404)
    found = platform.locations.read(position)
    for part, (children, key) in zip(path, (("evses", "uid"), ("connectors", "id")), strict=False):
        found = _child(found, children, key, part)
    return Answer(found)


def _child(parent: dict[str, Any], children: str, key: str, wanted: str) -> dict[str, Any]:
    for child in parent.get(children) or []:
        if child[key].lower() == wanted.lower():
            return dict(child)
    raise OcpiError(2003, f"{children[:-1]} {wanted} is not known at this location", 404)


def _shelf_page(platform: Platform, request: Request, shelf: Shelf) -> Answer:
    offset, limit = _span(request, platform.options.page_limit)
    chosen = shelf.select(*_window(request))
    bodies = [shelf.bodies[position] for position in chosen[offset : offset + limit]]
    return _page(platform, request, bodies, len(chosen))


def _object_page(platform: Platform, request: Request, listed: Sequence[dict[str, Any]]) -> Answer:
    offset, limit = _span(request, platform.options.page_limit)
    start, end = _window(request)
    low, high = start or datetime.min.replace(tzinfo=UTC), end or datetime.max.replace(tzinfo=UTC)
    chosen = [o for o in listed if low <= parse_timestamp(o["last_updated"], "last_updated") < high]
    return _page(platform, request, [encode(o) for o in chosen[offset : offset + limit]], len(chosen))


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


def _window(request: Request) -> tuple[datetime | None, datetime | None]:
    stated = {name: request.query_params.get(name) for name in ("date_from", "date_to")}
    start, end = (parse_timestamp(text, name) if text else None for name, text in stated.items())
    return start, end
