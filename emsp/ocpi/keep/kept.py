"""Objects of partners that are kept as they were sent and go to no feature: invoice records and bookings."""

from __future__ import annotations

from typing import Any

from emsp.db.engine import Db, transaction
from emsp.errors import Invalid
from emsp.ocpi import routing, wire
from emsp.ocpi.connections import PartyId
from emsp.ocpi.door import Call, Given
from emsp.ocpi.keep import inbox
from emsp.ocpi.keep.inbox import Item
from emsp.ocpi.keep.objects import Json, Target, is_stale
from emsp.ocpi.words.reading import convert


async def get(target: Target) -> Given:
    """The object as it was sent. Raises OcpiError: HTTP 404."""
    async with transaction() as db:
        return Given(data=await target.known(db))


async def put(target: Target, body: Json, message: Any) -> Given:
    """Keep the object, unless a later one is known. Raises Invalid for what is no `message`."""
    target.check(body)
    body = owned(target.whole(body), target.party)
    convert(body, message)
    async with transaction() as db:
        document = await target.kept(db, for_update=True)
        if document and is_stale(target, body, wire.decode(document.body)):
            return Given()
        await keep(db, target, body)
    return Given(http_status=200 if document else 201)


async def keep(db: Db, target: Target, body: Json) -> None:
    """Keep the object in place of what was known of it."""
    item = Item(target.key, wire.encode(body), target.version)
    await inbox.keep(db, target.connection.id, target.module, [item])


async def delete(target: Target) -> Given:
    """Withdraw the object; what it said stays on record. Raises OcpiError: HTTP 404."""
    async with transaction() as db:
        await target.known(db, for_update=True)
        document = await target.kept(db)
        if document and document.id is not None:
            await inbox.mark(db, document.id, inbox.WITHDRAWN)
    return Given()


async def owner_in(db: Db, call: Call, body: Json) -> PartyId:
    """Whose an object is by its own words. Raises Invalid when that is not a party of the caller."""
    party = PartyId.of(str(body.get("country_code") or ""), str(body.get("party_id") or ""))
    if await routing.owner(db, call.connection.id, party) is None:
        raise Invalid(f"{' '.join(party).strip() or 'nobody'} is not a party of yours", "party_id")
    return party


def owned(body: Json, party: PartyId) -> Json:
    """The object with its owner, should only the path say it."""
    missing = {name: value for name, value in party._asdict().items() if not body.get(name)}
    return {**body, **missing} if missing else body
