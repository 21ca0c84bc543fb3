"""Places that can be booked, and bookings, as partners tell of them (package Bookings, receiver interface)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from emsp.db.engine import transaction
from emsp.ocpi import wire
from emsp.ocpi.door import Call, Given
from emsp.ocpi.errors import OcpiError, Status
from emsp.ocpi.keep import kept
from emsp.ocpi.keep.objects import Json, Target, is_stale, merged, required_when, when
from emsp.ocpi.words.messages_optional import Booking, BookingLocation
from emsp.ocpi.words.reading import convert

BOOKINGS, PLACES, CALENDARS = "bookings", "booking_locations", "calendars"
MESSAGES: dict[str, Any] = {BOOKINGS: Booking, PLACES: BookingLocation}


async def get(call: Call) -> Given:
    """GET bookings/{country_code}/{party_id}/{id} and …/booking_locations/{id}[/{calendar_id}]"""
    target = _target(call)
    if not target.below:
        return await kept.get(target)
    async with transaction() as db:
        return Given(data=_calendar(target, await target.known(db)))


async def put(call: Call) -> Given:
    """PUT of a booking, a place that can be booked, or one calendar of it."""
    target, body = _target(call), call.json_object()
    if not target.below:
        return await kept.put(target, body, MESSAGES[target.module])
    target.check(body)
    return await _change(target, lambda place: _with_calendar(target, place, {**body, "id": target.below[0]}))


async def patch(call: Call) -> Given:
    """PATCH of the same; a change of a calendar is one of its place too."""
    target, changes = _target(call), call.json_object()
    target.check(changes)
    required_when(changes)
    if not target.below:
        return await _change(target, lambda known: None if is_stale(target, changes, known) else merged(known, changes))

    def changed(place: Json) -> Json | None:
        calendar = _calendar(target, place)
        stale = is_stale(target, changes, calendar)
        return None if stale else _with_calendar(target, place, merged(calendar, changes))

    return await _change(target, changed)


def _target(call: Call) -> Target:
    """What a path names. Places and bookings are kept apart: their ids may be alike."""
    match call.path:
        case [version, _, country_code, party_id, name, *rest] if name.lower() == PLACES:
            path = [version, PLACES, country_code, party_id, *rest]
            return Target(msgspec.structs.replace(call, path=path), depth=1)
    return Target(call)


async def _change(target: Target, change: Any) -> Given:
    """Keep what `change` makes of the known object; nothing when it makes nothing of it. Raises Invalid."""
    async with transaction() as db:
        known = await target.known(db, for_update=True)
        changed = change(known)
        if changed is not None:
            convert(changed, MESSAGES[target.module])
            await kept.keep(db, target, changed)
    return Given()


def _calendars(place: Mapping[str, Any]) -> list[Json]:
    found = place.get(CALENDARS)
    return [calendar for calendar in found if isinstance(calendar, dict)] if isinstance(found, list) else []


def _is(target: Target, calendar: Json) -> bool:
    return wire.fold(str(calendar.get("id"))) == wire.fold(target.below[0])


def _calendar(target: Target, place: Json) -> Json:
    for calendar in _calendars(place):
        if _is(target, calendar):
            return calendar
    raise OcpiError(Status.INVALID_PARAMETERS, f"the calendar {target.below[0]} is not known", 404)


def _with_calendar(target: Target, place: Json, calendar: Json) -> Json:
    """The place with one calendar in place of the one of that id, and as new as that."""
    others = [other for other in _calendars(place) if not _is(target, other)]
    newer = (when(calendar), when(place))
    bumped = newer[0] is not None and (newer[1] is None or newer[0] > newer[1])
    last_updated = {"last_updated": calendar["last_updated"]} if bumped else {}
    return {**place, CALENDARS: [*others, calendar], **last_updated}
