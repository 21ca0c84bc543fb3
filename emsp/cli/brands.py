"""`emsp brands`: the white labels of this installation."""

from __future__ import annotations

import json
from typing import Annotated

import msgspec
import typer

from emsp.brands import manage
from emsp.brands.tables import Brand
from emsp.cli import brands_network, brands_payments, brands_seller
from emsp.cli.running import JsonOption, console, run, show
from emsp.cli.written import from_json
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid
from emsp.ocpi import ours, routing
from emsp.ocpi.connections import PartyId, our_party
from emsp.pricing.retail.written_terms import read_policy

POLICY_HELP = (
    'The price policy as JSON or @file, such as {"markup_percent": "5", "session_fee_net": "0.35"}. '
    "Fields: markup_percent, session_fee_net, session_fee_vat_percent, session_fee_currency, usage_fees, "
    "vat_when_unstated, vat_percents, own_prices, currency, exchange_rate_days, late_corrections, guarantee."
)
cli = typer.Typer(no_args_is_help=True, help="The white labels of this installation.")
cli.command("network")(brands_network.network)
cli.command("payments")(brands_payments.payments)
brands_seller.register(cli)


def ensure_default() -> None:
    """Make the first brand if there is none."""

    async def story() -> None:
        async with transaction() as db:
            await manage.ensure_default(db)

    run(story())


@cli.command()
def add(
    slug: Annotated[str, typer.Argument(help="Short name, as sent in the X-Brand header.")],
    name: Annotated[str, typer.Option(help="The name that drivers see.")],
    host: Annotated[list[str] | None, typer.Option(help="Host name of the app's API; may be repeated.")] = None,
    color: Annotated[str, typer.Option(help="Primary colour as #rrggbb.")] = "#0b7a4b",
    currency: Annotated[str, typer.Option(help="Currency (ISO 4217).")] = "EUR",
    language: Annotated[list[str] | None, typer.Option(help="Language (ISO 639-1); may be repeated.")] = None,
    support_email: Annotated[str | None, typer.Option(help="Where drivers write to.")] = None,
    time_zone: Annotated[str, typer.Option(help="Time zone of its accounts (IANA).")] = "Europe/Amsterdam",
    price_policy: Annotated[str, typer.Option(help=POLICY_HELP)] = "{}",
    default: Annotated[bool, typer.Option("--default", help="Answer for unknown hosts.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Add a brand."""
    brand = Brand(
        slug=slug,
        name=name,
        hosts=host or [],
        primary_color=color,
        currency=currency,
        languages=language or ["en"],
        support_email=support_email,
        time_zone=time_zone,
        price_policy=_policy(price_policy),
        is_default=default,
    )

    async def story() -> Brand:
        async with transaction() as db:
            return await manage.add_brand(db, brand)

    show([_row(run(story()))], as_json=as_json)


@cli.command("set")
def change(
    slug: Annotated[str, typer.Argument(help="Short name of the brand.")],
    party: Annotated[
        str | None, typer.Option(help="Its own OCPI party, such as NL/ABC; an empty text for the installation's.")
    ] = None,
    price_policy: Annotated[str | None, typer.Option(help=POLICY_HELP)] = None,
    as_json: JsonOption = False,
) -> None:
    """Change a brand: its price policy, or an OCPI party of its own, under which its drivers charge."""
    if party is None and price_policy is None:
        raise typer.BadParameter("say what to change: --price-policy or --party", param_hint="--price-policy")
    policy = None if price_policy is None else _policy(price_policy)
    brand = run(_changed(slug, party, policy))
    show([_row(brand)], as_json=as_json)
    if party is not None and not as_json:
        console.print(
            "Partners that register from now on learn of it at once, those that are connected when their tokens are "
            "renewed: emsp partners rotate NAME.",
            highlight=False,
            soft_wrap=True,
        )


async def _changed(slug: str, party: str | None, policy: dict[str, object] | None) -> Brand:
    async with transaction() as db:
        if policy is not None:
            await manage.set_price_policy(db, slug, policy)
        if party is not None:
            await _set_party(db, slug, party)
        return await manage.the_brand(db, slug)


async def _set_party(db: Db, slug: str, written: str) -> None:
    """Raises Invalid for a party that is the installation's, another brand's or a partner's, and NotFound."""
    party = PartyId.parse(written) if written.strip() else None
    if party == our_party():
        raise Invalid(f"{'/'.join(our_party())} is the party of the installation, which every brand has", "party")
    if party and await routing.routes(db, party):
        raise Invalid(f"{'/'.join(party)} is a party of a partner", "party")
    await manage.set_party(db, slug, party)


@cli.command("show")
def show_one(
    slug: Annotated[str, typer.Argument(help="Short name of the brand.")], as_json: JsonOption = False
) -> None:
    """Show a brand with its price policy."""

    async def story() -> Brand:
        async with transaction() as db:
            return await manage.the_brand(db, slug)

    brand = run(story())
    if as_json:
        typer.echo(json.dumps(_row(brand) | {"price_policy": brand.price_policy}))
        return
    for name, value in (_row(brand) | {"price_policy": json.dumps(brand.price_policy)}).items():
        console.print(f"{name}: {value}", highlight=False, markup=False, soft_wrap=True)


@cli.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List the brands."""

    async def story() -> list[Brand]:
        async with transaction() as db:
            return list(await manage.list_brands(db))

    show([_row(brand) for brand in run(story())], as_json=as_json)


def _policy(text: str) -> dict[str, object]:
    """As it is kept: checked, in one spelling, without what is as by default."""
    return dict(msgspec.to_builtins(from_json(text, read_policy, option="--price-policy")))


def _row(brand: Brand) -> dict[str, object]:
    return {
        "slug": brand.slug,
        "name": brand.name,
        "hosts": " ".join(brand.hosts),
        "currency": brand.currency,
        "languages": " ".join(brand.languages),
        "party": "/".join(ours.party_of_brand(brand)),
        "default": brand.is_default,
    }
