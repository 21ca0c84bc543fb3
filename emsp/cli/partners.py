"""`emsp partners`: Charge Point Operators and hubs, over OCPI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import typer

from emsp.cli import (
    partners_adding,
    partners_agreement,
    partners_check,
    partners_claims,
    partners_inbox,
    partners_invoices,
    partners_pulling,
    partners_routes,
    partners_settlement,
)
from emsp.cli.partners_options import NameArgument, VersionOption
from emsp.cli.running import JsonOption, console, run, show
from emsp.db.engine import transaction
from emsp.ocpi import connections
from emsp.ocpi.join import handshake
from emsp.ocpi.pull import sync

cli = typer.Typer(no_args_is_help=True, help="Charge Point Operators and hubs, over OCPI.")
cli.command("check")(partners_check.check)
cli.command("connect")(partners_adding.connect)
cli.command("add")(partners_adding.add)
cli.command("invite")(partners_adding.invite)
cli.command("reseal")(partners_adding.reseal)


@cli.command()
def rotate(name: NameArgument, version: VersionOption = None) -> None:
    """Renew the tokens of both sides (PUT credentials), and change to another version if one is given."""
    run(_at(name, lambda connection_id: handshake.rotate(connection_id, version=version)))
    console.print(f"The tokens of {name} are new, and it was told all parties of ours.", highlight=False)


@cli.command()
def disconnect(name: NameArgument) -> None:
    """Unregister at a partner (DELETE credentials); what was charged there stays."""
    run(_at(name, handshake.disconnect))
    console.print(f"{name} is disconnected.", highlight=False)


async def _at(name: str, act: Callable[[UUID], Awaitable[object]]) -> None:
    async with transaction() as db:
        connection = await connections.named(db, name)
    await act(connection.id)


@cli.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List the partners and how they are connected."""
    rows = [
        {"name": partner.name, "state": partner.state, "version": partner.version, "parties": " ".join(partner.parties)}
        for partner in run(sync.status())
    ]
    show(rows, as_json=as_json, empty="no partners yet: emsp partners connect URL TOKEN")


cli.command("sync")(partners_pulling.synchronise)
cli.command("status")(partners_pulling.status)
cli.command("inbox")(partners_inbox.show_inbox)
cli.command("routes")(partners_routes.routes)
cli.command("prefer")(partners_routes.prefer)
cli.command("allow")(partners_routes.allow)
cli.command("forbid")(partners_routes.forbid)
cli.command("invoices")(partners_invoices.invoices)
cli.command("agreement")(partners_agreement.agreement)
cli.add_typer(partners_claims.cli, name="claims")
cli.add_typer(partners_settlement.cli, name="settlement")
