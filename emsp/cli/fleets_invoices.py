"""`emsp fleets invoices`: the months of fleets, closed, listed, and paid by transfer."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated
from uuid import UUID

import typer
from sqlmodel import col, select

from emsp.cli.running import JsonOption, run, show
from emsp.clock import utc_text
from emsp.db.engine import transaction
from emsp.errors import Invalid
from emsp.fleets import closing, invoices, members
from emsp.fleets.tables import FleetInvoice
from emsp.money import Money, exponent

cli = typer.Typer(no_args_is_help=True, help="The invoices of fleets.")


@cli.command()
def close(
    fleet_id: Annotated[UUID, typer.Argument(help="The fleet's id, as `emsp fleets list` shows it.")],
    month: Annotated[str, typer.Argument(help="The month as YYYY-MM.")],
    early: Annotated[
        bool, typer.Option("--early", help="Also a month that is not over; its rest goes to the next one.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a fleet's invoices for a month, one per currency; they are made by themselves once the month is over."""

    async def story() -> list[FleetInvoice]:
        async with transaction() as db:
            await members.fleet_by_id(db, fleet_id)
            return await closing.close(db, fleet_id, month, early=early)

    show([_row(invoice) for invoice in run(story())], as_json=as_json, empty="nothing was charged in that month")


@cli.command("list")
def list_all(
    fleet: Annotated[UUID | None, typer.Option(help="Only those of this fleet.")] = None,
    state: Annotated[str | None, typer.Option(help="Only those that are OPEN, COLLECTING, PAID or DUE.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List invoices, the newest first."""

    async def story() -> list[FleetInvoice]:
        query = select(FleetInvoice).order_by(col(FleetInvoice.issued_at).desc(), col(FleetInvoice.number).desc())
        if fleet:
            query = query.where(FleetInvoice.fleet_id == fleet)
        if state:
            query = query.where(FleetInvoice.state == state.upper())
        async with transaction() as db:
            return list(await db.scalars(query))

    show([_row(invoice) for invoice in run(story())], as_json=as_json)


@cli.command()
def paid(
    number: Annotated[str, typer.Argument(help="The invoice's number.")],
    reference: Annotated[str, typer.Option(help="Which line of the bank's statement it is; taken once.")],
    amount: Annotated[str | None, typer.Option(help="How much, such as 12.34; all that is left if unset.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Note that a fleet paid an invoice, or a part of it, by transfer."""

    async def story() -> FleetInvoice:
        async with transaction() as db:
            invoice = await invoices.invoice_by_number(db, number)
            left = Money(invoice.total_minor - invoice.paid_minor, invoice.currency)
            money = left if amount is None else _money(amount, invoice.currency)
            return await invoices.transferred(db, invoice.id, money, statement_reference=reference)

    show([_row(run(story()))], as_json=as_json)


def _money(written: str, currency: str) -> Money:
    try:
        minor = Decimal(written).scaleb(exponent(currency))
    except InvalidOperation as error:
        raise Invalid("must be a number, such as 12.34", "amount") from error
    if not minor.is_finite() or minor != int(minor):
        raise Invalid(f"must have at most {exponent(currency)} decimals", "amount")
    return Money(int(minor), currency)


def _row(invoice: FleetInvoice) -> dict[str, object]:
    return {
        "number": invoice.number,
        "fleet": invoice.fleet_id,
        "month": invoice.month,
        "total": str(Money(invoice.total_minor, invoice.currency)),
        "paid": str(Money(invoice.paid_minor, invoice.currency)),
        "charges": invoice.charges,
        "state": invoice.state,
        "reason": invoice.state_reason,
        "due_at": utc_text(invoice.due_at),
    }
