"""Invoices on their way: kept as a document, sent with it, and what is written about them later."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlmodel import String, cast, col, select

from emsp import clock, jobs
from emsp.accounts.mail import write_mail
from emsp.db.engine import Db, transaction
from emsp.fleets.invoice_paper import KIND, paper_of
from emsp.fleets.invoice_words import mail
from emsp.fleets.issued import Issued, issued_of
from emsp.fleets.links import csv_url
from emsp.fleets.members import manager_emails
from emsp.fleets.tables import FleetInvoice
from emsp.papers.keep import keep, kept
from emsp.papers.said import amount
from emsp.papers.tables import Document

CSV_GOOD_FOR = timedelta(days=30)
LATE = timedelta(hours=1)


async def send_invoice(invoice_id: UUID) -> None:
    """Job: keep the invoice as a document and send it, once."""
    async with transaction() as db:
        issued = await issued_of(db, invoice_id)
        if await kept(db, KIND, str(invoice_id)):
            return
        name = f"{issued.invoice.number}.pdf"
        document = await keep(db, kind=KIND, subject=str(invoice_id), name=name, paper=paper_of(issued))
        await tell(db, issued, "issued", document)


async def take_up_again() -> None:
    """Job: send the invoices that should have been sent long ago."""
    is_written = select(Document.id).where(Document.kind == KIND, Document.subject == cast(FleetInvoice.id, String))
    async with transaction() as db:
        late = select(FleetInvoice.id).where(FleetInvoice.issued_at < clock.now() - LATE, ~is_written.exists())
        for invoice_id in (await db.execute(late)).scalars():
            await jobs.defer(db, send_invoice, lock=f"invoice:{invoice_id}", alone=True, invoice_id=invoice_id)


async def documents_of(db: Db, invoice_ids: list[UUID]) -> dict[UUID, Document]:
    """The invoices as they were sent."""
    query = select(Document).where(Document.kind == KIND, col(Document.subject).in_([str(key) for key in invoice_ids]))
    return {UUID(document.subject): document for document in (await db.execute(query)).scalars()}


async def tell(db: Db, issued: Issued, kind: str, document: Document | None = None) -> None:
    """An e-mail about the invoice to the fleet's billing address, else to its managers."""
    invoice, fleet = issued.invoice, issued.fleet
    subject, body = mail(
        kind,
        issued.language,
        brand=issued.brand.name,
        fleet=fleet.name,
        number=invoice.number,
        month=issued.month,
        total=amount(issued.total, issued.language),
        left=amount(issued.left, issued.language),
        due=issued.day(invoice.due_at),
        how=issued.how,
        reason=invoice.state_reason or "",
        csv=csv_url(fleet.id, invoice.month, good_for=CSV_GOOD_FOR),
    )
    own = fleet.billing.get("email")
    for recipient in [own] if own else await manager_emails(db, fleet.id):
        await write_mail(
            db,
            recipient=recipient,
            subject=subject,
            body=body,
            sender_name=issued.brand.name,
            document_id=document.id if document else None,
        )
