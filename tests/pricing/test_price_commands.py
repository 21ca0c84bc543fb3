"""`emsp brands`, `emsp plans` and `emsp rates`: prices and plans at the command line."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from emsp.brands.tables import Brand
from emsp.cli import brands, plans, rates
from emsp.db import engine
from emsp.db.engine import transaction
from tests.graphql import rows

TABLE = "Date, USD, SEK, \n20 October 2026, 1.1204, 10.9900, \n"


def emsp(group: Any, *arguments: str, status: int = 0) -> str:
    """What a command prints."""
    done = CliRunner().invoke(group.cli, arguments, env={"COLUMNS": "300"})
    assert done.exit_code == status, done.output
    return done.output


def told(group: Any, *arguments: str) -> Any:
    """What a command tells programs."""
    return json.loads(emsp(group, *arguments, "--json"))


def meanwhile(story: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Something that happens in the database between two commands."""

    async def whole() -> Any:
        try:
            return await story()
        finally:
            await engine.dispose()

    return asyncio.run(whole())


@pytest.fixture
def ada(database_url: str) -> None:
    """Ada, a driver of the brand Volt."""

    async def story() -> None:
        async with transaction() as db:
            brand = await rows.added(db, Brand(slug="volt", name="Volt", languages=["en"], is_default=True))
            await rows.driver(db, brand.id, "ada")

    meanwhile(story)


def test_a_price_policy_is_changed_and_shown_in_one_spelling(ada: None, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(
        '{"markup_percent": 7.5, "own_prices": [{"currency": "EUR", "tax_included": true, "per_kwh": 0.45}]}'
    )

    emsp(brands, "set", "volt", "--price-policy", f"@{file}")

    assert told(brands, "show", "volt")["price_policy"] == {
        "markup_percent": "7.5",
        "own_prices": [{"currency": "EUR", "tax_included": True, "per_kwh": "0.45"}],
    }
    assert "per_kwh" in emsp(brands, "show", "volt")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"markup_percent": "-200"}', "markup_percent: must be from -100 to 1000"),
        ('{"usage_fees": [{"per": "MILE", "net": 1}]}', "usage_fees.0.per: Invalid enum value"),
        ("{", "is not JSON"),
        ("@/nowhere/policy.json", "cannot be read"),
    ],
)
def test_a_wrong_policy_is_refused_by_field_and_changes_nothing(ada: None, written: str, said: str) -> None:
    assert said in emsp(brands, "set", "volt", "--price-policy", written, status=2)
    assert said in emsp(brands, "add", "new", "--name", "New", "--price-policy", written, status=2)

    assert told(brands, "show", "volt")["price_policy"] == {}
    assert [brand["slug"] for brand in told(brands, "list")] == ["volt"]


def test_a_brand_that_is_not_there_is_not_found(ada: None) -> None:
    assert "there is no brand 'nobody'" in emsp(brands, "show", "nobody", status=1)
    assert "there is no brand 'nobody'" in emsp(brands, "set", "nobody", "--price-policy", "{}", status=1)
    assert "say what to change" in emsp(brands, "set", "volt", status=2)


def test_a_plan_from_its_beginning_to_its_end(ada: None) -> None:
    terms = '{"free_energy_wh": 20000, "no_session_fee": true, "energy_discount_percent": 10}'

    [added] = told(plans, "add", "plus", "--name", "Plus", "--terms", terms)
    [joined] = told(plans, "subscribe", "plus", "Ada@example.com")
    again = emsp(plans, "subscribe", "plus", "ada@example.com", status=1)
    [closed] = told(plans, "close", "plus")
    [left] = told(plans, "unsubscribe", "ada@example.com")
    closed_to = emsp(plans, "subscribe", "plus", "ada@example.com", status=1)

    assert added == {
        "brand": "volt",
        "code": "plus",
        "name": "Plus",
        "gives": "With Plus: 20 kWh free each month, energy 10 % cheaper, no service fee per session.",
        "closed_at": None,
    }
    assert (joined["driver"], joined["plan"]) == ("ada@example.com", "plus")
    assert "a driver is on one plan at a time" in again
    assert closed["closed_at"] is not None
    assert left["until"] is not None
    assert "nobody can join the plan plus any more" in closed_to
    assert [plan["code"] for plan in told(plans, "list")] == ["plus"]
    assert "free_energy_wh: must be" in emsp(
        plans, "add", "bad", "--name", "Bad", "--terms", '{"free_energy_wh": -1}', status=2
    )


def test_rates_are_read_from_a_file_and_listed(ada: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "eurofxref.csv"
    file.write_text(TABLE)

    assert told(rates, "update", "--file", str(file)) == [{"kept": 2, "newest": "2026-10-20"}]
    listed = {rate["currency"]: rate for rate in told(rates, "list")}
    assert listed["SEK"]["as_of"] == "2026-10-30"  # what came with the product is newer
    file.write_text("nothing of the sort")
    assert "file: has no header that begins with Date" in emsp(rates, "update", "--file", str(file), status=1)
