"""What cannot be true of a charge, and what is only unusual."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from emsp.charging.records.plausible import doubt
from emsp.charging.records.record import Record
from emsp.pricing.engine.price import Period
from tests.charging.conftest import END, START

HOUR = timedelta(hours=1)


def record(**facts: Any) -> Record:
    """Ten kilowatt-hours in an hour."""
    values: dict[str, Any] = {
        "country_code": "NL",
        "party_id": "ABC",
        "external_id": "C1",
        "started_at": START,
        "ended_at": END,
        "energy_wh": Decimal(10_000),
        "periods": [],
        "currency": "EUR",
        "net_cost": Decimal("4.50"),
        "updated_at": END,
    }
    return msgspec.convert(values | facts, Record)


def said_of(power_w: int | None = 22_000, **facts: Any) -> str | None:
    return doubt(record(**facts), power_w=power_w, commanded_at=START, now=END)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"energy_wh": Decimal(0), "net_cost": Decimal(0)},
        {"energy_wh": Decimal(34_000)},  # 22 kW for an hour, half as much again, and one kilowatt-hour
        {"energy_wh": Decimal(1_000), "ended_at": START + timedelta(seconds=1)},
        {"energy_wh": Decimal(1_400_000), "power_w": None},
        {"energy_wh": Decimal(90_000), "power_w": 22},  # a description that says kW where W are due
        {"started_at": START - timedelta(minutes=30)},
        {"ended_at": END + timedelta(days=1)},
        {"started_at": END, "ended_at": END},  # no start is known: it lasted from our command on
        {"currency": "SEK"},
        {"periods": [Period(START - 2 * HOUR, START, reserved=True), Period(START, END, Decimal(10_000))]},
    ],
)
def test_that_a_record_that_can_be_true_is_believed(facts: dict[str, Any]) -> None:
    assert said_of(**facts) is None


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"energy_wh": Decimal(34_001)}, "34 kWh in 60 minutes is more than 22 kW can give."),
        ({"energy_wh": Decimal(10_000_000)}, "10000 kWh in 60 minutes is more than 22 kW can give."),
        (
            {"energy_wh": Decimal(1_501_001), "power_w": None},
            "1501 kWh in 60 minutes is more than 1000 kW can give.",
        ),
        (
            {"periods": [Period(START, END, Decimal(40_000))]},
            "40 kWh in 60 minutes is more than 22 kW can give.",
        ),
        (
            {"started_at": START - timedelta(minutes=31)},
            "It begins at 2025-06-02 17:29 UTC, before the charge was asked for.",
        ),
        ({"ended_at": END + timedelta(days=1, seconds=1)}, "It ends on 2025-06-03, which is yet to come."),
        ({"currency": "EURO"}, "EURO is not a currency."),
        ({"currency": "XXX"}, "XXX is not a currency."),
        ({"currency": ""}, "The operator names no currency."),
        ({"net_cost": Decimal("-1")}, "It asks for -1 EUR."),
        ({"net_cost": Decimal("NaN")}, "It asks for NaN EUR."),
        ({"net_cost": Decimal("1e12")}, "It asks for 1E+12 EUR."),
    ],
)
def test_that_a_record_that_cannot_be_true_is_doubted_in_plain_words(facts: dict[str, Any], reason: str) -> None:
    assert said_of(**facts) == reason


def test_that_a_charge_of_more_than_a_week_is_doubted() -> None:
    long = record(ended_at=START + timedelta(days=8))
    assert doubt(long, power_w=None, commanded_at=START, now=long.ended_at) == "It lasts 8 days."
