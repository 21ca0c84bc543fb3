"""Locations that partners push (chapter Locations, receiver interface): whole ones, EVSEs, connectors, and parts.

The kept document of a Location is the truth that changes are laid over: a PUT or PATCH of a child changes it in
there, moves `last_updated` up to its parents, and the Location as a whole is taken in again. The one change that
comes all the time, the status of an EVSE, goes a shorter way (`statuses`), unless something is odd about it.
"""

from __future__ import annotations

from collections.abc import Sequence

from emsp.db.engine import Db, transaction
from emsp.errors import NotFound
from emsp.ocpi import wire
from emsp.ocpi.door import Call, Given
from emsp.ocpi.keep import inbox
from emsp.ocpi.keep.inbox import Item
from emsp.ocpi.keep.objects import (
    Json,
    Target,
    dated,
    is_stale,
    merged,
    refuse,
    required_when,
    store,
    store_change,
)
from emsp.ocpi.serve.places import LEVELS, member, members, with_child, with_member
from emsp.ocpi.serve.whole import as_received
from emsp.ocpi.words.translate_location import status_of
from emsp.stations import changes

STATUS_ONLY = {"status", "last_updated", "uid"}


async def get(call: Call) -> Given:
    """GET locations/{country_code}/{party_id}/{location_id}[/{evse_uid}[/{connector_id}]]"""
    target = Target(call, depth=2)
    async with transaction() as db:
        return Given(data=_find(target, await target.known(db))[-1])


async def put(call: Call) -> Given:
    """PUT of a Location, an EVSE or a Connector."""
    target, body = Target(call, depth=2), call.json_object()
    async with transaction() as db:
        if target.below:
            created, reason = await _put_child(db, target, body)
        else:
            created, reason = await _put_location(db, call, target, body)
    refuse(reason)
    return Given(http_status=201 if created else 200)


async def patch(call: Call) -> Given:
    """PATCH of a Location, an EVSE or a Connector; the members that are named replace those that are known."""
    target, body = Target(call, depth=2), call.json_object()
    async with transaction() as db:
        location = await target.known(db, for_update=True)
        target.check(body, own_id=_own_id(target))
        found = _find(target, location)
        body = dated(target, body, found[-1])
        if is_stale(target, body, found[-1]):
            return Given()
        child = _patched(found[-1], body)
        changed = wire.encode(with_child(location, target.below, child))
        if _is_status(target, body) and await _set_status(db, target, child, changed):
            return Given()
        reason = await store_change(db, target, changed)
    refuse(reason)
    return Given()


def _own_id(target: Target) -> str:
    return LEVELS[len(target.below) - 1].own_id if target.below else "id"


async def _put_location(db: Db, call: Call, target: Target, body: Json) -> tuple[bool, str | None]:
    document = await target.kept(db, for_update=True)
    target.check(body)
    if document and is_stale(target, body, wire.decode(document.body)):
        return False, None
    return document is None, await store(db, target, as_received(call, target))


async def _put_child(db: Db, target: Target, body: Json) -> tuple[bool, str | None]:
    location = await target.known(db, for_update=True)
    target.check(body, own_id=_own_id(target))
    parents = _find(target, location, target.below[:-1])
    known = member(parents[-1], LEVELS[len(target.below) - 1], target.below[-1])
    if known and is_stale(target, body, known):
        return False, None
    child = {_own_id(target): target.below[-1], **body}
    return known is None, await store_change(db, target, wire.encode(with_child(location, target.below, child)))


def _is_status(target: Target, body: Json) -> bool:
    """Whether it is nothing but the status of an EVSE, whose Location is understood."""
    return target.state == inbox.APPLIED and len(target.below) == 1 and set(body) <= STATUS_ONLY


async def _set_status(db: Db, target: Target, evse: Json, changed: bytes) -> bool:
    """The short way: the status in place, and the kept document with it; False when the station is not there."""
    place = target.country_code.upper(), target.party_id.upper(), target.object_id, target.below[0]
    try:
        await changes.set_evse_status(db, *place, status_of(str(evse.get("status"))), required_when(evse))
    except NotFound:
        return False
    await inbox.keep(db, target.connection.id, "locations", [Item(target.key, changed, target.version)])
    return True


def _find(target: Target, location: Json, below: Sequence[str] | None = None) -> list[Json]:
    """The Location and the children on the way to the one that the path names. Raises OcpiError: HTTP 404."""
    found = [location]
    for level, wanted in zip(LEVELS, target.below if below is None else below, strict=False):
        child = member(found[-1], level, wanted)
        if child is None:
            raise target.unknown()
        found.append(child)
    return found


def _patched(known: Json, body: Json) -> Json:
    """The object with the members of the PATCH; EVSEs in the PATCH of a Location are put among those known."""
    level = LEVELS[0]
    if not isinstance(body.get(level.members), list):
        return merged(known, body)
    patched = merged(known, {name: value for name, value in body.items() if name != level.members})
    for child in members(body, level):
        patched = with_member(patched, level, str(child.get(level.own_id)), child)
    return patched
