"""`emsp partners agreement`: what was agreed with a partner."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

import msgspec
import typer

from emsp.cli.partners_options import NameArgument
from emsp.cli.running import JsonOption, run, show
from emsp.db.engine import transaction
from emsp.partners.agreements import (
    MAX_PREFERENCE,
    Agreement,
    OnDifference,
    agreement_of,
    partner_named,
    set_agreement,
)
from emsp.pricing.engine.policies import Policies


def _on_difference(text: str | None) -> str | None:
    if text is not None and text.upper() not in OnDifference.__members__:
        raise typer.BadParameter(f"{text!r} is not one of accept, claim, review")
    return text and text.upper()


def agreement(
    name: NameArgument,
    on_difference: Annotated[
        str | None,
        typer.Option(callback=_on_difference, help="When a record asks for too much: accept, claim or review."),
    ] = None,
    tolerance_minor: Annotated[
        int | None, typer.Option(min=0, help="A difference of so many minor units (cents) is none.")
    ] = None,
    tolerance_percent: Annotated[
        str | None, typer.Option(help="Nor is one of so many percent, if that is more: 0.5.")
    ] = None,
    pricing: Annotated[
        str | None,
        typer.Option(help='How tariffs are read where the protocol leaves a choice: {"step_sizes": "IGNORED"}.'),
    ] = None,
    preference: Annotated[
        int | None,
        typer.Option(
            min=-MAX_PREFERENCE,
            max=MAX_PREFERENCE,
            help="Where several partners publish a charge point, it is started over the one with the highest.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was agreed with a partner, or agree on something else first."""

    changes = {
        "on_difference": on_difference,
        "tolerance_minor": tolerance_minor,
        "tolerance_percent": None if tolerance_percent is None else _percent(tolerance_percent),
        "pricing": None if pricing is None else _policies(pricing),
        "preference": preference,
    }
    agreed = run(_agreed(name, {term: value for term, value in changes.items() if value is not None}))
    policies = msgspec.structs.asdict(msgspec.convert(agreed.pricing, Policies))
    terms = msgspec.structs.asdict(agreed) | {"pricing": policies}
    show([terms if as_json else _row(agreed, policies)], as_json=as_json)


async def _agreed(name: str, changes: dict[str, object]) -> Agreement:
    async with transaction() as db:
        partner = await partner_named(db, name)
        agreed = await agreement_of(db, partner.id)
        if changes:
            agreed = msgspec.convert(msgspec.to_builtins(agreed) | changes, Agreement)
            await set_agreement(db, partner.id, agreed)
        return agreed


def _percent(text: str) -> str:
    try:
        return str(Decimal(text))
    except InvalidOperation as error:
        raise typer.BadParameter(f"{text!r} is not a number") from error


def _policies(text: str) -> object:
    try:
        return msgspec.to_builtins(msgspec.json.decode(text.encode(), type=Policies))
    except msgspec.MsgspecError as error:
        raise typer.BadParameter(str(error)) from error


def _row(agreed: Agreement, policies: dict[str, object]) -> dict[str, object]:
    return {
        "on difference": agreed.on_difference,
        "tolerance": f"{agreed.tolerance_minor} minor units or {agreed.tolerance_percent} %",
        "preference": agreed.preference,
        **{name.replace("_", " "): value for name, value in policies.items()},
    }
