"""`emsp fleets`: companies that pay for their drivers' charges."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer
from sqlmodel import select

from emsp.brands.choose import brand_for
from emsp.cli import fleets_invoices, fleets_terms
from emsp.cli.running import JsonOption, run, show
from emsp.clock import utc_text
from emsp.db.engine import transaction
from emsp.errors import NotFound
from emsp.fleets import bill, members
from emsp.fleets.tables import Fleet

cli = typer.Typer(no_args_is_help=True, help="Companies that pay for their drivers' charges.")
cli.add_typer(fleets_invoices.cli, name="invoices")
for command in (
    fleets_terms.limits,
    fleets_terms.terms,
    fleets_terms.billing,
    fleets_terms.block,
    fleets_terms.unblock,
):
    cli.command()(command)
BrandOption = Annotated[str | None, typer.Option(help="Slug of the brand; the default one if unset.")]


@cli.command()
def add(
    name: Annotated[str, typer.Argument(help="Name of the company.")],
    manager: Annotated[str, typer.Option(help="E-mail address of its first manager.")],
    brand: BrandOption = None,
    time_zone: Annotated[str, typer.Option(help="Time zone of its months (IANA).")] = "Europe/Amsterdam",
    as_json: JsonOption = False,
) -> None:
    """Add a fleet and its first manager."""

    async def story() -> Fleet:
        async with transaction() as db:
            home = await brand_for(db, host=None, header=brand)
            return await members.add_fleet(db, home.id, name, manager, time_zone)

    show([_row(run(story()))], as_json=as_json)


@cli.command()
def remove(
    fleet_id: Annotated[UUID, typer.Argument(help="The fleet's id, as `emsp fleets list` shows it.")],
    email: Annotated[str, typer.Argument(help="E-mail address of the member.")],
) -> None:
    """Take a member out of a fleet; the last manager cannot be."""

    async def story() -> None:
        async with transaction() as db:
            found = await members.member_by_email(db, fleet_id, email)
            await members.remove_member(db, fleet_id, found.driver_id)

    run(story())


@cli.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List the fleets."""

    async def story() -> list[Fleet]:
        async with transaction() as db:
            return list((await db.scalars(select(Fleet).order_by(Fleet.name))).all())

    show([_row(fleet) for fleet in run(story())], as_json=as_json)


@cli.command("bill")
def print_bill(
    fleet_id: Annotated[UUID, typer.Argument(help="The fleet's id, as `emsp fleets list` shows it.")],
    month: Annotated[str, typer.Argument(help="The month as YYYY-MM.")],
) -> None:
    """Print a fleet's bill for a month as CSV."""

    async def story() -> str:
        async with transaction() as db:
            fleet = await db.get(Fleet, fleet_id)
            if fleet is None:
                raise NotFound(f"there is no fleet {fleet_id}")
            return bill.as_csv(await bill.bills(db, fleet, month))

    typer.echo(run(story()), nl=False)


def _row(fleet: Fleet) -> dict[str, object]:
    return {
        "id": fleet.id,
        "name": fleet.name,
        "time_zone": fleet.time_zone,
        "blocked_at": utc_text(fleet.blocked_at) if fleet.blocked_at else None,
    }
