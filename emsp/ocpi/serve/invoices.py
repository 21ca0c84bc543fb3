"""Which CDRs an invoice is for, as partners tell us (chapter InvoiceReconciliation, receiver interface)."""

from __future__ import annotations

import msgspec

from emsp.db.engine import transaction
from emsp.ocpi.door import Call, Given
from emsp.ocpi.errors import OcpiError, Status
from emsp.ocpi.keep import kept
from emsp.ocpi.keep.objects import Target
from emsp.ocpi.words.messages_optional import InvoiceReconciliationRecord
from emsp.ocpi.words.reading import convert

MODULE = "invoicereconciliation"


async def post(call: Call) -> Given:
    """POST invoicereconciliation; the same record again changes nothing."""
    if len(call.path) != 2:
        raise OcpiError(Status.CLIENT_ERROR, f"records are sent to /{'/'.join(call.path[:2])}/", 404)
    body = call.json_object()
    record = convert(body, InvoiceReconciliationRecord)
    async with transaction() as db:
        party = await kept.owner_in(db, call, body)
    named = msgspec.structs.replace(call, path=[*call.path, *party, record.id])
    return await kept.put(Target(named), body, InvoiceReconciliationRecord)


async def get(call: Call) -> Given:
    """GET invoicereconciliation/{country_code}/{party_id}/{id}"""
    return await kept.get(Target(call))


async def put(call: Call) -> Given:
    """PUT invoicereconciliation/{country_code}/{party_id}/{id}"""
    return await kept.put(Target(call), call.json_object(), InvoiceReconciliationRecord)


async def delete(call: Call) -> Given:
    """DELETE invoicereconciliation/{country_code}/{party_id}/{id}: the record was a mistake."""
    return await kept.delete(Target(call))
