"""A brand's own price table: sold instead of the operator's tariff, also where there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from emsp.pricing.engine.plan import periods_of_plan
from emsp.pricing.engine.report import Assumption, AssumptionCode, LineKind
from emsp.pricing.engine.tariff import Component, Dimension, Element, Tariff
from emsp.pricing.retail.prices import (
    OwnPrice,
    Place,
    PricePolicy,
    RetailTariff,
    Terms,
    own_tariff,
    retail_price,
    retail_tariff,
)

START = datetime(2026, 6, 2, 10, tzinfo=UTC)
ZONE = "Europe/Amsterdam"
DEAR = Tariff("EUR", (Element((Component(Dimension.ENERGY, Decimal("0.90")),)),))
FAST = OwnPrice(
    countries=("NL", "DEU"), min_power_w=Decimal(50_000), currency="EUR", tax_included=True, per_kwh=Decimal("0.605")
)
SLOW = OwnPrice(max_power_w=Decimal(50_000), currency="EUR", tax_included=True, per_kwh=Decimal("0.363"))
OF_ABC = OwnPrice(
    parties=("NL-ABC",), direct_current=False, currency="EUR", tax_included=False, per_kwh=Decimal("0.25")
)


def terms(*table: OwnPrice, **policy: object) -> Terms:
    return Terms(policy=PricePolicy(own_prices=table, **policy), currency="EUR")  # type: ignore[arg-type]


def place(country: str = "NLD", power_w: int | None = 150_000, party: str = "NL-XYZ", dc: bool | None = True) -> Place:
    return Place(country, party, None if power_w is None else Decimal(power_w), dc)


def price_per_kwh(retail: RetailTariff | None) -> str | None:
    return None if retail is None else str(retail.tariff.elements[0].components[0].price)


@pytest.mark.parametrize(
    ("at", "wanted"),
    [
        (place(), "0.605"),
        (place("NL"), "0.605"),
        (place("DE"), "0.605"),
        (place("BEL"), None),
        (place(power_w=50_000), "0.605"),
        (place(power_w=49_999), "0.363"),
        (place("BEL", power_w=11_000), "0.363"),
        (place(power_w=None), None),
        (place(power_w=11_000, party="NL-ABC", dc=False), "0.25"),
        (place(power_w=11_000, party="nl-abc", dc=False), "0.25"),
        (place(power_w=11_000, party="NL-ABC", dc=None), "0.363"),
    ],
)
def test_the_first_entry_that_fits_is_sold(at: Place, wanted: str | None) -> None:
    assert price_per_kwh(own_tariff(terms(OF_ABC, FAST, SLOW), at)) == wanted


def test_what_no_entry_fits_is_sold_at_the_operators_price() -> None:
    sold = retail_tariff(DEAR, terms(FAST), place("BEL"))

    assert (price_per_kwh(sold), sold.own_price) == ("0.90", False)


def test_it_is_sold_instead_of_the_operators_tariff_without_markup_and_fees() -> None:
    sold = retail_tariff(DEAR, terms(FAST, markup_percent=Decimal(10), session_fee_net=Decimal(1)), place())

    report = retail_price(sold, periods_of_plan(START, Decimal(20_000), Decimal(50_000)), time_zone=ZONE)

    assert sold.own_price
    assert [(line.kind, line.gross) for line in report.lines] == [(LineKind.ENERGY, Decimal("12.1"))]
    assert (report.net, report.tax) == (Decimal(10), Decimal("2.1"))
    assert report.assumptions == ()


def test_it_stands_where_the_operators_tariff_cannot_be_computed() -> None:
    broken = Tariff("EUR", (), not_computable="no elements")

    assert price_per_kwh(retail_tariff(broken, terms(FAST), place())) == "0.605"


def test_an_entry_may_ask_for_time_and_a_start_and_let_parking_be_free_at_first() -> None:
    entry = OwnPrice(
        currency="EUR",
        tax_included=False,
        vat_percent=Decimal(0),
        per_session=Decimal("0.50"),
        per_charging_minute=Decimal("0.02"),
        per_parking_minute=Decimal("0.10"),
        parking_from_min=240,
    )
    stay = periods_of_plan(START, Decimal(11_000), Decimal(11_000), START + timedelta(hours=5))

    report = retail_price(retail_tariff(DEAR, terms(entry), place()), stay, time_zone=ZONE)

    assert [(line.kind, line.billed, line.net) for line in report.lines] == [
        (LineKind.FLAT, 1, Decimal("0.5")),
        (LineKind.TIME, 3600, Decimal("1.2")),
        (LineKind.PARKING_TIME, 3600, Decimal(6)),
    ]


def test_tax_on_top_is_said_where_no_rate_is_known() -> None:
    sold = own_tariff(terms(OF_ABC), Place("USA", "NL-ABC", None, False))

    assert sold is not None
    assert sold.assumptions == (Assumption(AssumptionCode.VAT_UNKNOWN, {"country": "USA"}),)
