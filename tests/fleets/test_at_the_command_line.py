"""`emsp fleets` and `emsp brands network`: what is written is checked, and what is wrong is named."""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from typer.testing import CliRunner

from emsp.brands.tables import Brand
from emsp.cli import brands, fleets
from emsp.db import engine
from emsp.db.engine import transaction
from emsp.fleets.bill import charge_fleet
from emsp.fleets.members import add_fleet, add_member, member_by_email
from emsp.fleets.tables import FleetCharge
from tests.fleets.conftest import MARCH, month
from tests.graphql import rows


def emsp(cli: Any, *arguments: str, status: int = 0) -> str:
    """What a command prints, in one line."""
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == status, done.output
    return re.sub(r"[\s│]+", " ", done.output)


def meanwhile(story: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Something that happens in the database between two commands."""

    async def whole() -> Any:
        try:
            return await story()
        finally:
            await engine.dispose()

    return asyncio.run(whole())


async def _fleet() -> str:
    async with transaction() as db:
        brand = await rows.added(db, Brand(slug="volt", name="Volt", languages=["en"], is_default=True))
        fleet = await add_fleet(db, brand.id, "Kurier", "boss@example.com")
        await add_member(db, fleet.id, "ada@example.com")
        return str(fleet.id)


async def _charge(fleet_id: str) -> None:
    async with transaction() as db:
        ada = await member_by_email(db, UUID(fleet_id), "ada@example.com")
        await charge_fleet(
            db,
            FleetCharge(
                fleet_id=ada.fleet_id, driver_id=ada.driver_id, reference="one", receipt_number="VOLT-1",
                started_at=MARCH, billed_at=MARCH, energy_wh=1000, currency="EUR", net_minor=100, total_minor=121,
                taxes=[{"percent": "21", "net_minor": 100, "tax_minor": 21}],
            ),
        )  # fmt: skip


def test_that_limits_terms_and_buyers_are_kept_as_they_were_checked(database_url: str) -> None:
    key = meanwhile(_fleet)
    limits = '{"currency": "EUR", "charge_max_minor": 5000, "weekdays": ["MON"]}'

    assert json.loads(emsp(fleets.cli, "limits", key)) == {}
    assert json.loads(emsp(fleets.cli, "limits", key, "--set", limits)) == json.loads(limits)
    assert json.loads(emsp(fleets.cli, "limits", key, "--member", "ada@example.com")) == {}
    own = emsp(fleets.cli, "limits", key, "--member", "ada@example.com", "--set", '{"max_power_w": 50000}')
    assert json.loads(own) == {"max_power_w": 50000}
    assert json.loads(emsp(fleets.cli, "limits", key)) == json.loads(limits)
    assert json.loads(emsp(fleets.cli, "terms", key, "--set", '{"pay_within_days": 30}')) == {"pay_within_days": 30}
    buyer = emsp(fleets.cli, "billing", key, "--set", '{"company": "Kurier B.V.", "country": "NL"}')
    assert json.loads(buyer) == {"company": "Kurier B.V.", "country": "NL"}

    assert "charge_max_minor: must be 0 or more" in emsp(
        fleets.cli, "limits", key, "--set", '{"currency": "EUR", "charge_max_minor": -1}', status=2
    )
    assert "country: must be a country in two letters" in emsp(
        fleets.cli, "billing", key, "--set", '{"country": "NLD"}', status=2
    )
    assert "there is no such member" in emsp(fleets.cli, "limits", key, "--member", "eve@example.com", status=1)
    assert json.loads(emsp(fleets.cli, "limits", key)) == json.loads(limits)


def test_that_a_fleet_is_blocked_and_unblocked_and_keeps_its_last_manager(database_url: str) -> None:
    key = meanwhile(_fleet)

    emsp(fleets.cli, "block", key)
    [blocked] = json.loads(emsp(fleets.cli, "list", "--json"))
    emsp(fleets.cli, "unblock", key)
    [unblocked] = json.loads(emsp(fleets.cli, "list", "--json"))

    assert blocked["blocked_at"]
    assert unblocked["blocked_at"] is None
    emsp(fleets.cli, "remove", key, "ADA@example.com")
    assert "Nobody else manages the fleet" in emsp(fleets.cli, "remove", key, "boss@example.com", status=1)


def test_that_a_month_is_closed_listed_and_paid_by_transfer(database_url: str) -> None:
    key = meanwhile(_fleet)
    meanwhile(lambda: _charge(key))

    [made] = json.loads(emsp(fleets.cli, "invoices", "close", key, month(MARCH), "--json"))

    assert (made["total"], made["paid"], made["state"], made["charges"]) == ("1.21 EUR", "0.00 EUR", "OPEN", 1)
    assert "month: must be over" in emsp(fleets.cli, "invoices", "close", key, "2999-01", status=1)
    assert "month: must be a month as YYYY-MM" in emsp(fleets.cli, "invoices", "close", key, "soon", status=1)
    pay = ("invoices", "paid", made["number"], "--reference", "line 1", "--json")
    assert "amount: must have at most 2 decimals" in emsp(fleets.cli, *pay, "--amount", "1.211", status=1)
    assert "amount: must be at most" in emsp(fleets.cli, *pay, "--amount", "1.22", status=1)
    [part] = json.loads(emsp(fleets.cli, *pay, "--amount", "1.00"))
    [again] = json.loads(emsp(fleets.cli, *pay, "--amount", "1.00"))
    assert part["paid"] == again["paid"] == "1.00 EUR"
    [paid] = json.loads(emsp(fleets.cli, "invoices", "paid", made["number"], "--reference", "line 2", "--json"))
    assert (paid["paid"], paid["state"]) == ("1.21 EUR", "PAID")
    assert json.loads(emsp(fleets.cli, "invoices", "list", "--state", "due", "--json")) == []
    assert len(json.loads(emsp(fleets.cli, "invoices", "list", "--fleet", key, "--json"))) == 1


def test_that_a_brands_network_is_shown_and_set(database_url: str) -> None:
    meanwhile(_fleet)

    assert json.loads(emsp(brands.cli, "network", "volt")) == {}
    policy = '{"blocked_parties": ["NL*ABC"], "max_power_w": 150000}'
    assert json.loads(emsp(brands.cli, "network", "volt", "--set", policy)) == json.loads(policy)
    wrong = emsp(brands.cli, "network", "volt", "--set", '{"blocked_parties": ["ABC"]}', status=2)
    assert "blocked_parties.0: must be a party, such as NL*ABC" in wrong
    assert json.loads(emsp(brands.cli, "network", "volt")) == json.loads(policy)
    assert "there is no brand 'nobody'" in emsp(brands.cli, "network", "nobody", status=1)
