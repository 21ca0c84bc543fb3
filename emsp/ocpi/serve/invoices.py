"""Which CDRs an invoice is for, as partners tell us (chapter InvoiceReconciliation, receiver interface)."""

from __future__ import annotations

import msgspec

from emsp.db.engine import transaction
from emsp.ocpi import wire
from emsp.ocpi.door import Call, Given
from emsp.ocpi.errors import OcpiError, Status
from emsp.ocpi.keep import invoices, kept
from emsp.ocpi.keep.objects import Json, Target
from emsp.ocpi.words.messages_optional import InvoiceReconciliationRecord
from emsp.ocpi.words.reading import convert


async def post(call: Call) -> Given:
    """POST invoicereconciliation; the same record again changes nothing."""
    if len(call.path) != 2:
        raise OcpiError(Status.CLIENT_ERROR, f"records are sent to /{'/'.join(call.path[:2])}/", 404)
    body = call.json_object()
    record = convert(body, InvoiceReconciliationRecord)
    async with transaction() as db:
        party = await kept.owner_in(db, call, body)
    named = msgspec.structs.replace(call, path=[*call.path, *party, record.id])
    return await _put(Target(named), body)


async def get(call: Call) -> Given:
    """GET invoicereconciliation/{country_code}/{party_id}/{id}"""
    return await kept.get(Target(call))


async def put(call: Call) -> Given:
    """PUT invoicereconciliation/{country_code}/{party_id}/{id}"""
    return await _put(Target(call), call.json_object())


async def delete(call: Call) -> Given:
    """DELETE invoicereconciliation/{country_code}/{party_id}/{id}: the record was a mistake."""
    target = Target(call)
    before = await _invoice_of(target)
    given = await kept.delete(target)
    await _tell(target, before)
    return given


async def _put(target: Target, body: Json) -> Given:
    """A record that names another invoice than before is no longer of that one."""
    before = await _invoice_of(target)
    given = await kept.put(target, body, InvoiceReconciliationRecord)
    for invoice_id in dict.fromkeys((before, await _invoice_of(target))):
        await _tell(target, invoice_id)
    return given


async def _invoice_of(target: Target) -> str | None:
    """The invoice that the kept record is about."""
    async with transaction() as db:
        document = await target.kept(db)
    return convert(wire.decode(document.body), InvoiceReconciliationRecord).invoice_id if document else None


async def _tell(target: Target, invoice_id: str | None) -> None:
    if invoice_id:
        async with transaction() as db:
            await invoices.tell_of_invoice(db, target.connection.id, target.party, invoice_id)
