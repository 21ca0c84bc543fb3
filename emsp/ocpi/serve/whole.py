"""Objects that partners push whole and read back: alike for tariffs and sessions (their receiver interfaces)."""

from __future__ import annotations

from collections.abc import Callable

from emsp.db.engine import transaction
from emsp.ocpi import wire
from emsp.ocpi.door import Call, Given
from emsp.ocpi.keep.objects import Json, Target, dated, is_stale, merged, refuse, store, store_change


async def get(call: Call) -> Given:
    """GET {module}/{country_code}/{party_id}/{id}"""
    async with transaction() as db:
        return Given(data=await Target(call).known(db))


async def patch(call: Call, laid_over: Callable[[Json, Json], Json] = merged) -> Given:
    """PATCH {module}/{country_code}/{party_id}/{id}: of sessions, which say how theirs is laid over what is known, and
    of tariffs, until 2.1.1."""
    target, changes = Target(call), call.json_object()
    async with transaction() as db:
        known = await target.known(db, for_update=True)
        target.check(changes)
        changes = dated(target, changes, known)
        if is_stale(target, changes, known):
            return Given()
        reason = await store_change(db, target, wire.encode(laid_over(known, changes)))
    refuse(reason)
    return Given()


async def put(call: Call) -> Given:
    """PUT {module}/{country_code}/{party_id}/{id}"""
    target, body = Target(call), call.json_object()
    async with transaction() as db:
        document = await target.kept(db, for_update=True)
        target.check(body)
        if document and is_stale(target, body, wire.decode(document.body)):
            return Given()
        reason = await store(db, target, as_received(call, target))
    refuse(reason)
    return Given(http_status=200 if document else 201)


def as_received(call: Call, target: Target) -> bytes:
    """The very bytes, unless the body leaves to the path what every object must say."""
    body = call.json_object()
    whole = target.whole(body)
    return call.body if whole == body else wire.encode(whole)
