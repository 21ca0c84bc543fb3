"""What may be charged at a fleet's cost, and where drivers of a brand may charge."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsp.brands.network import Place, read_network
from emsp.brands.network import refusal as network_refusal
from emsp.errors import Invalid
from emsp.fleets.limits import Wish, read_limits, refusal
from emsp.fleets.terms import read_billing, read_terms
from emsp.money import Money

HERE = Place(party="NL*ABC", country="NL", power_w=22_000)
MONDAY_NOON = datetime(2026, 6, 1, 12, 0, tzinfo=ZoneInfo("Europe/Amsterdam"))


def wish(**facts: Any) -> Wish:
    values = {"place": HERE, "local": MONDAY_NOON, "worst": Money(2000, "EUR")}
    return Wish(**(values | facts))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({}, None),
        ({"allowed_parties": ["NL*ABC"]}, None),
        ({"allowed_parties": ["NL*XYZ"]}, "Volt does not let you charge with this operator."),
        ({"blocked_parties": ["NL*ABC"]}, "Volt does not let you charge with this operator."),
        ({"allowed_parties": ["NL*ABC"], "blocked_parties": ["NL*ABC"]},
         "Volt does not let you charge with this operator."),
        ({"allowed_countries": ["NL", "BE"]}, None),
        ({"allowed_countries": ["BE"]}, "Volt does not let you charge in this country."),
        ({"blocked_countries": ["NL"]}, "Volt does not let you charge in this country."),
        ({"max_power_w": 22_000}, None),
        ({"max_power_w": 21_999}, "Volt lets you charge at connectors of up to 21.999 kW; this one has more."),
        ({"max_power_w": 11_000}, "Volt lets you charge at connectors of up to 11 kW; this one has more."),
    ],
)  # fmt: skip
def test_where_drivers_of_a_brand_may_charge(written: dict[str, Any], said: str | None) -> None:
    assert network_refusal(read_network(written), HERE, whose="Volt") == said


@pytest.mark.parametrize(
    ("written", "facts", "said"),
    [
        ({}, {"worst": None}, None),
        ({"blocked_parties": ["NL*ABC"]}, {}, "Your fleet does not let you charge with this operator."),
        ({"blocked_parties": ["NL*ABC"]}, {"place": None}, None),
        ({"charge_max_minor": 2000, "currency": "EUR"}, {}, None),
        ({"charge_max_minor": 1999, "currency": "EUR"}, {},
         "Your fleet pays up to 19.99 EUR a charge; this one may cost 20.00 EUR."),
        ({"charge_max_minor": 1999, "currency": "EUR"}, {"is_quoted": False, "worst": None}, None),
        ({"charge_max_minor": 9999, "currency": "EUR"}, {"worst": None},
         "Your fleet limits what a charge may cost, and the price here is not known."),
        ({"charge_max_minor": 9999, "currency": "SEK"}, {},
         "Your fleet limits what a charge may cost in SEK, and here you pay in EUR."),
        ({"month_max_minor": 5000, "currency": "EUR"}, {}, None),
        ({"month_max_minor": 4999, "currency": "EUR"}, {},
         "Your fleet has 19.99 EUR left to charge for in this month; this charge may cost 20.00 EUR."),
        ({"month_max_minor": 3000, "currency": "EUR"}, {"is_quoted": False, "worst": None},
         "Your fleet has nothing left to charge for in this month."),
        ({"weekdays": ["MON", "FRI"]}, {}, None),
        ({"weekdays": ["SAT", "SUN"]}, {}, "Your fleet pays for charges on SAT, SUN only."),
        ({"from_time": "06:00", "until_time": "12:01"}, {}, None),
        ({"from_time": "06:00", "until_time": "12:00"}, {},
         "Your fleet pays for charges that begin from 06:00 to 12:00 only."),
        ({"from_time": "22:00", "until_time": "06:00"}, {},
         "Your fleet pays for charges that begin from 22:00 to 06:00 only."),
        ({"from_time": "22:00", "until_time": "06:00"}, {"local": MONDAY_NOON.replace(hour=23)}, None),
        ({"from_time": "22:00", "until_time": "06:00"}, {"local": MONDAY_NOON.replace(hour=5)}, None),
    ],
)  # fmt: skip
def test_what_may_be_charged_at_a_fleets_cost(written: dict[str, Any], facts: dict[str, Any], said: str | None) -> None:
    assert refusal(read_limits(written), wish(**facts), spent_minor=3000) == said


@given(
    charge_max=st.none() | st.integers(0, 5000),
    month_max=st.none() | st.integers(0, 5000),
    worst=st.integers(0, 5000),
    spent=st.integers(0, 5000),
)
@settings(max_examples=100)
def test_that_a_charge_that_is_allowed_stays_within_the_limits(
    charge_max: int | None, month_max: int | None, worst: int, spent: int
) -> None:
    limits = read_limits({"currency": "EUR", "charge_max_minor": charge_max, "month_max_minor": month_max})
    allowed = refusal(limits, wish(worst=Money(worst, "EUR")), spent_minor=spent) is None
    if allowed:
        assert charge_max is None or worst <= charge_max
        assert month_max is None or spent + worst <= month_max
    else:
        narrower = read_limits({"currency": "EUR", "charge_max_minor": 0, "month_max_minor": month_max})
        assert worst == 0 or refusal(narrower, wish(worst=Money(worst, "EUR")), spent_minor=spent)


@pytest.mark.parametrize(
    ("read", "written", "field"),
    [
        (read_network, {"allowed_parties": ["NL-ABC"]}, "allowed_parties.0"),
        (read_network, {"blocked_countries": ["NL", "XX"]}, "blocked_countries.1"),
        (read_network, {"max_power_w": 0}, "max_power_w"),
        (read_network, {"max_power_w": "much"}, "max_power_w"),
        (read_network, {"max_power_kw": 1}, "max_power_kw"),
        (read_network, ["NL*ABC"], ""),
        (read_limits, {"charge_max_minor": 100}, "currency"),
        (read_limits, {"charge_max_minor": -1, "currency": "EUR"}, "charge_max_minor"),
        (read_limits, {"currency": "EURO"}, "currency"),
        (read_limits, {"weekdays": ["MON", "DAY"]}, "weekdays.1"),
        (read_limits, {"from_time": "24:00", "until_time": "06:00"}, "from_time"),
        (read_limits, {"from_time": "06:00"}, "until_time"),
        (read_limits, {"from_time": "06:00", "until_time": "06:00"}, "until_time"),
        (read_limits, {"allowed_parties": ["abc"]}, "allowed_parties.0"),
        (read_terms, {"pay_within_days": 121}, "pay_within_days"),
        (read_terms, {"remind_after_days": [3, 3]}, "remind_after_days.1"),
        (read_terms, {"block_after_reminders": 4}, "block_after_reminders"),
        (read_billing, {"country": "NLD"}, "country"),
        (read_billing, {"email": "office"}, "email"),
        (read_billing, {"company": "A\nB"}, "company"),
        (read_billing, {"tax": "1"}, "tax"),
    ],
)
def test_that_what_is_written_wrongly_is_named(read: Any, written: Any, field: str) -> None:
    with pytest.raises(Invalid) as wrong:
        read(written)
    assert wrong.value.field == field
