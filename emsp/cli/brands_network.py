"""`emsp brands network`: where a brand's drivers may charge."""

from __future__ import annotations

import json
from typing import Annotated

import msgspec
import typer

from emsp.brands import manage
from emsp.brands.network import read_network
from emsp.cli.running import run
from emsp.cli.written import from_json
from emsp.db.engine import transaction

NETWORK_HELP = (
    'The policy as JSON or @file, such as {"blocked_parties": ["NL*ABC"], "max_power_w": 150000}; {} allows all. '
    "Fields: allowed_parties, blocked_parties, allowed_countries, blocked_countries, max_power_w."
)


def network(
    slug: Annotated[str, typer.Argument(help="Short name of the brand.")],
    policy: Annotated[str | None, typer.Option("--set", help=NETWORK_HELP)] = None,
) -> None:
    """Show, or set, where the drivers of a brand may charge."""
    checked = None if policy is None else msgspec.to_builtins(from_json(policy, read_network, option="--set"))

    async def story() -> dict[str, object]:
        async with transaction() as db:
            if checked is not None:
                await manage.set_network_policy(db, slug, checked)
            return (await manage.the_brand(db, slug)).network_policy

    typer.echo(json.dumps(run(story())))
