"""`emsp brands seller`: who a brand is by law, as its receipts and invoices say."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from emsp.brands.manage import the_brand
from emsp.brands.seller import CHECKS, set_seller
from emsp.cli.running import JsonOption, run, show
from emsp.db.engine import transaction


def register(cli: typer.Typer) -> None:
    """Add the command to the group."""
    cli.command("seller")(seller)


def seller(
    slug: Annotated[str, typer.Argument(help="The brand.")],
    name: Annotated[str | None, typer.Option(help="The company.")] = None,
    street: Annotated[str | None, typer.Option(help="Street and number.")] = None,
    postal_code: Annotated[str | None, typer.Option(help="Postal code.")] = None,
    city: Annotated[str | None, typer.Option(help="City.")] = None,
    country: Annotated[str | None, typer.Option(help="Country in two letters.")] = None,
    vat_id: Annotated[str | None, typer.Option(help="VAT id, such as NL123456789B01.")] = None,
    registration_number: Annotated[str | None, typer.Option(help="Number in the register of companies.")] = None,
    email: Annotated[str | None, typer.Option(help="Where buyers write to.")] = None,
    phone: Annotated[str | None, typer.Option(help="Where buyers call.")] = None,
    iban: Annotated[str | None, typer.Option(help="Account that buyers transfer to.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say who sells; without options, show it. An empty text takes a fact away; what was issued stays as it is."""
    told = {
        "name": name,
        "street": street,
        "postal_code": postal_code,
        "city": city,
        "country": country,
        "vat_id": vat_id,
        "registration_number": registration_number,
        "email": email,
        "phone": phone,
        "iban": iban,
    }

    async def story() -> dict[str, Any]:
        async with transaction() as db:
            if any(value is not None for value in told.values()):
                return (await set_seller(db, slug, told)).legal
            return (await the_brand(db, slug)).legal

    legal = run(story())
    show([{field: legal.get(field) for field in CHECKS}], as_json=as_json)
