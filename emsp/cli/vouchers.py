"""`emsp vouchers`: credit that a brand gives to whoever enters a code."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from emsp.brands.choose import brand_for
from emsp.brands.tables import Brand
from emsp.cli.running import JsonOption, run, show
from emsp.db.engine import transaction
from emsp.money import Money, round_money
from emsp.payments import vouchers
from emsp.payments.tables import Voucher

cli = typer.Typer(no_args_is_help=True, help="Vouchers: credit for whoever enters the code.")
BrandOption = Annotated[str | None, typer.Option(help="Slug of the brand; the default one if unset.")]


@cli.command()
def add(
    amount: Annotated[str, typer.Argument(help="What each driver is given, in the brand's currency, such as 10.00.")],
    code: Annotated[str | None, typer.Option(help="Its code; one that nobody guesses is made up if unset.")] = None,
    uses: Annotated[int | None, typer.Option(help="How many drivers may use it; any number if unset.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Until when it is valid, UTC; for ever if unset.")] = None,
    note: Annotated[str | None, typer.Option(help="What it is for; drivers do not see it.")] = None,
    brand: BrandOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a voucher, and print its code."""

    async def story() -> dict[str, object]:
        async with transaction() as db:
            home = await brand_for(db, header=brand)
            made = await vouchers.add_voucher(
                db,
                home,
                amount=amount_of(amount, home),
                code=code,
                uses_max=uses,
                valid_until=until.replace(tzinfo=until.tzinfo or UTC) if until else None,
                note=note,
            )
            return _row(made)

    show([run(story())], as_json=as_json)


@cli.command("list")
def list_all(brand: BrandOption = None, as_json: JsonOption = False) -> None:
    """List a brand's vouchers, and how often each was used."""

    async def story() -> list[dict[str, object]]:
        async with transaction() as db:
            home = await brand_for(db, header=brand)
            return [_row(one) for one in await vouchers.list_vouchers(db, home.id)]

    show(run(story()), as_json=as_json)


@cli.command()
def close(
    code: Annotated[str, typer.Argument(help="Its code.")], brand: BrandOption = None, as_json: JsonOption = False
) -> None:
    """Let nobody redeem a voucher any more; credit that was given stays."""

    async def story() -> dict[str, object]:
        async with transaction() as db:
            home = await brand_for(db, header=brand)
            return _row(await vouchers.close_voucher(db, home.id, code))

    show([run(story())], as_json=as_json)


def amount_of(text: str, brand: Brand) -> Money:
    """An amount in the brand's currency, as a person writes it."""
    try:
        given = Decimal(text)
        amount = round_money(given, brand.currency)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise typer.BadParameter("is no amount, such as 10.00", param_hint="AMOUNT") from error
    if amount.amount != given:
        raise typer.BadParameter(f"has more decimals than {brand.currency} has", param_hint="AMOUNT")
    return amount


def _row(voucher: Voucher) -> dict[str, object]:
    return {
        "code": vouchers.shown(voucher.code),
        "amount": str(Money(voucher.amount_minor, voucher.currency)),
        "uses": voucher.uses,
        "uses_max": voucher.uses_max,
        "valid_until": voucher.valid_until,
        "closed_at": voucher.closed_at,
        "note": voucher.note,
    }
