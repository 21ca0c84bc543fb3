"""`emsp partners claims`: what we do not owe operators of what their records ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from emsp.charging.records.claims import ClaimFile, claim_file, settle_claim, withdraw_claim
from emsp.charging.records.claims import claims as known_claims
from emsp.charging.records.statement import statement, table
from emsp.charging.tables import Claim
from emsp.cli.running import JsonOption, console, run, show
from emsp.db.engine import Db, transaction
from emsp.partners.agreements import partner_named

cli = typer.Typer(help="What we do not owe operators of what their records ask for.", invoke_without_command=True)
IdArgument = Annotated[UUID, typer.Argument(help="Id of the claim, as `emsp partners claims` shows it.")]
NoteOption = Annotated[str, typer.Option(help="Why, for whoever reads it later.")]


class Form(StrEnum):
    """How a claim is written for the partner."""

    JSON = "json"
    CSV = "csv"


@cli.callback()
def claims(
    context: typer.Context,
    partner: Annotated[str | None, typer.Option(help="Those of this partner only.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Those that are open only.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the claims, newest first; or with a command, show, settle, withdraw or export one."""
    if context.invoked_subcommand is not None:
        return

    async def story() -> list[dict[str, object]]:
        async with transaction() as db:
            partner_id = (await partner_named(db, partner)).id if partner else None
            return [_row(file) for file in await known_claims(db, partner_id=partner_id, only_open=only_open)]

    show(run(story()), as_json=as_json, empty="nothing is claimed")


def _row(file: ClaimFile) -> dict[str, object]:
    return {
        "claim": file.claim.id,
        "partner": file.partner,
        "record": file.record.external_id,
        "state": file.claim.state,
        "opened": file.claim.opened_at,
        "asked": file.asked,
        "undisputed": file.undisputed,
        "disputed": file.disputed,
        "paid after all": file.given_up,
        "reason": file.claim.reason,
    }


@cli.command("show")
def show_one(claim: IdArgument, as_json: JsonOption = False) -> None:
    """Show a claim: each figure of both sides, and how ours came about."""
    told = statement(run(_file(claim)))
    if as_json:
        show([told], as_json=True)
        return
    for name in ("partner", "record", "started_at", "ended_at", "energy_kwh", "state", "reason", "note"):
        console.print(f"{name.replace('_', ' ')}: {told[name] or ''}", highlight=False, markup=False)
    amounts = f"asked {told['asked']}, undisputed {told['undisputed']}, disputed {told['disputed']} {told['currency']}"
    console.print(amounts, highlight=False)
    show(told["checks"], as_json=False)
    show(told["lines"], as_json=False, empty="no price of ours")


@cli.command()
def export(claim: IdArgument, form: Annotated[Form, typer.Option("--format", help="json or csv.")] = Form.JSON) -> None:
    """Write a claim for the partner, with nothing of the driver in it."""
    file = run(_file(claim))
    if form is Form.CSV:
        typer.echo(table(file), nl=False)
    else:
        show([statement(file)], as_json=True)


@cli.command()
def settle(
    claim: IdArgument,
    amount: Annotated[str, typer.Option(help="How much of the disputed amount we pay after all: 1.20.")],
    note: NoteOption = "",
) -> None:
    """Close a claim with the amount that was agreed on."""
    try:
        paid = Decimal(amount)
    except InvalidOperation as error:
        raise typer.BadParameter(f"{amount!r} is not an amount") from error
    run(_changed(lambda db: settle_claim(db, claim, paid, note)))
    console.print(f"The claim is settled: {paid} is paid of it after all.", highlight=False)


@cli.command()
def withdraw(claim: IdArgument, note: NoteOption) -> None:
    """Close a claim and pay what was asked."""
    run(_changed(lambda db: withdraw_claim(db, claim, note)))
    console.print("The claim is withdrawn.", highlight=False)


async def _file(claim_id: UUID) -> ClaimFile:
    async with transaction() as db:
        return await claim_file(db, claim_id)


async def _changed(act: Callable[[Db], Awaitable[Claim]]) -> None:
    async with transaction() as db:
        await act(db)
