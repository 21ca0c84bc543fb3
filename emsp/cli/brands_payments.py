"""`emsp brands payments`: how a brand's drivers pay."""

from __future__ import annotations

import json
from typing import Annotated

import msgspec
import typer

from emsp.brands import manage
from emsp.cli.running import JsonOption, console, run
from emsp.cli.written import from_json
from emsp.db.engine import transaction
from emsp.payments.policy import PaymentPolicy, policy_of

HELP = (
    'The payment policy as JSON or @file, such as {"flow": "AFTER", "retry_after_h": [24, 72]}; {} for the default. '
    f"Fields: {', '.join(PaymentPolicy.__struct_fields__)}."
)


def payments(
    slug: Annotated[str, typer.Argument(help="Short name of the brand.")],
    policy: Annotated[str | None, typer.Option("--set", help=HELP)] = None,
    as_json: JsonOption = False,
) -> None:
    """Show how a brand's drivers pay, or set it; charges that were taken on keep to what held then."""
    given = None if policy is None else from_json(policy, _read, option="--set")

    async def story() -> PaymentPolicy:
        async with transaction() as db:
            brand = await manage.the_brand(db, slug)
            if given is not None:
                brand.payment_policy = dict(msgspec.to_builtins(given))
            return policy_of(brand.payment_policy)

    shown = msgspec.structs.asdict(run(story()))
    if as_json:
        typer.echo(json.dumps(shown))
        return
    for name, value in shown.items():
        console.print(f"{name}: {json.dumps(value)}", highlight=False, markup=False, soft_wrap=True)


def _read(written: object) -> PaymentPolicy:
    return policy_of(written)
