"""`emsp partners settlement invoice`: operators' invoices beside our own records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from emsp.charging.settlement import invoices as known
from emsp.charging.settlement.matching import Finding, InvoiceLine
from emsp.charging.settlement.reading import read_invoice
from emsp.charging.tables import PartnerInvoice
from emsp.cli.running import JsonOption, console, run, show
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid
from emsp.money import Money, round_money
from emsp.partners.parties import PartyCode

cli = typer.Typer(no_args_is_help=True, help="Operators' invoices beside our own records.")
NumberArgument = Annotated[str, typer.Argument(help="The operator's number of the invoice.")]
PartyOption = Annotated[str, typer.Option(help="The operator: NL-ABC.")]


@cli.command()
def add(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file.")],
    party: PartyOption,
    number: Annotated[str, typer.Option(help="The operator's number of the invoice.")],
    currency: Annotated[str | None, typer.Option(help="Where the file has no column for it: EUR.")] = None,
    total: Annotated[str | None, typer.Option(help="What the invoice asks for in all, with tax: 1234.50.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Take in an invoice and hold it against our records; exit status 1 when there is something against it.

    The first row names the columns: record (also cdr, cdr_id, id) and net (net_amount, excl_vat) have to be there; vat
    (an amount), gross (incl_vat, total) and currency may. Commas, semicolons or tabs, decimal point or decimal comma.
    """

    async def story() -> PartnerInvoice:
        lines = read_invoice(file.read_bytes(), currency=currency)
        async with transaction() as db:
            code = PartyCode.parse(party)
            return await known.add_invoice(db, code, number, lines, total_minor=_total(total, lines))

    invoice = run(story())
    _tell(invoice, as_json=as_json)
    if invoice.state == known.InvoiceState.DISPUTED:
        raise typer.Exit(1)


def _total(text: str | None, lines: list[InvoiceLine]) -> int | None:
    if text is None:
        return None
    try:
        return round_money(Decimal(text), lines[0].currency).amount_minor
    except InvalidOperation as error:
        raise Invalid(f"{text!r} is no amount such as 1234.50", "total") from error


@cli.command("list")
def list_all(
    party: Annotated[str | None, typer.Option(help="Those of this operator only: NL-ABC.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the invoices, newest first."""

    async def story() -> list[dict[str, Any]]:
        code = PartyCode.parse(party) if party else None
        async with transaction() as db:
            return [_row(invoice) for invoice in await known.invoices(db, code)]

    show(run(story()), as_json=as_json, empty="no invoices yet")


@cli.command("show")
def show_one(number: NumberArgument, party: PartyOption, as_json: JsonOption = False) -> None:
    """Hold an invoice against our records as they are now, and show what is found."""

    async def look(db: Db, code: PartyCode) -> PartnerInvoice:
        invoice = await known.invoice_numbered(db, code, number)
        await known.check_again(db, invoice)
        return invoice

    _tell(run(_at(party, look)), as_json=as_json)


@cli.command()
def agree(
    number: NumberArgument,
    party: PartyOption,
    despite: Annotated[bool, typer.Option("--despite-findings", help="Whatever there is against it.")] = False,
) -> None:
    """Agree to pay an invoice."""
    invoice = run(_at(party, lambda db, code: known.agree(db, code, number, despite=despite)))
    console.print(f"Agreed to pay {_amount(invoice)}.", highlight=False)


@cli.command()
def paid(number: NumberArgument, party: PartyOption) -> None:
    """Note that an invoice was paid from the bank."""
    invoice = run(_at(party, lambda db, code: known.pay(db, code, number)))
    console.print(f"{_amount(invoice)} are booked as paid.", highlight=False)


async def _at(party: str, act: Callable[[Db, PartyCode], Awaitable[PartnerInvoice]]) -> PartnerInvoice:
    code = PartyCode.parse(party)
    async with transaction() as db:
        return await act(db, code)


def _row(invoice: PartnerInvoice) -> dict[str, Any]:
    return {
        "party": str(known.party_of(invoice)),
        "number": invoice.number,
        "source": invoice.source,
        "received": invoice.received_at,
        "lines": len(invoice.lines),
        "total": _amount(invoice),
        "state": invoice.state,
        "findings": len(invoice.findings),
    }


def _tell(invoice: PartnerInvoice, *, as_json: bool) -> None:
    rows = [_finding(finding, invoice.currency) for finding in known.findings_of(invoice)]
    if as_json:
        show([{**_row(invoice), "findings": rows}], as_json=True)
        return
    show([_row(invoice)], as_json=False)
    show(rows, as_json=False, empty="it agrees with our records")


def _finding(finding: Finding, currency: str) -> dict[str, Any]:
    def amount(minor: int | None) -> str | None:
        return None if minor is None else str(Money(minor, currency).amount)

    return {
        "kind": str(finding.kind),
        "line": finding.line,
        "record": finding.record,
        "asked": amount(finding.asked_minor),
        "ours": amount(finding.ours_minor),
        "text": finding.text,
    }


def _amount(invoice: PartnerInvoice) -> Money:
    return Money(invoice.total_minor, invoice.currency)
