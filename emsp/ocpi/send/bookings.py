"""Charge points booked for a time to come (package Bookings, sender interface at the partner): places, requests.

A request is changed or cancelled by sending it again with the same id. What the partner makes of it is kept as if
it had been pushed.
"""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlmodel import col

from emsp.clock import utc_text
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid, NotFound, PartnerFailed, PartnerUnreachable, Refused
from emsp.ocpi import client, ours, wire
from emsp.ocpi.connections import PartyId, Peer
from emsp.ocpi.keep import inbox
from emsp.ocpi.keep.inbox import Item
from emsp.ocpi.keep.objects import Json
from emsp.ocpi.ours import Holder
from emsp.ocpi.pull.pages import first_url, pages
from emsp.ocpi.send.asking import Line
from emsp.ocpi.serve.bookings import BOOKINGS, PLACES
from emsp.ocpi.tables import InboxDocument
from emsp.ocpi.words.messages_optional import Booking, BookingLocation
from emsp.ocpi.words.reading import convert
from emsp.settings import settings

REASONS = ("POWER_OUTAGE", "BROKEN_CHARGER", "FULL", "BLOCKED", "TRAFFIC", "BROKEN_VEHICLE", "UNKNOWN")
"""Bookings: CanceledReason, without the one that means none."""


def endpoint(peer: Peer) -> str:
    """Where a partner takes bookings; it has either of two names. Raises Refused where there are none."""
    if not settings().ocpi_bookings:
        raise Refused("NOT_SUPPORTED", "bookings are off: set EMSP_OCPI_BOOKINGS=1 and connect the partner again")
    found = peer.find(BOOKINGS, "SENDER") or peer.find("booking", "SENDER")
    if found is None or peer.version < "2.3.0":
        raise Refused("NOT_SUPPORTED", f"{peer.name} takes no bookings over OCPI {peer.version}")
    return found.rstrip("/")


async def places(peer: Peer) -> list[Json]:
    """GET booking_locations: every place of a partner that can be booked."""
    found: list[Json] = []
    async with aclosing(pages(peer, first_url(f"{endpoint(peer)}/{PLACES}", None))) as crawl:
        async for page in crawl:
            found += [place for place in map(wire.decode, page.items) if isinstance(place, dict)]
    return found


async def book(
    peer: Peer, driver_id: UUID, place_id: str, starts_at: datetime, ends_at: datetime, *, evse_uid: str | None = None
) -> Json:
    """Ask for a place from one time to another, for a driver; the Booking that the partner makes of it.

    Raises PartnerFailed, PartnerUnreachable, Refused.
    """
    answer = await client.call(peer, "GET", f"{endpoint(peer)}/{PLACES}/{quote(place_id, safe='')}")
    place = _understood(peer, answer.data, BookingLocation)
    async with transaction() as db:
        holder = await ours.holder(db, driver_id)
    request_id = str(uuid4())
    request = {
        "country_code": place["country_code"],
        "party_id": place["party_id"],
        "request_id": request_id,
        "booking_option": {"evse_uid": evse_uid} if evse_uid else None,
        "location_id": place["location_id"],
        "booking_location_id": place["id"],
        "tokens": [_token(holder)],
        "period": {"start_date_time": utc_text(starts_at), "end_date_time": utc_text(ends_at)},
        "authorization_reference": request_id,
    }
    stated = {name: value for name, value in request.items() if value is not None}
    return await _post(peer, stated, holder)


def _token(holder: Holder) -> Json:
    """Bookings: BookingToken."""
    token = ours.token(holder)
    return {name: token[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")}


async def cancel(peer: Peer, request_id: str, reason: str = "UNKNOWN") -> Json:
    """Take a booking back: its request once more, cancelled. Raises Invalid, NotFound, PartnerFailed."""
    if reason not in REASONS:
        raise Invalid(f"{reason!r} is not one of {', '.join(REASONS)}", "reason")
    async with transaction() as db:
        booking = await _booked(db, peer.id, request_id)
    canceled = {"cancellation_reason": reason, "who_canceled": "EMSP"}
    return await _post(peer, {**request_of(booking), "canceled": canceled}, None)


def request_of(booking: Json) -> Json:
    """The request behind a booking, as the partner repeats it, with what the booking itself says where it does not."""
    names = ("country_code", "party_id", "request_id", "location_id", "period", "authorization_reference")
    own = {name: booking[name] for name in names if booking.get(name)}
    asked = [entry.get("booking_request") for entry in booking.get("booking_requests") or [] if isinstance(entry, dict)]
    last = asked[-1] if asked and isinstance(asked[-1], dict) else {}
    tokens = {"tokens": booking["booking_tokens"]} if booking.get("booking_tokens") else {}
    return {**tokens, **own, **last, "request_id": booking["request_id"]}


async def _booked(db: Db, connection_id: UUID, request_id: str) -> Json:
    query = select(col(InboxDocument.body)).where(
        col(InboxDocument.connection_id) == connection_id, col(InboxDocument.module) == BOOKINGS
    )
    for body in (await db.execute(query.order_by(col(InboxDocument.id).desc()))).scalars():
        booking: Json = wire.decode(body)
        if wire.fold(str(booking.get("request_id"))) == wire.fold(request_id):
            return booking
    raise NotFound(f"there is no booking with the request id {request_id}")


async def _post(peer: Peer, request: Json, holder: Holder | None) -> Json:
    """POST bookings; the Booking is kept as the partner gave it."""
    line = Line(peer=peer, to=PartyId.of(request["country_code"], request["party_id"]), holder=holder)
    wait_s = settings().command_timeout_s
    answer = await client.call(peer, "POST", endpoint(peer), request, to=line.to, sender=line.sender, timeout_s=wait_s)
    booking = _understood(peer, answer.data, Booking)
    key = wire.key_of(booking["country_code"], booking["party_id"], booking["id"])
    async with transaction() as db:
        await inbox.keep(db, peer.id, BOOKINGS, [Item(key, wire.encode(booking), peer.version)])
    return booking


def _understood(peer: Peer, data: bytes | None, message: Any) -> Json:
    """An object of the answer; a list of one is taken for it. Raises PartnerUnreachable, PartnerFailed."""
    parsed = wire.decode(data or b"null")
    parsed = parsed[0] if isinstance(parsed, list) and len(parsed) == 1 else parsed
    if not isinstance(parsed, dict):
        raise PartnerUnreachable(f"{peer.name} did not answer with a {message.__name__}")
    try:
        head = convert(parsed, message)
    except Invalid as fault:
        raise PartnerFailed(
            f"{peer.name} answered with a {message.__name__} that is not understood: {fault}"
        ) from fault
    return {**parsed, "country_code": head.country_code, "party_id": head.party_id, "id": head.id}
