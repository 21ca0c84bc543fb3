"""`emsp vouchers` and `emsp balances`, as staff use them."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from emsp import clock
from emsp.cli import balances, vouchers
from emsp.payments.vouchers import redeem
from tests.payments.conftest import Person, eur


async def emsp(cli: typer.Typer, *arguments: object, status: int = 0) -> str:
    """What the command says."""
    told = await asyncio.to_thread(CliRunner().invoke, cli, [str(argument) for argument in arguments])
    assert told.exit_code == status, told.output
    return told.output


async def asked(cli: typer.Typer, *arguments: object) -> list[dict[str, Any]]:
    return list(json.loads(await emsp(cli, *arguments, "--json")))


async def test_that_a_voucher_is_made_listed_and_closed(ada: Person) -> None:
    at = ("--brand", ada.brand.slug)
    until = clock.now() + timedelta(days=1)
    [made] = await asked(vouchers.cli, "add", "10.00", "--uses", 5, "--until", f"{until:%Y-%m-%d}", *at)
    [named] = await asked(vouchers.cli, "add", "2.5", "--code", "summer-10", "--note", "flyer", *at)
    assert (made["amount"], made["uses_max"], len(made["code"])) == ("10.00 EUR", 5, 13)
    assert (named["code"], named["amount"], named["note"]) == ("SUMMER10", "2.50 EUR", "flyer")

    assert await redeem(ada.driver, made["code"]) == eur(1000)
    await asked(vouchers.cli, "close", "summer10", *at)

    listed = await asked(vouchers.cli, "list", *at)
    assert [(one["code"], one["uses"], one["closed_at"] is None) for one in listed] == [
        ("SUMMER10", 0, False),
        (made["code"], 1, True),
    ]
    assert await asked(balances.cli, "show", "ada@example.com") == [
        {
            "total": "10.00 EUR",
            "paid_in": "0.00 EUR",
            "credit": "10.00 EUR",
            "set_apart": "0.00 EUR",
            "available": "10.00 EUR",
        }
    ]
    assert "nothing can be paid back" in await emsp(balances.cli, "pay-back", "ada@example.com")
    assert await ada.figures() == (0, 1000, 0)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("ten",), 2),
        (("10.001",), 2),
        (("NaN",), 2),
        (("0",), 1),
        (("10", "--code", "a"), 1),
        (("10", "--uses", "0"), 1),
        (("10", "--brand", "nobody"), 1),
    ],
)
async def test_that_nonsense_makes_no_voucher(ada: Person, arguments: tuple[str, ...], status: int) -> None:
    at = () if "--brand" in arguments else ("--brand", ada.brand.slug)
    await emsp(vouchers.cli, "add", *arguments, *at, status=status)
    assert await asked(vouchers.cli, "list", "--brand", ada.brand.slug) == []
