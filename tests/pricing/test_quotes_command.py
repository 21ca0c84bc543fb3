"""`emsp quotes`: evidence checked by whoever holds it, with the keys of the web or of a file."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from emsp import vault
from emsp.cli.quotes import cli
from emsp.pricing.quotes import evidence
from tests.pricing.statements import PRICED, UNPRICED

run = CliRunner().invoke


def test_that_evidence_that_holds_is_told_with_the_price_computed_again() -> None:
    answer = run(cli, ["verify", evidence.signed(PRICED), "--json"])
    assert answer.exit_code == 0
    told = json.loads(answer.stdout)
    assert (told["total"], told["computed_again"], told["worst_case"], told["holds"]) == ("5.45", "5.45", "6.81", True)
    assert (told["quote"], told["brand"], told["evse"]) == (str(PRICED.quote), "Volt", "NL*ABC*E1")


def test_that_people_can_read_the_tariff_and_each_line() -> None:
    answer = run(cli, ["verify", evidence.signed(PRICED)])
    told = " ".join(answer.stdout.split())
    assert "€0.5445 per kWh. Prices include VAT." in told
    assert "10 kWh at €0.5445 per kWh" in told
    assert "5.45 EUR" in told


def test_that_a_quote_without_a_price_holds_just_so() -> None:
    told = json.loads(run(cli, ["verify", evidence.signed(UNPRICED), "--json"]).stdout)
    assert (told["missing_reason"], told["total"], told["holds"]) == ("NO_TARIFF_PUBLISHED", None, True)


def test_that_a_price_that_does_not_follow_from_its_tariff_does_not_hold() -> None:
    """Signed by us, and wrong all the same."""
    answer = run(cli, ["verify", evidence.signed(replace(PRICED, total=Decimal("6.45"))), "--json"])
    assert (answer.exit_code, json.loads(answer.stdout)["holds"]) == (1, False)


def test_that_a_token_and_the_keys_may_come_in_files(tmp_path: Path) -> None:
    token, keys = tmp_path / "quote.jws", tmp_path / "keys.json"
    token.write_text(evidence.signed(PRICED) + "\n")
    keys.write_text(json.dumps(vault.public_keys()))
    assert run(cli, ["verify", str(token), "--keys", str(keys)]).exit_code == 0


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ('{"keys": []}', "not signed by a key that is known here"),
        ("[]", "is not a JWK set"),
        ("no json", "is not JSON"),
        ('{"keys": [{"kty": "OKP"}]}', "not signed by a key that is known here"),
        ('{"keys": ["x"]}', "not signed by a key that is known here"),
    ],
)
def test_that_other_keys_do_not_open_it(tmp_path: Path, keys: str, why: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(keys)
    answer = run(cli, ["verify", evidence.signed(PRICED), "--keys", str(file)])
    assert answer.exit_code == 1
    assert why in answer.stderr


def test_that_something_else_is_no_evidence() -> None:
    answer = run(cli, ["verify", "nonsense"])
    assert answer.exit_code == 1
    assert "The evidence does not hold" in answer.stderr
