"""The most that a rule can ask, where it can be counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest

from emsp.pricing.engine.tariff import Component, Dimension, Element, PriceLimit, Restrictions, Tariff
from emsp.pricing.quotes.planned import PlannedCharge
from emsp.pricing.quotes.worst_case import bounds_of, worst_case
from emsp.pricing.retail.prices import RetailTariff

START = datetime(2026, 6, 2, 16, tzinfo=UTC)  # 18:00 in Amsterdam
LATEST = START + timedelta(minutes=15)
HOUR = timedelta(hours=1)
PLAN = PlannedCharge(START, Decimal(10_000), Decimal(10_000))


def part(dimension: str, price: str, step_size: int = 1) -> Component:
    return Component(Dimension(dimension), Decimal(price), Decimal(0), step_size)


def element(*components: Component, **restrictions: object) -> Element:
    return Element(components, Restrictions(**restrictions) if restrictions else None)  # type: ignore[arg-type]


def worst(*elements: Element, plan: PlannedCharge = PLAN, **facts: object) -> str:
    retail = RetailTariff(Tariff("EUR", elements, **facts))  # type: ignore[arg-type]
    return str(worst_case(retail, plan, bounds_of(plan, LATEST), time_zone="Europe/Amsterdam").total)


def test_that_it_is_an_hour_more_than_it_takes_or_than_the_driver_means_to_stay() -> None:
    assert bounds_of(PLAN, LATEST).until == START + HOUR * 2.25
    stays = PlannedCharge(START, Decimal(10_000), Decimal(10_000), START + 5 * HOUR)
    assert bounds_of(stays, LATEST).until == START + 6 * HOUR
    soon = PlannedCharge(START, Decimal(10_000), Decimal(10_000), START + HOUR / 2)
    assert bounds_of(soon, LATEST).until == START + HOUR * 2.25


@pytest.mark.parametrize(
    ("elements", "total"),
    [
        ([element(part("ENERGY", "0.40"))], "5.00 EUR"),  # 12.5 kWh
        ([element(part("FLAT", "1.00"), part("ENERGY", "0.40"))], "6.00 EUR"),
        ([element(part("TIME", "4.00"))], "9.00 EUR"),  # slowly, for all of 2.25 h
        ([element(part("PARKING_TIME", "4.00"))], "9.00 EUR"),  # a full battery, parked for as long
        ([element(part("TIME", "2.00"), part("PARKING_TIME", "4.00"))], "9.00 EUR"),
        ([element(part("TIME", "4.00"), max_duration_s=3600)], "4.00 EUR"),
    ],
)
def test_that_every_way_in_which_a_charge_becomes_dear_is_tried(elements: list[Element], total: str) -> None:
    assert worst(*elements) == total


def test_that_stopping_early_may_be_the_dearest() -> None:
    """Parking costs until 5 kWh are charged, and nothing after."""
    parking = element(part("PARKING_TIME", "10.00"), max_energy_wh=Decimal(5_000))
    assert worst(parking) == "22.50 EUR"
    reward = element(part("PARKING_TIME", "0.00"), min_energy_wh=Decimal(5_000))
    assert worst(element(part("ENERGY", "1.00"), part("TIME", "0")), reward, parking) == "22.50 EUR"


def test_that_a_start_as_late_as_the_quote_allows_may_be_the_dearest() -> None:
    """From 18:10 on a kWh costs twice as much."""
    later = element(part("ENERGY", "0.80"), start_time=time(18, 10), end_time=time(6))
    assert worst(later, element(part("ENERGY", "0.40"))) == "10.00 EUR"


def test_that_slow_charging_may_be_the_dearest() -> None:
    slow = element(part("ENERGY", "0.90"), max_power_w=Decimal(7_400))
    assert worst(slow, element(part("ENERGY", "0.40"))) == "11.25 EUR"


def test_that_a_highest_price_holds() -> None:
    assert worst(element(part("TIME", "4.00")), max_price=PriceLimit(net=Decimal(3))) == "3.00 EUR"
