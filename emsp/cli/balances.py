"""`emsp balances`: what drivers have with us, and paying back what they did not use."""

from __future__ import annotations

from typing import Annotated

import typer

from emsp.cli.running import JsonOption, fail, run, show
from emsp.cli.support import one_driver
from emsp.db.engine import transaction
from emsp.money import Money
from emsp.payments import balance, wallet_pay_back

cli = typer.Typer(no_args_is_help=True, help="Balances: what drivers paid in, and credit that they were given.")
DriverArgument = Annotated[str, typer.Argument(help="E-mail address or id of the driver.")]


@cli.command("show")
def show_balances(named: DriverArgument, as_json: JsonOption = False) -> None:
    """What a driver has, by currency."""

    async def story() -> list[dict[str, object]]:
        driver = await one_driver(named)
        async with transaction() as db:
            return [_row(one) for one in await balance.standing(db, driver.id)]

    show(run(story()), as_json=as_json)


@cli.command("pay-back")
def pay_back(named: DriverArgument, as_json: JsonOption = False) -> None:
    """Send money that a driver paid in and did not use back to the cards; credit from vouchers stays."""

    async def story() -> list[dict[str, object]]:
        driver = await one_driver(named)
        return [
            {
                "payment": one.payment_id,
                "amount": str(Money(one.amount_minor, one.currency)),
                "state": one.state,
                "failure": one.failure,
            }
            for one in await wallet_pay_back.pay_back(driver.id)
        ]

    sent = run(story())
    show(sent, as_json=as_json, empty="nothing can be paid back")
    if any(row["state"] == "FAILED" for row in sent):
        raise fail("not all of it could be paid back; the rest stays on the balance")


def _row(there_is: balance.Balance) -> dict[str, object]:
    return {
        "total": str(there_is.total),
        "paid_in": str(there_is.prepaid),
        "credit": str(there_is.credit),
        "set_apart": str(there_is.reserved),
        "available": str(there_is.available),
    }
