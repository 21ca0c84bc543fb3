"""Partners' invoices beside our own records: what each covers, what is missing, what is asked for twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

import msgspec
from sqlalchemy import select, tuple_
from sqlmodel import col

from emsp.charging.records.record import Record
from emsp.charging.settlement.invoices import records_listed
from emsp.charging.tables import ChargeRecord
from emsp.db.engine import Db
from emsp.ocpi.connections import PartyId
from emsp.ocpi.keep import inbox
from emsp.ocpi.tables import InboxDocument
from emsp.ocpi.words.messages_optional import InvoiceReconciliationRecord
from emsp.ocpi.words.reading import read
from emsp.partners.parties import PartyCode

MODULE = "invoicereconciliation"
Cdr = tuple[PartyId, str]
"""The party that wrote it and its id, in lower case."""


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice as a partner explains it, with the sums of our own records of its CDRs, net by currency."""

    party: str
    id: str
    number: str
    cdrs: list[str]
    sums: dict[str, Decimal]
    unknown: list[str]
    """CDRs that we never received."""
    doubled: list[str]
    """CDRs that another invoice, or this one twice, asks money for."""


async def invoices(db: Db, connection_id: UUID) -> list[Invoice]:
    """The invoices that a partner explained, oldest first."""
    query = select(InboxDocument).where(
        col(InboxDocument.connection_id) == connection_id,
        col(InboxDocument.module) == MODULE,
        col(InboxDocument.state) != inbox.WITHDRAWN,
    )
    documents = (await db.execute(query.order_by(col(InboxDocument.id)))).scalars()
    told = [read(document.body.encode(), InvoiceReconciliationRecord) for document in documents]
    records = await _records(db, {cdr for record in told for cdr in _cdrs(record)})
    times = Counter(cdr for record in told for cdr in _cdrs(record))
    return [_invoice(record, records, times) for record in told]


async def tell_of_invoice(db: Db, connection_id: UUID, party: PartyId, invoice_id: str) -> None:
    """Let settlement know which CDRs an invoice is for, by all records of it that are kept: large ones have several."""
    query = select(col(InboxDocument.body)).where(
        col(InboxDocument.connection_id) == connection_id,
        col(InboxDocument.module) == MODULE,
        col(InboxDocument.state) != inbox.WITHDRAWN,
        col(InboxDocument.object_key).startswith(f"{'/'.join(party)}/", autoescape=True),
    )
    bodies = (await db.execute(query.order_by(col(InboxDocument.id)))).scalars()
    told = [read(body.encode(), InvoiceReconciliationRecord) for body in bodies]
    cdrs = [cdr for record in told if record.invoice_id == invoice_id for cdr in record.cdrs]
    await records_listed(db, PartyCode(*party), invoice_id, cdrs)


def _party(record: InvoiceReconciliationRecord) -> PartyId:
    return PartyId.of(record.country_code, record.party_id)


def _cdrs(record: InvoiceReconciliationRecord) -> list[Cdr]:
    return [(_party(record), cdr_id.strip().casefold()) for cdr_id in record.cdrs]


def _invoice(record: InvoiceReconciliationRecord, records: dict[Cdr, Record], times: Counter[Cdr]) -> Invoice:
    stated = dict(zip(_cdrs(record), record.cdrs, strict=True))
    return Invoice(
        party=" ".join(_party(record)),
        id=record.id,
        number=record.invoice_id,
        cdrs=record.cdrs,
        sums=_sums(records[cdr] for cdr in stated if cdr in records),
        unknown=[name for cdr, name in stated.items() if cdr not in records],
        doubled=[name for cdr, name in stated.items() if times[cdr] > 1],
    )


def _sums(records: Iterable[Record]) -> dict[str, Decimal]:
    """Net; a credit counts as what it takes back."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for record in records:
        sums[record.currency] += -abs(record.net_cost) if record.credit else record.net_cost
    return dict(sums)


async def _records(db: Db, wanted: set[Cdr]) -> dict[Cdr, Record]:
    """Our records of CDRs, whichever way they came."""
    found: dict[Cdr, Record] = {}
    for some in _portions(sorted(wanted)):
        keys = [(*party, cdr_id) for party, cdr_id in some]
        place = tuple_(col(ChargeRecord.country_code), col(ChargeRecord.party_id), col(ChargeRecord.external_key))
        query = select(ChargeRecord).where(place.in_(keys)).order_by(col(ChargeRecord.revision))
        for row in (await db.execute(query)).scalars():
            party = PartyId(row.country_code, row.party_id)
            found[party, row.external_key] = msgspec.convert(row.document, Record, strict=False)
    return found


def _portions(cdrs: Sequence[Cdr], size: int = 5000) -> Iterable[Sequence[Cdr]]:
    return (cdrs[start : start + size] for start in range(0, len(cdrs), size))


def as_row(invoice: Invoice) -> dict[str, object]:
    """An invoice as one line of a table."""
    return {
        "party": invoice.party,
        "invoice": invoice.number,
        "id": invoice.id,
        "cdrs": len(invoice.cdrs),
        "our_records": len(set(invoice.cdrs)) - len(invoice.unknown),
        "net_sums": " ".join(f"{amount} {currency}" for currency, amount in sorted(invoice.sums.items())),
        "unknown": " ".join(invoice.unknown),
        "in_two_invoices": " ".join(invoice.doubled),
    }
