"""What a connector and a car make of what a driver wants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from emsp.errors import Refused
from emsp.pricing.engine.report import AssumptionCode
from emsp.pricing.engine.tariff import Component, Dimension, Element, Restrictions, Tariff
from emsp.pricing.quotes.planned import (
    Car,
    Levels,
    PlannedCharge,
    planned_energy,
    planned_levels,
    usual_power_w,
    within,
)
from emsp.pricing.retail.prices import Place

START = datetime(2026, 6, 2, 18, tzinfo=UTC)
SOCKET = Place("NLD", "NL-ABC", Decimal(22_000), direct_current=False)
FAST = Place("NLD", "NL-ABC", Decimal(150_000), direct_current=True)
CAR = Car(Decimal(57_000), Decimal(7_400), Decimal(100_000))
LEVELS = Levels(20, 80)


def codes(planned: PlannedCharge) -> list[str]:
    return [said.code for said in planned.assumptions()]


@pytest.mark.parametrize(
    ("power_w", "direct", "usual_w"),
    [
        (22_000, False, 11_000),
        (7_400, False, 7_400),
        (150_000, True, 150_000),
        (None, False, 11_000),
        (None, None, 11_000),
        (22_000, None, 11_000),
        (50_000, None, 50_000),
    ],
)
def test_that_a_car_of_which_nothing_is_known_takes_what_most_cars_take(
    power_w: int | None, direct: bool | None, usual_w: int
) -> None:
    place = Place("NLD", power_w=None if power_w is None else Decimal(power_w), direct_current=direct)
    assert usual_power_w(place) == usual_w


def test_that_energy_alone_is_charged_at_constant_power_and_says_that_no_car_was_named() -> None:
    planned = planned_energy(SOCKET, Decimal(11_000), START, START + timedelta(hours=3))
    charging, parking = planned.periods()
    assert (charging.end, charging.energy_wh, charging.power_w) == (START + timedelta(hours=1), 11_000, 11_000)
    assert (parking.end, parking.parking_s) == (START + timedelta(hours=3), 7200)
    assert [(said.code, said.parameters) for said in planned.assumptions()] == [
        (AssumptionCode.NO_VEHICLE, {"power_w": "11000"}),
        (AssumptionCode.CONSTANT_POWER, {"power_w": "11000"}),
    ]


def test_that_of_alternating_current_the_car_takes_what_it_can_and_a_tenth_is_lost() -> None:
    planned = planned_levels(SOCKET, CAR, LEVELS, START, None)
    assert planned.energy_wh == 38_000  # 60 % of 57 kWh is 34.2 kWh, which is 90 % of 38 kWh
    assert (planned.power_w, planned.curve) == (7_400, ())
    assert codes(planned) == ["CONSTANT_POWER", "CHARGING_LOSSES"]
    assert planned.assumptions()[1].parameters == {"percent": "10"}


def test_that_direct_current_slows_down_as_the_battery_fills() -> None:
    planned = planned_levels(FAST, CAR, LEVELS, START, None)
    assert planned.energy_wh == 36_000  # 34.2 kWh is 95 % of it
    assert planned.power_w == 100_000
    assert [(period.power_w, period.energy_wh) for period in planned.periods()] == [
        (100_000, 24_000),  # from 20 to 60 %
        (93_750, 3_000),
        (81_250, 3_000),
        (68_750, 3_000),
        (56_250, 3_000),
    ]
    assert codes(planned) == ["CHARGING_CURVE", "CHARGING_LOSSES"]


def test_that_a_weak_connector_caps_the_curve() -> None:
    weak = msgspec.structs.replace(FAST, power_w=Decimal(50_000))
    planned = planned_levels(weak, CAR, Levels(20, 100), START, None)
    assert [(period.power_w, period.energy_wh) for period in planned.periods()] == [
        (50_000, 36_000),  # until 80 %, where the car itself takes no less
        (46_250, 3_000),
        (38_750, 3_000),
        (31_250, 3_000),
        (23_750, 3_000),
    ]


def test_that_a_battery_that_is_rather_full_begins_on_the_slope() -> None:
    planned = planned_levels(FAST, CAR, Levels(70, 75), START, None)
    assert [(period.power_w, period.energy_wh) for period in planned.periods()] == [(68_750, 3_000)]


def test_that_a_level_that_was_not_told_is_said_to_be_assumed() -> None:
    planned = planned_levels(FAST, CAR, Levels(20, 80, from_assumed=True), START, None)
    assert codes(planned) == ["CHARGING_CURVE", "BATTERY_LEVEL_ASSUMED", "CHARGING_LOSSES"]
    assert planned.assumptions()[1].parameters == {"percent": "20"}


def test_that_energy_is_whole_watt_hours_never_less_than_needed() -> None:
    planned = planned_levels(SOCKET, Car(Decimal(10_001), Decimal(7_400)), Levels(0, 1), START, None)
    assert planned.energy_wh == 112  # 100.01 / 0.9 = 111.1…


def test_that_a_car_without_direct_current_is_refused_where_there_is_no_other() -> None:
    with pytest.raises(Refused, match="cannot take") as refused:
        planned_levels(FAST, Car(Decimal(16_000), Decimal(3_700)), LEVELS, START, None)
    assert (refused.value.code, refused.value.field) == ("VEHICLE_CANNOT_CHARGE_HERE", ["input", "vehicleId"])


def test_that_a_plan_stays_below_a_power_at_which_the_tariff_ends() -> None:
    """Of 266 connectors in a Dutch feed whose tariff has a maximum of power, 222 are rated at just that."""

    def tariff(*limits: Restrictions) -> Tariff:
        price = (Component(Dimension.ENERGY, Decimal("0.70")),)
        return Tariff("EUR", tuple(Element(price, limit) for limit in limits))

    planned, rated = planned_energy(FAST, Decimal(50_000), START, None), Decimal(150_000)
    ends, begins = Restrictions(max_power_w=rated), Restrictions(min_power_w=rated)
    assert within(planned, tariff(ends)).power_w == 149_999
    assert within(planned, tariff(ends, begins)) == within(planned, tariff(begins)) == planned
    assert within(planned, tariff(Restrictions(max_power_w=Decimal(50_000)))) == planned


def test_that_a_plan_survives_json() -> None:
    planned = planned_levels(FAST, CAR, LEVELS, START, START + timedelta(hours=1))
    assert msgspec.convert(msgspec.to_builtins(planned), PlannedCharge) == planned
