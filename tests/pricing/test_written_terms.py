"""Price policies and plans as people write them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from emsp.errors import Invalid
from emsp.pricing.retail.plan_terms import PlanTerms
from emsp.pricing.retail.prices import PricePolicy
from emsp.pricing.retail.written_terms import read_plan, read_policy

ENTRY = {"currency": "EUR", "tax_included": True, "per_kwh": "0.45"}


def test_what_is_not_said_is_as_by_default() -> None:
    assert read_policy({}) == PricePolicy()
    assert read_policy({"markup_percent": 5}) == read_policy({"markup_percent": "5"})
    assert read_policy({"own_prices": [ENTRY]}).own_prices[0].per_kwh == Decimal("0.45")
    assert read_plan({"free_energy_wh": 20_000}) == PlanTerms(free_energy_wh=20_000)


@pytest.mark.parametrize(
    ("written", "field", "said"),
    [
        ([], "", "Expected `object`, got `array`"),
        ({"markup": 5}, "", "unknown field `markup`"),
        ({"markup_percent": "a lot"}, "markup_percent", "Invalid decimal string"),
        ({"markup_percent": "NaN"}, "markup_percent", "must be from -100 to 1000"),
        ({"markup_percent": "-101"}, "markup_percent", "must be from -100 to 1000"),
        ({"session_fee_net": "-0.10"}, "session_fee_net", "must be 0 or more"),
        ({"session_fee_currency": "euro"}, "session_fee_currency", "a currency code"),
        ({"currency": "SEK"}, "currency", "Invalid enum value 'SEK'"),
        ({"usage_fees": [{"per": "KWH"}]}, "usage_fees.0", "missing required field `net`"),
        ({"usage_fees": [{"per": "KWH", "net": 1}, {"per": "KWH", "net": 2}]}, "usage_fees.1.per", "said once only"),
        ({"usage_fees": [{"per": "KWH", "net": 1, "vat_percent": 200}]}, "usage_fees.0.vat_percent", "from 0 to 100"),
        ({"vat_percents": [{"country": "QQ", "percent": 9}]}, "vat_percents.0.country", "ISO 3166-1"),
        ({"own_prices": [ENTRY, ENTRY | {"currency": "EURO"}]}, "own_prices.1.currency", "a currency code"),
        ({"own_prices": [ENTRY | {"countries": ["NL", "NLX"]}]}, "own_prices.0.countries.1", "ISO 3166-1"),
        ({"own_prices": [ENTRY | {"parties": ["ABC"]}]}, "own_prices.0.parties.0", "a party, such as NL-ABC"),
        ({"own_prices": [{"currency": "EUR", "tax_included": True}]}, "own_prices.0", "given at least one price"),
        ({"own_prices": [{"currency": "EUR"}]}, "own_prices.0", "missing required field `tax_included`"),
        (
            {"own_prices": [ENTRY | {"min_power_w": 50_000, "max_power_w": 50_000}]},
            "own_prices.0.max_power_w",
            "must be more than min_power_w",
        ),
        ({"own_prices": [ENTRY | {"parking_from_min": -1}]}, "own_prices.0.parking_from_min", "from 0 to 10080"),
    ],
)
def test_a_wrong_field_of_a_policy_is_named(written: Any, field: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_policy(written)

    assert caught.value.field == field
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ({"free_energy_wh": -1}, "free_energy_wh"),
        ({"energy_price": "-0.1"}, "energy_price"),
        ({"energy_price_currency": "EURO"}, "energy_price_currency"),
        ({"discount_percent": 101}, "discount_percent"),
        ({"energy_discount_percent": "x"}, "energy_discount_percent"),
    ],
)
def test_a_wrong_field_of_a_plan_is_named(written: Any, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_plan(written)

    assert caught.value.field == field
