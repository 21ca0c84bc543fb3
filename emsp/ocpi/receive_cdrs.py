"""CDRs that partners push (chapter CDRs, receiver interface): kept, answered, and settled by a job."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from emsp.db.engine import transaction
from emsp.errors import Invalid
from emsp.ocpi import inbox, ours, wire
from emsp.ocpi.apply import take_in
from emsp.ocpi.connections import owns
from emsp.ocpi.door import Call, Given
from emsp.ocpi.errors import OcpiError, Status
from emsp.ocpi.objects import Target, refuse


async def get(call: Call) -> Given:
    """GET of the URL that was given in the Location header when the CDR was received."""
    async with transaction() as db:
        return Given(data=await Target(call).known(db))


async def post(call: Call) -> Given:
    """POST cdrs; the same CDR again is answered with the same Location and does nothing."""
    if len(call.path) > 2:
        raise OcpiError(Status.CLIENT_ERROR, f"CDRs are sent to /{'/'.join(call.path[:2])}/", 404)
    body = call.json_object()
    country_code, party_id, cdr_id = (_text(body, name) for name in ("country_code", "party_id", "id"))
    if not owns(call.connection, country_code, party_id):
        raise Invalid(f"{country_code} {party_id} is not a party of yours", "party_id")
    item = inbox.Item(wire.key_of(country_code, party_id, cdr_id), wire.encode(body))
    item = item if isinstance(call.json(), list) else inbox.Item(item.key, call.body)
    async with transaction() as db:
        applied = await take_in(db, call.connection, "cdrs", [item])
    refuse(applied.reasons.get(item.key))
    parts = (country_code.upper(), party_id.upper(), cdr_id)
    url = "/".join([ours.base_url(), call.path[0], "cdrs", *(quote(part, safe="") for part in parts)])
    return Given(http_status=201 if applied.changed else 200, headers={"Location": url})


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str | int) or not str(value).strip():
        raise Invalid("required, a string", name)
    return str(value)
