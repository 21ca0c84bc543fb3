"""Charges whose record comes after their month: booked by estimate, and put right to the cent."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select
from typer.testing import CliRunner

from emsp.brands.tables import Brand
from emsp.charging.records.review import release_from_review
from emsp.charging.settlement import accruals
from emsp.charging.settlement.estimate import Estimate, converted, estimated
from emsp.charging.settlement.months import Month
from emsp.charging.tables import Accrual, ChargingSession
from emsp.cli import accruals as command
from emsp.db.engine import transaction
from emsp.errors import Invalid
from emsp.money import Money, round_money
from emsp.pricing.engine.tariff import Tariff
from emsp.pricing.retail.conversion import Conversion
from emsp.pricing.retail.prices import RetailTariff
from tests.charging.conftest import END, START, Place
from tests.charging.saying import books, record, report, run_jobs, say, unbalanced
from tests.graphql.rows import TARIFF

JUNE, MAY = Month(2025, 6), Month(2025, 5)
ACCRUED = {"accrued_revenue": 450, "revenue": -450, "energy_cost": 450, "accrued_cost": -450}


async def ended(place: Place, **facts: Any) -> ChargingSession:
    """Ten kilowatt-hours in an hour of June, and no record."""
    return await place.session(**({"state": "ENDED", "started_at": START, "ended_at": END} | facts))


async def close(place: Place, month: Month = JUNE) -> int:
    return await accruals.accrue_month(place.driver.brand_id, month)


async def row_of(session: ChargingSession) -> Accrual:
    async with transaction() as db:
        return await db.get_one(Accrual, session.id)


async def shown(month: str = "2025-06") -> list[dict[str, Any]]:
    """`emsp accruals MONTH --json`."""
    cli = typer.Typer()
    cli.command()(command.accruals)
    told = await asyncio.to_thread(CliRunner().invoke, cli, [month, "--json"])
    assert told.exit_code == 0, told.output
    return list(json.loads(told.output))


async def test_that_a_charge_without_a_record_is_accrued_once(place: Place) -> None:
    session = await ended(place)
    assert [await close(place), await close(place)] == [1, 0]
    assert await books() == ACCRUED
    row = await row_of(session)
    assert (row.month, row.currency, row.revenue_minor, row.cost_minor) == ("2025-06", "EUR", 450, 450)
    assert (row.billed_revenue_minor, row.trued_up_at) == (None, None)
    assert await unbalanced() == {}


@pytest.mark.parametrize(
    "facts",
    [
        {"state": "CHARGING"},
        {"state": "FAILED"},
        {"ended_at": datetime(2025, 5, 31, 21, 59, tzinfo=UTC), "started_at": datetime(2025, 5, 31, 20, tzinfo=UTC)},
        {"ended_at": datetime(2025, 6, 30, 22, tzinfo=UTC)},
    ],
    ids=["runs", "failed", "ended in May", "ended in July"],
)
async def test_that_only_charges_that_ended_in_the_month_are_accrued(place: Place, facts: dict[str, Any]) -> None:
    """By the clock of the brand, which is two hours ahead of UTC in summer."""
    async with transaction() as db:
        (await db.get_one(Brand, place.driver.brand_id)).time_zone = "Europe/Amsterdam"
    await ended(place, **facts)
    assert await close(place) == 0
    assert await books() == {}


async def test_that_billing_takes_the_accrual_out_in_the_same_breath(place: Place) -> None:
    session = await ended(place)
    await close(place)
    await say(place, record(session, energy_wh=8000, net="3.60"))
    await run_jobs()

    row = await row_of(session)
    assert (row.billed_revenue_minor, row.billed_cost_minor) == (360, 360)
    assert row.trued_up_at is not None
    balance = await books()
    assert (balance["revenue"], balance["energy_cost"]) == (-360, 360)
    assert (balance["accrued_revenue"], balance["accrued_cost"]) == (0, 0)
    assert await close(place) == 0
    assert await unbalanced() == {}

    [told] = await shown()
    assert (told["revenue"], told["billed_revenue"], told["revenue_off_by"]) == ("4.50 EUR", "3.60 EUR", "-0.90 EUR")
    assert (told["cost"], told["billed_cost"], told["cost_off_by"]) == ("4.50 EUR", "3.60 EUR", "-0.90 EUR")


async def test_that_what_was_billed_in_time_is_not_accrued(place: Place) -> None:
    session = await ended(place)
    await say(place, record(session))
    await run_jobs()
    before = await books()
    assert (await close(place), await books(), await shown()) == (0, before, [])


async def test_that_a_record_in_review_is_not_believed_by_the_estimate(place: Place) -> None:
    """A record of 900 kWh in an hour: what the session told is 10."""
    session = await place.session()
    await say(place, report(session, "COMPLETED", minutes=60, ended_at=END, energy_wh=Decimal(10_000)))
    await say(place, record(session, energy_wh=900_000, net="405.00"))
    await run_jobs()
    assert await close(place) == 1
    assert await books() == ACCRUED

    await release_from_review(session.id, accept=False)
    await accruals.take_out_what_failed()
    await accruals.take_out_what_failed()
    assert {account: amount for account, amount in (await books()).items() if amount} == {}
    assert (await row_of(session)).billed_revenue_minor == 0


async def test_that_what_cannot_be_estimated_is_told_and_not_booked(place: Place) -> None:
    session = await ended(place)
    async with transaction() as db:
        shown_price = await db.get_one(type(place.quote), place.quote.id)
        shown_price.tariff = None
    assert (await close(place), await books()) == (0, {})
    [told] = await shown()
    assert (told["session"], told["revenue"], told["reason"]) == (str(session.id), None, accruals.NO_ESTIMATE)


async def test_that_the_job_closes_the_month_before_in_its_first_days_only(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ended(place)
    for day, months in ((4, []), (3, ["2025-06"])):
        monkeypatch.setattr("emsp.clock.now", lambda day=day: datetime(2025, 7, day, 12, tzinfo=UTC))
        await accruals.close_month()
        async with transaction() as db:
            assert list((await db.execute(select(Accrual.month))).scalars()) == months


@given(energy_wh=st.integers(0, 200_000), minutes=st.integers(0, 3000), percent=st.sampled_from([0, 9, 21]))
@settings(max_examples=60, deadline=None)
def test_that_an_estimate_is_what_the_rule_gives_net_of_tax(energy_wh: int, minutes: int, percent: int) -> None:
    rule = _tariff("0.45", vat_percent=Decimal(percent))
    found = estimated(
        RetailTariff(rule),
        _tariff("0.30"),
        started_at=START,
        ended_at=START + timedelta(minutes=minutes),
        energy_wh=energy_wh,
        time_zone="Europe/Amsterdam",
    )
    assert found == Estimate(_cents(energy_wh, "0.45"), _cents(energy_wh, "0.30"))


def test_that_a_cost_in_another_currency_is_accrued_in_that_of_sale() -> None:
    moved = Conversion("CHF", "EUR", Decimal("1.05"), START.date(), "ECB")
    sold = RetailTariff(_tariff("0.50"), conversion=moved)
    found = estimated(
        sold, _tariff("0.40", "CHF"), started_at=START, ended_at=END, energy_wh=10_000, time_zone="Europe/Zurich"
    )
    assert found == Estimate(Money(500, "EUR"), Money(420, "EUR"))
    assert converted(Money(400, "SEK"), sold) is None


@pytest.mark.parametrize("text", ["2025-13", "2025-00", "2025-6", "June", "", "0000-01"])
def test_that_a_month_is_written_in_one_way(text: str) -> None:
    with pytest.raises(Invalid, match=r"month: .* is no month"):
        Month.parse(text)


def test_that_months_follow_each_other_over_the_year() -> None:
    assert (Month(2025, 1).before, Month(2024, 12).next) == (Month(2024, 12), Month(2025, 1))
    begins, ends = Month.parse("2025-03").bounds("Europe/Amsterdam")
    assert ends - begins == timedelta(days=31)
    assert (begins.astimezone(UTC), ends.astimezone(UTC)) == (
        datetime(2025, 2, 28, 23, tzinfo=UTC),
        datetime(2025, 3, 31, 22, tzinfo=UTC),
    )


def _tariff(price: str, currency: str = "EUR", vat_percent: Decimal | None = None) -> Tariff:
    component = {"dimension": "ENERGY", "price": price, "vat_percent": vat_percent}
    return msgspec.convert(TARIFF | {"currency": currency, "elements": [{"components": [component]}]}, Tariff)


def _cents(energy_wh: int, price: str) -> Money:
    return round_money(Decimal(energy_wh) * Decimal(price) / 1000, "EUR")
