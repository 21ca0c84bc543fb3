"""What becomes of a fleet's invoice: it is collected or transferred, reminded of, paid, and reopened by its bank.

Every change locks the invoice and says from which states it comes; each job may run twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from emsp import clock, jobs, logs
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid, NotFound, Refused
from emsp.fleets.issued import issued_of, payer_of
from emsp.fleets.sending import tell
from emsp.fleets.tables import FleetInvoice
from emsp.fleets.terms import read_terms
from emsp.money import Money
from emsp.payments import debits
from emsp.payments.ledger.fleets import transfer_received
from emsp.payments.tables import Debit

log = logs.log(__name__)


async def collect_invoice(invoice_id: UUID) -> None:
    """Job: let the bank account of the fleet pay its invoice, if it has a mandate; else it waits for a transfer."""
    async with transaction() as db:
        issued = await issued_of(db, invoice_id)
        if issued.invoice.state != "OPEN" or not issued.is_collected or issued.mandate is None:
            return
        debit = await debits.open_debit(db, reference=str(invoice_id), mandate=issued.mandate, amount=issued.left)
        _become(issued.invoice, "COLLECTING", "It is being collected from your bank account.")
        await jobs.defer(db, debits.collect, lock=f"debit:{debit.id}", debit_id=debit.id)


async def debit_changed(reference: str) -> None:
    """Job: an invoice learns what became of its debit."""
    async with transaction() as db:
        issued = await issued_of(db, UUID(reference))
        debit = (await debits.debits_for(db, [reference]))[reference]
        if debit.state == "PAID" and issued.invoice.state == "COLLECTING":
            issued.invoice.paid_minor += debit.amount_minor
            _become(issued.invoice, "PAID", "Collected from your bank account.")
        elif debit.state in ("FAILED", "RETURNED") and _is_news(issued.invoice, debit):
            if issued.invoice.state == "PAID":
                issued.invoice.paid_minor -= debit.amount_minor
            _become(issued.invoice, "DUE", debit.failure or "The bank refused the debit.")
            await tell(db, issued, "failed")


def _is_news(invoice: FleetInvoice, debit: Debit) -> bool:
    """A returned debit reopens an invoice that it had paid, but not one that was paid again since."""
    return invoice.state == "COLLECTING" or (
        debit.state == "RETURNED" and invoice.state == "PAID" and invoice.updated_at < debit.updated_at
    )


async def transferred(db: Db, invoice_id: UUID, paid: Money, *, statement_reference: str) -> FleetInvoice:
    """The fleet paid into our bank account. The same reference of the bank's statement is taken once.

    Raises Refused with NOT_OPEN for an invoice that waits for no transfer, Invalid naming `amount`.
    """
    invoice = (await issued_of(db, invoice_id)).invoice
    reference = f"{invoice.number}:{statement_reference}"
    left_minor = invoice.total_minor - invoice.paid_minor
    if paid.currency != invoice.currency or paid.amount_minor <= 0:
        raise Invalid(f"must be an amount in {invoice.currency}, more than nothing", "amount")
    if not await transfer_received(db, reference=reference, payer=payer_of(invoice.fleet_id), amount=paid):
        return invoice
    if invoice.state not in ("OPEN", "DUE") or left_minor <= 0:
        raise Refused("NOT_OPEN", f"The invoice is {invoice.state}: no transfer is awaited for it.")
    if paid.amount_minor > left_minor:
        raise Invalid(f"must be at most what is left to pay, {Money(left_minor, invoice.currency)}", "amount")
    invoice.paid_minor += paid.amount_minor
    if paid.amount_minor == left_minor:
        _become(invoice, "PAID", "Paid by transfer.")
    else:
        _become(invoice, invoice.state, f"{paid} were paid by transfer.")
    return invoice


async def remind() -> None:
    """Job: look at every invoice that was to be paid by now."""
    async with transaction() as db:
        late = select(FleetInvoice.id).where(
            col(FleetInvoice.state).in_(("OPEN", "DUE")),
            FleetInvoice.due_at < clock.now(),
            FleetInvoice.total_minor > FleetInvoice.paid_minor,
        )
        for invoice_id in (await db.execute(late)).scalars():
            await jobs.defer(db, remind_of, lock=f"invoice:{invoice_id}", invoice_id=invoice_id)


async def remind_of(invoice_id: UUID) -> None:
    """Job: an invoice that was not paid in time is DUE, and reminded of when its terms say so."""
    async with transaction() as db:
        issued = await issued_of(db, invoice_id)
        invoice, terms, now = issued.invoice, read_terms(issued.fleet.terms), clock.now()
        if invoice.state == "OPEN" and invoice.due_at < now and issued.left.amount_minor > 0:
            _become(invoice, "DUE", f"It was not paid by {issued.day(invoice.due_at)}.")
        if invoice.state != "DUE" or not _is_reminded_now(invoice, terms.remind_after_days, now):
            return
        invoice.reminders += 1
        if invoice.reminders == terms.block_after_reminders and issued.fleet.blocked_at is None:
            issued.fleet.blocked_at = now
            log.warning("fleet blocked", fleet_id=str(invoice.fleet_id), invoice=invoice.number)
        await tell(db, issued, "reminder")


def _is_reminded_now(invoice: FleetInvoice, after_days: tuple[int, ...], now: datetime) -> bool:
    if invoice.reminders >= len(after_days):
        return False
    return now >= invoice.due_at + timedelta(days=after_days[invoice.reminders])


async def invoices_of(db: Db, fleet_id: UUID) -> list[FleetInvoice]:
    """The fleet's invoices, the newest first. For callers that have checked who asks."""
    query = select(FleetInvoice).where(FleetInvoice.fleet_id == fleet_id)
    return list((await db.execute(query.order_by(col(FleetInvoice.number).desc()))).scalars())


async def invoice_by_number(db: Db, number: str) -> FleetInvoice:
    """The invoice with this number. Raises NotFound."""
    invoice = (await db.execute(select(FleetInvoice).where(FleetInvoice.number == number))).scalars().first()
    if invoice is None:
        raise NotFound(f"there is no invoice {number}")
    return invoice


def _become(invoice: FleetInvoice, state: str, reason: str) -> None:
    invoice.state, invoice.state_reason, invoice.updated_at = state, reason, clock.now()
    log.info("fleet invoice", number=invoice.number, state=state)
