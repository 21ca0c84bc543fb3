"""`emsp disputes`: payments that card owners dispute at their bank, and how they are answered."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from emsp.charging.evidence import evidence_for
from emsp.cli.running import JsonOption, console, run, show
from emsp.db.engine import transaction
from emsp.money import Money
from emsp.payments import disputes
from emsp.payments.tables import Dispute

cli = typer.Typer(no_args_is_help=True, help="Payments that card owners dispute at their bank.")
NameArgument = Annotated[str, typer.Argument(help="Id of the dispute, ours or the card processor's.")]


@cli.command("list")
def list_(
    only_open: Annotated[bool, typer.Option("--open", help="Those that are not decided only.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the disputes, those to be answered soonest first."""

    async def story() -> list[dict[str, Any]]:
        async with transaction() as db:
            return [_row(dispute) for dispute in await disputes.disputes(db, only_open=only_open)]

    show(run(story()), as_json=as_json, empty="nothing is disputed")


@cli.command("show")
def show_one(name: NameArgument, as_json: JsonOption = False) -> None:
    """Show a dispute with what was handed in, or would be."""

    async def story() -> tuple[Dispute, dict[str, str]]:
        async with transaction() as db:
            dispute = await disputes.dispute_named(db, name)
            return dispute, dispute.evidence or await evidence_for(db, dispute)

    dispute, texts = run(story())
    if as_json:
        show([_row(dispute) | {"evidence": texts}], as_json=True)
        return
    for label, value in _row(dispute).items():
        console.print(f"{label}: {'' if value is None else value}", highlight=False, markup=False)
    for label, text in texts.items():
        console.print(f"\n{label}:\n{text}", highlight=False, markup=False)


@cli.command()
def answer(
    name: NameArgument,
    submit: Annotated[
        bool, typer.Option("--submit", help="Send it to the bank, which can be done once; else it is kept as a draft.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Hand in what we know of the charge: place, times, timeline, the price shown and the receipt."""

    async def story() -> Dispute:
        async with transaction() as db:
            dispute = await disputes.dispute_named(db, name)
            texts = await evidence_for(db, dispute)
        return await disputes.answer(dispute, texts, submit=submit)

    show([_row(run(story()))], as_json=as_json)


def _row(dispute: Dispute) -> dict[str, Any]:
    return {
        "dispute": dispute.id,
        "at the processor": dispute.processor_id,
        "state": dispute.state,
        "reason": dispute.reason,
        "amount": Money(dispute.amount_minor, dispute.currency),
        "fee": Money(dispute.fee_minor, dispute.currency),
        "payment": dispute.payment_id,
        "driver": dispute.driver_id,
        "answer by": dispute.evidence_due_at,
        "answered": dispute.submitted_at,
        "decided": dispute.closed_at,
    }
