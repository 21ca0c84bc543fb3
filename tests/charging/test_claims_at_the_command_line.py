"""`emsp partners agreement` and `emsp partners claims`: agreed, listed, shown, exported and closed."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from emsp.cli.partners import cli
from tests.charging.conftest import Place
from tests.charging.saying import books
from tests.charging.test_claims import overcharged, the_claim


async def emsp(*arguments: object, status: int = 0) -> str:
    """What the command says."""
    told = await asyncio.to_thread(CliRunner().invoke, cli, [str(argument) for argument in arguments])
    assert told.exit_code == status, told.output
    return told.output


async def asked(*arguments: object) -> list[dict[str, Any]]:
    return list(json.loads(await emsp(*arguments, "--json")))


async def test_that_an_agreement_is_shown_and_changed_term_by_term(place: Place) -> None:
    usual = {"on_difference": "CLAIM", "tolerance_minor": 1, "tolerance_percent": "0"}
    policies = {"vat_omitted": "UNKNOWN", "step_sizes": "LAST_PRICED_STEP", "flats": "ONE_FLAT"}
    [terms] = await asked("agreement", "ABC")
    assert terms | usual == terms
    assert terms["pricing"] | policies == terms["pricing"]

    await emsp("agreement", "ABC", "--on-difference", "review", "--tolerance-percent", "0.5")
    [terms] = await asked("agreement", "ABC", "--pricing", '{"step_sizes": "IGNORED"}')
    assert (terms["on_difference"], terms["tolerance_minor"], terms["tolerance_percent"]) == ("REVIEW", 1, "0.5")
    assert (terms["pricing"]["step_sizes"], terms["preference"]) == ("IGNORED", 0)
    await emsp("agreement", "ABC", "--preference", 5)
    [terms] = await asked("agreement", "ABC")
    assert (terms["preference"], terms["on_difference"]) == (5, "REVIEW")
    assert await asked("agreement", "ABC") == [terms]


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (("--on-difference", "shout"), 2),
        (("--preference", "101"), 2),
        (("--tolerance-percent", "much"), 2),
        (("--tolerance-percent", "101"), 1),
        (("--tolerance-percent", "NaN"), 1),
        (("--pricing", '{"step_sizes": "UP"}'), 2),
        (("--pricing", "steps"), 2),
    ],
)
async def test_that_nonsense_is_not_agreed_on(place: Place, options: tuple[str, str], status: int) -> None:
    before = await asked("agreement", "ABC")
    await emsp("agreement", "ABC", *options, status=status)
    assert await asked("agreement", "ABC") == before
    await emsp("agreement", "Nobody", status=1)


async def test_that_claims_are_listed_shown_exported_and_settled(place: Place) -> None:
    assert await asked("claims") == []
    await overcharged(place)
    claim = await the_claim()

    [row] = await asked("claims", "--partner", "ABC", "--open")
    assert (row["claim"], row["record"], row["state"]) == (str(claim.id), "C1", "OPEN")
    assert (row["asked"], row["undisputed"], row["disputed"]) == ("6.00 EUR", "4.50 EUR", "1.50 EUR")
    assert "asked 6.00, undisputed 4.50, disputed 1.50 EUR" in await emsp("claims", "show", claim.id)
    [told] = json.loads(await emsp("claims", "export", claim.id))
    assert [told] == await asked("claims", "show", claim.id)
    assert (await emsp("claims", "export", claim.id, "--format", "csv")).startswith("what,from,until,element,")

    await emsp("claims", "settle", claim.id, "--amount", "2.00", status=1)
    await emsp("claims", "settle", claim.id, "--amount", "some", status=2)
    await emsp("claims", "settle", claim.id, "--amount", "0.50", "--note", "met in the middle")
    await emsp("claims", "withdraw", claim.id, "--note", "too late", status=1)
    assert await asked("claims", "--open") == []
    assert await books() == {"energy_cost": 500, "cpo": -500}
