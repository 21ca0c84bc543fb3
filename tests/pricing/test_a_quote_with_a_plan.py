"""A price that was told to a subscriber: what the plan takes off is part of it, and the bill keeps to it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from emsp import clock
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.partners.tables import Partner
from emsp.pricing.engine.billed import billed
from emsp.pricing.engine.report import LineKind
from emsp.pricing.engine.trace import Period
from emsp.pricing.quotes.quote import make_quote, retail_of
from emsp.pricing.retail.plan_terms import PlanTerms
from emsp.pricing.retail.plans import add_plan, held_plans, subscribe, unsubscribe, use_allowance
from emsp.pricing.retail.prices import retail_price
from emsp.pricing.tables import Quote
from emsp.stations.tables import Connector
from tests.graphql import rows

ZONE = "Europe/Amsterdam"


@pytest.fixture
async def ada(database: str) -> Driver:
    """Ada, on a plan with 15 kWh free each month and no session fee, which is 0.50 for others."""
    async with transaction() as db:
        policy = {"session_fee_net": "0.50"}
        brand = await rows.added(db, Brand(slug="volt", name="Volt", languages=["en"], price_policy=policy))
        driver = await rows.driver(db, brand.id, "ada")
        partner = await rows.added(db, Partner(name="ABC"))
        await rows.tariff(db, partner.id)
        await rows.connector(db, await rows.evse(db, await rows.station(db, partner.id, 1), 1))
        plan = await add_plan(db, brand.id, "plus", "Plus", PlanTerms(free_energy_wh=15_000, no_session_fee=True))
        await subscribe(db, plan, driver.id)
        return driver


async def quoted(driver: Driver, energy_wh: int = 10_000) -> Quote:
    async with transaction() as db:
        connector = (await db.execute(Connector.__table__.select())).one()  # type: ignore[attr-defined]
        brand = await db.get_one(Brand, driver.brand_id)
        return await make_quote(db, brand=brand, driver_id=driver.id, connector_id=connector.id, energy_wh=energy_wh)


def lines(quote: Quote) -> list[tuple[Any, int]]:
    return [
        (line["line"].get("discount", {}).get("on", line["line"]["kind"]), line["amount_minor"]) for line in quote.lines
    ]


async def test_what_the_plan_takes_off_is_in_the_quote_and_the_bill_keeps_to_it(ada: Driver) -> None:
    first = await quoted(ada)
    async with transaction() as db:
        await unsubscribe(db, ada.id)
    now = clock.now()
    rule = retail_of(first)
    assert rule is not None

    measured = [Period(now, now + timedelta(hours=2), Decimal(20_000), Decimal(7200))]
    bill = billed(retail_price(rule, measured, time_zone=ZONE))
    async with transaction() as db:
        for _ in range(2):
            await use_allowance(db, "charge 1", bill.lines)

    assert lines(first) == [("ENERGY", 545), ("SESSION_FEE", 61), ("FREE_ENERGY", -545), ("SESSION_FEE", -61)]
    assert first.total_minor == 0
    assert bill.total_minor == 272  # 5 kWh at 0.5445
    assert [line.line.kind for line in bill.lines].count(LineKind.PLAN_DISCOUNT) == 2
    assert msgspec.to_builtins(rule) == first.tariff


async def test_what_was_used_up_is_no_longer_free_in_the_next_quote(ada: Driver) -> None:
    first = await quoted(ada)
    now = clock.now()
    rule = retail_of(first)
    assert rule is not None
    bill = billed(retail_price(rule, [Period(now, now + timedelta(hours=1), Decimal(11_000))], time_zone=ZONE))
    async with transaction() as db:
        await use_allowance(db, "charge 1", bill.lines)

    second = await quoted(ada)

    async with transaction() as db:
        left = (await held_plans(db, [ada.id], ZONE))[ada.id].free_energy_left_wh
    assert left == 4_000
    assert lines(second)[2] == ("FREE_ENERGY", -218)
    assert second.total_minor == 545 - 218
