"""Operators' invoices: taken in from a table or from the operator's own list of records, checked, agreed to and paid.

States: RECEIVED (nothing against it) or DISPUTED, as the check finds -> AGREED by somebody -> PAID.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum

import msgspec
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from emsp import clock, logs
from emsp.accounts.codes import one_at_a_time
from emsp.charging.settlement.known import our_records
from emsp.charging.settlement.matching import (
    AGAINST_US,
    Finding,
    InvoiceLine,
    OurRecord,
    Reckoned,
    asked_net_minor,
    findings,
    tax_minor,
)
from emsp.charging.settlement.movements import account_of
from emsp.charging.tables import PartnerInvoice
from emsp.db.engine import Db
from emsp.errors import Invalid, NotFound, Refused
from emsp.money import Money
from emsp.partners.agreements import agreement_of
from emsp.partners.parties import PartyCode, owner_of
from emsp.payments.ledger import operators as ledger

UNKNOWN_CURRENCY = "XXX"
log = logs.log(__name__)


class InvoiceState(StrEnum):
    """Where an invoice stands."""

    RECEIVED = "RECEIVED"
    DISPUTED = "DISPUTED"
    AGREED = "AGREED"
    PAID = "PAID"


class Source(StrEnum):
    """Where its lines are from: a table with amounts, or the operator's own list of records without any."""

    CSV = "CSV"
    LIST = "OCPI"


OPEN = (InvoiceState.RECEIVED, InvoiceState.DISPUTED)


async def add_invoice(
    db: Db, party: PartyCode, number: str, lines: Sequence[InvoiceLine], *, total_minor: int | None = None
) -> PartnerInvoice:
    """Take in an invoice with its amounts, and check it. One that was only listed before gets its amounts.

    Raises Invalid, NotFound for an unknown party, and Refused (ALREADY_KNOWN).
    """
    currencies = sorted({line.currency for line in lines})
    if not number.strip():
        raise Invalid("must not be empty", "number")
    if len(currencies) != 1:
        raise Invalid(f"an invoice has one currency, this one {', '.join(currencies)}", "currency")
    invoice = await _opened(db, party, number.strip())
    if invoice.source == Source.CSV and invoice.lines:
        raise Refused("ALREADY_KNOWN", f"Invoice {invoice.number} of {party} is here already.", "number")
    _refuse_closed(invoice)
    invoice.source, invoice.currency, invoice.lines = Source.CSV, currencies[0], msgspec.to_builtins(lines)
    invoice.total_minor = asked_net_minor(lines, {}) + tax_minor(lines) if total_minor is None else total_minor
    await check_again(db, invoice)
    await _check_those_that_share(db, invoice)
    return invoice


async def records_listed(db: Db, party: PartyCode, number: str, records: Sequence[str]) -> PartnerInvoice | None:
    """The operator says which records an invoice is for, without amounts; what it said of it before counts no more.

    An invoice that is here with its amounts, or that was agreed to, stays as it is: None.
    """
    invoice = await _opened(db, party, number.strip())
    if invoice.source == Source.CSV or invoice.state not in OPEN:
        log.info("an invoice was listed that is here already", party=str(party), number=number, state=invoice.state)
        return None
    if not records:
        await db.delete(invoice)
        return None
    ours = await our_records(db, party, [record.strip().casefold() for record in records])
    named = {record.strip().casefold() for record in records}
    currencies = sorted({ours[key].currency for key in named if key in ours})
    invoice.currency = currencies[0] if currencies else UNKNOWN_CURRENCY
    lines = [
        InvoiceLine(number=number, record=record, currency=_currency(ours, record, invoice.currency))
        for number, record in enumerate(records, 1)
    ]
    invoice.lines, invoice.total_minor = msgspec.to_builtins(lines), asked_net_minor(lines, ours)
    await check_again(db, invoice)
    await _check_those_that_share(db, invoice)
    return invoice


async def check_again(db: Db, invoice: PartnerInvoice) -> None:
    """Hold an invoice against our records as they are now. One that was agreed to keeps its state."""
    party, lines = party_of(invoice), lines_of(invoice)
    others = await _others(db, invoice, {line.key for line in lines})
    ours = await our_records(db, party, {line.key for line in lines})
    others |= await _others(db, invoice, ours.keys())
    found = findings(
        Reckoned(
            currency=invoice.currency,
            lines=lines,
            ours=ours,
            others=others,
            total_minor=invoice.total_minor if invoice.source == Source.CSV else None,
            tolerance_minor=(await agreement_of(db, invoice.partner_id)).tolerance_minor,
        )
    )
    if invoice.source == Source.LIST:
        invoice.total_minor = asked_net_minor(lines, ours)
    invoice.findings, invoice.updated_at = msgspec.to_builtins(found), clock.now()
    if invoice.state in OPEN:
        invoice.state = InvoiceState.DISPUTED if _objections(found) else InvoiceState.RECEIVED
    await db.flush()


async def agree(db: Db, party: PartyCode, number: str, *, despite: bool = False) -> PartnerInvoice:
    """Agree to pay an invoice, after another look at it. Raises NotFound, and Refused: CLOSED, or HAS_OBJECTIONS unless
    it is to be paid `despite` what was found."""
    invoice = await invoice_numbered(db, party, number)
    _refuse_closed(invoice)
    await check_again(db, invoice)
    if (against := _objections(findings_of(invoice))) and not despite:
        kinds = ", ".join(sorted({finding.kind for finding in against}))
        raise Refused("HAS_OBJECTIONS", f"{len(against)} things are against it: {kinds}.", "number")
    invoice.state, invoice.updated_at = InvoiceState.AGREED, clock.now()
    await db.flush()
    return invoice


async def pay(db: Db, party: PartyCode, number: str) -> PartnerInvoice:
    """Note that an invoice was paid from the bank. Raises NotFound, and Refused: NOT_AGREED."""
    invoice = await invoice_numbered(db, party, number)
    if invoice.state == InvoiceState.PAID:
        return invoice
    if invoice.state != InvoiceState.AGREED:
        raise Refused("NOT_AGREED", f"The invoice is not agreed to but {invoice.state}.", "number")
    tax = Money(tax_minor(lines_of(invoice)), invoice.currency)
    net = Money(invoice.total_minor, invoice.currency) - tax
    await ledger.invoice_paid(db, reference=str(invoice.id), seller=account_of(party), net=net, tax=tax)
    invoice.state, invoice.updated_at = InvoiceState.PAID, clock.now()
    await db.flush()
    return invoice


async def invoices(db: Db, party: PartyCode | None = None) -> Sequence[PartnerInvoice]:
    """The invoices, newest first: of one party, or of all."""
    query = select(PartnerInvoice).order_by(col(PartnerInvoice.received_at).desc())
    if party:
        query = query.where(*_of(party))
    return (await db.execute(query)).scalars().all()


async def invoice_numbered(db: Db, party: PartyCode, number: str) -> PartnerInvoice:
    """An invoice of a party, locked. Raises NotFound."""
    query = select(PartnerInvoice).where(*_of(party), PartnerInvoice.number == number.strip()).with_for_update()
    found = (await db.execute(query, execution_options={"populate_existing": True})).scalar_one_or_none()
    if found is None:
        raise NotFound(f"{party} sent no invoice {number!r}")
    return found


def lines_of(invoice: PartnerInvoice) -> list[InvoiceLine]:
    """Its lines, in order."""
    return msgspec.convert(invoice.lines, list[InvoiceLine])


def findings_of(invoice: PartnerInvoice) -> list[Finding]:
    """What was wrong with it when it was checked last."""
    return msgspec.convert(invoice.findings, list[Finding])


def party_of(invoice: PartnerInvoice) -> PartyCode:
    """Who sent it."""
    return PartyCode(invoice.country_code, invoice.party_id)


def _objections(found: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.kind in AGAINST_US]


def _refuse_closed(invoice: PartnerInvoice) -> None:
    if invoice.state not in OPEN:
        raise Refused("CLOSED", f"The invoice is {invoice.state} already.", "number")


async def _opened(db: Db, party: PartyCode, number: str) -> PartnerInvoice:
    """The invoice of that number, locked; made, without lines, if there is none. One of a party at a time, since each
    is held against the others."""
    await one_at_a_time(db, f"invoices of {party}")
    row = PartnerInvoice(
        partner_id=await owner_of(db, party),
        country_code=party.country_code,
        party_id=party.party_id,
        number=number,
        source=Source.LIST,
        currency=UNKNOWN_CURRENCY,
        lines=[],
        findings=[],
    )
    await db.execute(insert(PartnerInvoice).values(**row.model_dump()).on_conflict_do_nothing())
    return await invoice_numbered(db, party, number)


async def _check_those_that_share(db: Db, invoice: PartnerInvoice) -> None:
    """Other open invoices that have one of its records, or were missing it."""
    query = select(PartnerInvoice).where(
        *_of(party_of(invoice)), col(PartnerInvoice.id) != invoice.id, col(PartnerInvoice.state).in_(OPEN)
    )
    mine = {line.key for line in lines_of(invoice)}
    for other in (await db.execute(query.with_for_update())).scalars().all():
        named = {line.key for line in lines_of(other)} | {
            finding.record.casefold() for finding in findings_of(other) if finding.record
        }
        if named & mine:
            await check_again(db, other)


async def _others(db: Db, invoice: PartnerInvoice, keys: Collection[str]) -> dict[str, str]:
    """Which of these records are on other invoices of the party, received before or not."""
    element = func.jsonb_array_elements(col(PartnerInvoice.lines)).table_valued("value", joins_implicitly=True)
    record = func.lower(func.trim(func.jsonb_extract_path_text(element.c.value, "record")))
    query = (
        select(record, PartnerInvoice.number)
        .where(*_of(party_of(invoice)), col(PartnerInvoice.id) != invoice.id)
        .order_by(col(PartnerInvoice.received_at).desc())
    )
    wanted = set(keys)
    return {key: number for key, number in await db.execute(query) if key in wanted}


def _of(party: PartyCode) -> tuple[bool, bool]:
    return (
        PartnerInvoice.country_code == party.country_code,
        PartnerInvoice.party_id == party.party_id,
    )


def _currency(ours: dict[str, OurRecord], record: str, otherwise: str) -> str:
    found = ours.get(record.strip().casefold())
    return found.currency if found else otherwise
