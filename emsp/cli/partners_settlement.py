"""`emsp partners settlement`: what we owe operators month by month, their invoices, and what is left."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from emsp.charging.settlement.margin import Margin, margins
from emsp.charging.settlement.months import Month
from emsp.charging.settlement.statement import StatementLine
from emsp.charging.settlement.statements import Drawn, draw
from emsp.cli import partners_settlement_invoices
from emsp.cli.running import JsonOption, console, run, show
from emsp.db.engine import transaction
from emsp.money import Money
from emsp.partners.parties import PartyCode

cli = typer.Typer(no_args_is_help=True, help="What we owe operators, their invoices, and what is left.")
cli.add_typer(partners_settlement_invoices.cli, name="invoice")
PartyArgument = Annotated[str, typer.Argument(help="The operator: NL-ABC.")]
MonthArgument = Annotated[str, typer.Argument(help="YYYY-MM.")]
COLUMNS = ("version", "currency", "kind", "record", "session", "ended", "booked", "owed", "late", "new")


@cli.command()
def statement(
    party: PartyArgument,
    month: MonthArgument,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write the lines there instead.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what we owe an operator for the charges that ended in a month; another version when that has changed."""

    async def story() -> list[Drawn]:
        code, wanted = PartyCode.parse(party), Month.parse(month)
        async with transaction() as db:
            return await draw(db, code, wanted)

    found = run(story())
    if as_json:
        show([{**_sums(one), "lines": _lines(one)} for one in found], as_json=True)
        return
    rows = [row for one in found for row in _lines(one)]
    if csv_file is not None:
        with csv_file.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    else:
        show(rows, as_json=False, empty="nothing of that month")
    for one in found:
        sums = _sums(one)
        told = ", ".join(f"{name.replace('_', ' ')} {sums[name]}" for name in ("records", "asked", "claimed", "owed"))
        console.print(f"{party} {month}, version {one.version}: {told}", highlight=False, soft_wrap=True)


def _sums(drawn: Drawn) -> dict[str, Any]:
    one = drawn.statement
    amounts = {"asked": one.asked_minor, "claimed": one.claimed_minor, "owed": one.owed_minor, "late": one.late_minor}
    told = {name: str(Money(minor, one.currency)) for name, minor in amounts.items()}
    head = {"party": drawn.party, "month": one.month, "currency": one.currency, "version": drawn.version}
    return {**head, "records": one.records, **told}


def _lines(drawn: Drawn) -> list[dict[str, Any]]:
    return [_line(drawn, line) for line in drawn.statement.lines]


def _line(drawn: Drawn, line: StatementLine) -> dict[str, Any]:
    return {
        "version": drawn.version,
        "currency": drawn.statement.currency,
        "kind": line.kind,
        "record": line.record,
        "session": msgspec.to_builtins(line.session_id),
        "ended": msgspec.to_builtins(line.ended_at),
        "booked": msgspec.to_builtins(line.booked_at),
        "owed": str(Money(line.owed_minor, drawn.statement.currency).amount),
        "late": line.late,
        "new": line in drawn.new,
    }


@cli.command()
def margin(
    month: MonthArgument,
    brand: Annotated[str | None, typer.Option(help="Of this brand only, by its slug.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show net revenue less the cost of energy, by brand and operator, as it was booked in a month (UTC)."""

    async def story() -> Sequence[Margin]:
        wanted = Month.parse(month)
        async with transaction() as db:
            return await margins(db, wanted, brand=brand)

    rows = [
        {
            "brand": one.brand,
            "party": one.party,
            "charges": one.charges,
            "revenue": Money(one.revenue_minor, one.currency),
            "cost": Money(one.cost_minor, one.currency),
            "margin": Money(one.margin_minor, one.currency),
        }
        for one in run(story())
    ]
    show(rows, as_json=as_json, empty="nothing was booked in that month")
