"""The sandbox CPO's own prices, on charges small enough to check by hand."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from emsp.sandbox.cpo.charging import Car, Meter, charging_power_w
from emsp.sandbox.cpo.pricing import Tariff, total_of

MONDAY_NOON = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)  # 12:00 in Amsterdam
ENERGY = {"type": "ENERGY", "price": Decimal("0.50"), "vat": 20, "step_size": 1}
Element = dict[str, Any]


def charged(hours: int, *elements: Element, wanted_wh: int | None = None, **tariff: Any) -> dict[str, Decimal]:
    """The price of a charge at 10 kW that began on Monday noon and was left for some hours."""
    car = Car(10_000, battery_wh=1_000_000, start_percent=0, wanted_wh=wanted_wh)
    meter = Meter(car, Tariff({"elements": elements, **tariff}, "Europe/Amsterdam"), MONDAY_NOON, 86_400)
    meter.advance(hours * 3600)
    return total_of(meter.tariff, meter.periods)


def element(*components: Element, **restrictions: Any) -> Element:
    return {"price_components": list(components), "restrictions": restrictions}


def component(kind: str, price: str, **other: Any) -> Element:
    return {"type": kind, "price": Decimal(price), "step_size": 1, **other}


def test_energy_with_vat() -> None:
    assert charged(2, element(ENERGY)) == {"excl_vat": 10, "incl_vat": 12}


def test_no_stated_vat_is_unknown() -> None:
    assert charged(2, element(component("ENERGY", "0.50"))) == {"excl_vat": 10}


def test_flat_is_charged_once() -> None:
    flat = component("FLAT", "2", vat=0)
    assert charged(3, element(flat, {**ENERGY, "vat": 0})) == {"excl_vat": 17, "incl_vat": 17}


def test_the_price_changes_with_the_local_clock() -> None:
    cheap = element(component("ENERGY", "0.10"), start_time="13:00", end_time="14:00")
    assert charged(3, cheap, element(component("ENERGY", "0.50"))) == {"excl_vat": 11}


def test_each_dimension_finds_its_own_element() -> None:
    elsewhere = element(component("ENERGY", "9"), day_of_week=["SUNDAY"])
    timed = element(component("TIME", "1"), day_of_week=["MONDAY"])
    assert charged(2, elsewhere, timed, element(component("ENERGY", "0.50"))) == {"excl_vat": 12}


def test_parking_costs_after_the_car_is_full() -> None:
    parking = component("PARKING_TIME", "3", step_size=3600)
    price = charged(2, element(component("ENERGY", "0.50"), parking), wanted_wh=5_000)
    assert price == {"excl_vat": Decimal("2.5") + 6}


def test_step_size_rounds_the_whole_charge_up() -> None:
    assert charged(1, element(component("ENERGY", "1", step_size=4000))) == {"excl_vat": 12}


def test_kwh_limits_are_reached_along_the_way() -> None:
    first = element(component("ENERGY", "1"), max_kwh=5)
    assert charged(1, first, element(component("ENERGY", "0"))) == {"excl_vat": 5}


@pytest.mark.parametrize(
    ("limits", "total"), [({"min_price": {"excl_vat": 9}}, 9), ({"max_price": {"excl_vat": 3}}, 3)]
)
def test_stays_within_its_limits(limits: dict[str, Any], total: int) -> None:
    assert charged(1, element(component("ENERGY", "0.50")), **limits) == {"excl_vat": total}


def test_outside_all_restrictions_costs_nothing() -> None:
    assert charged(1, element(ENERGY, start_date="2026-03-03")) == {"excl_vat": 0, "incl_vat": 0}


def test_a_meter_shows_the_same_after_being_replayed() -> None:
    def meter(*stops: int) -> Meter:
        made = Meter(Car(11_000, 60_000, 20), Tariff({"elements": [element(ENERGY)]}, "UTC"), MONDAY_NOON, 900)
        for stop in stops:
            made.advance(stop)
        return made

    at_once, bit_by_bit = meter(30_000), meter(7, 4_000, 29_999, 30_000)
    assert (at_once.energy_ws, at_once.periods) == (bit_by_bit.energy_ws, bit_by_bit.periods)
    assert at_once.left
    assert at_once.energy_wh == 48_000


@pytest.mark.parametrize(
    ("connector", "power_w"),
    [
        ({"power_type": "AC_3_PHASE", "max_electric_power": 22_000}, 11_000),
        ({"power_type": "AC_3_PHASE", "max_voltage": 230, "max_amperage": 10}, 6_900),
        ({"power_type": "AC_1_PHASE", "max_voltage": 230, "max_amperage": 16}, 3_680),
        ({"power_type": "DC", "max_electric_power": 50_000}, 50_000),
        ({"power_type": "DC", "max_electric_power": 400_000}, 120_000),
        ({"power_type": "DC", "max_electric_power": 50}, 3_700),
    ],
)
def test_the_car_takes_what_the_connector_gives(connector: dict[str, Any], power_w: int) -> None:
    assert charging_power_w(connector) == power_w
