"""CDRs that partners push (chapter CDRs, receiver interface): kept, answered, and settled by a job."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from emsp.db.engine import transaction
from emsp.errors import Invalid
from emsp.ocpi import ours, routing, wire
from emsp.ocpi.connections import PartyId, party_of
from emsp.ocpi.door import Call, Given
from emsp.ocpi.errors import OcpiError, Status
from emsp.ocpi.keep import inbox
from emsp.ocpi.keep.apply import take_in
from emsp.ocpi.keep.objects import Target, refuse


async def get(call: Call) -> Given:
    """GET of the URL that was given in the Location header when the CDR was received."""
    async with transaction() as db:
        return Given(data=await Target(call).known(db))


async def post(call: Call) -> Given:
    """POST cdrs; the same CDR again is answered with the same Location and does nothing."""
    if len(call.path) > 2:
        raise OcpiError(Status.CLIENT_ERROR, f"CDRs are sent to /{'/'.join(call.path[:2])}/", 404)
    body = call.json_object()
    party, cdr_id = _owner(call, body), _text(body, "id")
    key = wire.key_of(*party, cdr_id)
    item = inbox.Item(key, wire.encode(body) if isinstance(call.json(), list) else call.body, call.version)
    async with transaction() as db:
        if await routing.owner(db, call.connection.id, party) is None:
            raise Invalid(f"{' '.join(party)} is not a party of yours", "party_id")
        applied = await take_in(db, call.connection, "cdrs", [item])
    refuse(applied.reasons.get(item.key))
    url = "/".join([ours.base_url(), call.version, "cdrs", *(quote(part, safe="") for part in (*party, cdr_id))])
    return Given(http_status=201 if applied.changed else 200, headers={"Location": url})


def _owner(call: Call, body: dict[str, Any]) -> PartyId:
    """Whose the CDR is, by its own words; in 2.1.1 it has none for that."""
    if call.version == "2.1.1" and not (body.get("country_code") and body.get("party_id")):
        return party_of(call.connection)
    return PartyId.of(_text(body, "country_code"), _text(body, "party_id"))


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str | int) or not str(value).strip():
        raise Invalid("required, a string", name)
    return str(value)
