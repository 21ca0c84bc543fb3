"""`emsp plans`: what a brand's subscribers pay less."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from sqlmodel import select

from emsp.accounts.tables import Driver
from emsp.brands.choose import brand_for
from emsp.brands.tables import Brand
from emsp.cli.running import JsonOption, run, show
from emsp.cli.written import from_json
from emsp.db.engine import Db, transaction
from emsp.errors import NotFound
from emsp.pricing.retail import plans
from emsp.pricing.retail.plan_terms import HeldPlan, PlanTerms
from emsp.pricing.retail.written_terms import read_plan
from emsp.pricing.tables import Plan
from emsp.pricing.words import explain

cli = typer.Typer(no_args_is_help=True, help="Plans: what a brand's subscribers pay less.")
BrandOption = Annotated[str | None, typer.Option(help="Slug of the brand; the default one if unset.")]
CodeArgument = Annotated[str, typer.Argument(help="Code of the plan, such as plus.")]
DriverArgument = Annotated[str, typer.Argument(help="E-mail address of the driver.")]


@cli.command()
def add(
    code: CodeArgument,
    terms: Annotated[
        str,
        typer.Option(
            help='What it gives, as JSON or @file, such as {"free_energy_wh": 20000, "no_session_fee": true, '
            '"energy_discount_percent": "10"}. Fields: free_energy_wh, energy_price, tax_included, '
            "energy_price_currency, energy_discount_percent, no_session_fee, discount_percent."
        ),
    ],
    name: Annotated[str, typer.Option(help="The name that drivers see.")],
    brand: BrandOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a plan."""
    given = from_json(terms, read_plan, option="--terms")

    async def story() -> dict[str, object]:
        async with transaction() as db:
            home = await brand_for(db, header=brand)
            return _row(await plans.add_plan(db, home.id, code, name, given), home)

    show([run(story())], as_json=as_json)


@cli.command("list")
def list_all(brand: BrandOption = None, as_json: JsonOption = False) -> None:
    """List the plans of a brand."""

    async def story() -> list[dict[str, object]]:
        async with transaction() as db:
            home = await brand_for(db, header=brand)
            return [_row(plan, home) for plan in await plans.list_plans(db, home.id)]

    show(run(story()), as_json=as_json)


@cli.command()
def close(code: CodeArgument, brand: BrandOption = None, as_json: JsonOption = False) -> None:
    """Let nobody join a plan any more; whoever is on it stays on it."""

    async def story() -> dict[str, object]:
        async with transaction() as db:
            home = await brand_for(db, header=brand)
            return _row(await plans.close_plan(db, home.id, code), home)

    show([run(story())], as_json=as_json)


@cli.command()
def subscribe(
    code: CodeArgument, driver: DriverArgument, brand: BrandOption = None, as_json: JsonOption = False
) -> None:
    """Put a driver on a plan from now on."""

    async def story() -> dict[str, object]:
        async with transaction() as db:
            home = await brand_for(db, header=brand)
            person = await _driver(db, home, driver)
            membership = await plans.subscribe(db, await plans.the_plan(db, home.id, code), person.id)
            return {"driver": person.email, "plan": code, "since": membership.since}

    show([run(story())], as_json=as_json)


@cli.command()
def unsubscribe(driver: DriverArgument, brand: BrandOption = None, as_json: JsonOption = False) -> None:
    """Take a driver off their plan from now on."""

    async def story() -> dict[str, object]:
        async with transaction() as db:
            person = await _driver(db, await brand_for(db, header=brand), driver)
            membership = await plans.unsubscribe(db, person.id)
            return {"driver": person.email, "until": membership.until}

    show([run(story())], as_json=as_json)


async def _driver(db: Db, brand: Brand, email: str) -> Driver:
    wanted = select(Driver).where(Driver.brand_id == brand.id, Driver.email == email.strip().lower())
    found: Driver | None = await db.scalar(wanted)
    if found is None:
        raise NotFound(f"the brand {brand.slug} has no driver {email}")
    return found


def _row(plan: Plan, brand: Brand) -> dict[str, object]:
    terms = msgspec.convert(plan.terms, PlanTerms)
    held = HeldPlan(plan.name, terms, terms.free_energy_wh)
    return {
        "brand": brand.slug,
        "code": plan.code,
        "name": plan.name,
        "gives": explain.plan_text(held, "en", brand.currency),
        "closed_at": plan.closed_at,
    }
