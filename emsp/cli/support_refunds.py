"""`emsp support refund`: money back for a driver, with a credit note that says why."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from uuid import UUID

import typer

from emsp.charging.billing.goodwill import billed_in, give_goodwill
from emsp.cli.running import JsonOption, run, show
from emsp.errors import Invalid
from emsp.money import Money, exponent


def register(cli: typer.Typer) -> None:
    """Add the command to the group."""
    cli.command("refund")(refund)


def refund(
    session: Annotated[UUID, typer.Argument(help="Id of the charging session.")],
    reason: Annotated[str, typer.Option(help="Why, in a sentence for the driver: it stands on the credit note.")],
    amount: Annotated[str | None, typer.Option(help="How much, such as 5.00, in the receipt's currency.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that the charge still costs.")] = False,
    key: Annotated[
        str | None, typer.Option(help="A key of this wish; the same charge, amount and reason are one wish without it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Give money back for a charge: part of it or all; the same wish twice is granted once."""

    async def story() -> dict[str, Any]:
        wanted = None if everything else _money(amount or "", await billed_in(session))
        receipt = await give_goodwill(session, wanted, reason, key)
        given = Money(-receipt.total_minor, receipt.currency)
        return {"receipt": receipt.number, "given_back": str(given), "session": session, "reason": receipt.reason}

    if everything == (amount is not None):
        raise typer.BadParameter("say either --amount or --all")
    show([run(story())], as_json=as_json)


def _money(text: str, currency: str) -> Money:
    """Major units as they were typed. Raises Invalid."""
    try:
        minor = Decimal(text).scaleb(exponent(currency))
    except InvalidOperation as error:
        raise Invalid("must be an amount, such as 5.00", "amount") from error
    if not minor.is_finite() or minor != int(minor):
        raise Invalid(f"must be an amount in {currency} with at most {exponent(currency)} decimals", "amount")
    return Money(int(minor), currency)
