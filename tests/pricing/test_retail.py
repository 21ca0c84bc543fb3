"""What the driver pays, made from what the operator asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from emsp.pricing.engine.plan import periods_of_plan
from emsp.pricing.engine.price import price
from emsp.pricing.engine.report import Assumption, AssumptionCode, LineKind, taxes_by_rate
from emsp.pricing.engine.tariff import Component, Dimension, Element, PriceLimit, Tariff, TaxIncluded
from emsp.pricing.retail.prices import (
    Place,
    PricePolicy,
    RetailTariff,
    Terms,
    VatWhenUnstated,
    retail_price,
    retail_report,
    retail_tariff,
)
from emsp.pricing.retail.vat import standard_vat_percent

START = datetime(2026, 6, 2, 10, tzinfo=UTC)
PLAN = periods_of_plan(START, Decimal(20_000), Decimal(10_000))
ZONE = "Europe/Amsterdam"


def tariff(vat: str | None = None, tax_included: TaxIncluded = TaxIncluded.NO) -> Tariff:
    """0.50 per kWh."""
    component = Component(Dimension.ENERGY, Decimal("0.50"), None if vat is None else Decimal(vat))
    return Tariff("EUR", (Element((component,)),), tax_included)


def test_passes_the_operators_price_on_as_it_is() -> None:
    retail = retail_tariff(tariff(vat="9"), Terms(), Place(country="NL"))

    report = retail_price(retail, PLAN, time_zone=ZONE)

    assert retail == RetailTariff(tariff(vat="9"))
    assert (report.net, report.tax, report.gross) == (Decimal(10), Decimal("0.9"), Decimal("10.9"))
    assert report.assumptions == ()


@pytest.mark.parametrize("country", ["NL", "NLD", "nl"])
def test_adds_the_vat_of_the_place_where_none_is_stated_and_says_so(country: str) -> None:
    report = retail_price(retail_tariff(tariff(), Terms(), Place(country=country)), PLAN, time_zone=ZONE)

    assert (report.net, report.tax, report.gross) == (Decimal(10), Decimal("2.1"), Decimal("12.1"))
    assert report.assumptions == (
        Assumption(AssumptionCode.VAT_OF_PLACE_OF_CHARGING, {"country": country, "vat_percent": "21"}),
    )


@pytest.mark.parametrize(
    ("policy", "country"),
    [(PricePolicy(), "US"), (PricePolicy(vat_when_unstated=VatWhenUnstated.NONE), "NL")],
)
def test_leaves_tax_unknown_where_no_rate_is_known_or_wanted(policy: PricePolicy, country: str) -> None:
    report = retail_price(retail_tariff(tariff(), Terms(policy=policy), Place(country=country)), PLAN, time_zone=ZONE)

    assert (report.net, report.tax, report.gross) == (Decimal(10), None, None)
    assert report.assumptions == (Assumption(AssumptionCode.VAT_UNKNOWN, {"country": country}),)


def test_derives_the_net_price_where_vat_is_included_but_not_stated() -> None:
    retail = retail_tariff(tariff(tax_included=TaxIncluded.YES), Terms(), Place(country="DK"))

    report = retail_price(retail, PLAN, time_zone="Europe/Copenhagen")

    assert (report.net, report.tax, report.gross) == (Decimal(8), Decimal(2), Decimal(10))


def test_adds_no_vat_where_none_applies() -> None:
    retail = retail_tariff(tariff(tax_included=TaxIncluded.NOT_APPLICABLE), Terms(), Place(country="NL"))

    report = retail_price(retail, PLAN, time_zone=ZONE)

    assert (report.net, report.tax, report.gross) == (Decimal(10), Decimal(0), Decimal(10))
    assert report.assumptions == ()


def test_marks_up_prices_and_limits() -> None:
    policy = PricePolicy(markup_percent=Decimal(10))
    capped = msgspec.structs.replace(tariff(vat="20"), max_price=PriceLimit(Decimal(8), Decimal("9.60")))

    report = retail_price(retail_tariff(capped, Terms(policy=policy), Place(country="NL")), PLAN, time_zone=ZONE)

    assert [(line.kind, line.net) for line in report.lines] == [
        (LineKind.ENERGY, Decimal(11)),
        (LineKind.MAX_PRICE, Decimal("-2.2")),
    ]
    assert (report.net, report.gross) == (Decimal("8.8"), Decimal("10.56"))


def test_adds_a_session_fee_with_the_vat_of_the_place() -> None:
    policy = PricePolicy(session_fee_net=Decimal("0.35"))

    report = retail_price(
        retail_tariff(tariff(vat="9"), Terms(policy=policy), Place(country="NLD")), PLAN, time_zone=ZONE
    )

    fee = report.lines[-1]
    assert (fee.kind, fee.net, fee.gross) == (LineKind.SESSION_FEE, Decimal("0.35"), Decimal("0.4235"))
    assert report.gross == Decimal("11.3235")
    assert [(t.vat_percent, t.net, t.tax) for t in taxes_by_rate(report)] == [
        (Decimal(9), Decimal(10), Decimal("0.9")),
        (Decimal(21), Decimal("0.35"), Decimal("0.0735")),
    ]


def test_leaves_out_a_fee_in_another_currency_and_says_so() -> None:
    policy = PricePolicy(session_fee_net=Decimal(3), session_fee_currency="SEK")

    report = retail_price(
        retail_tariff(tariff(vat="9"), Terms(policy=policy), Place(country="NL")), PLAN, time_zone=ZONE
    )

    assert [line.kind for line in report.lines] == [LineKind.ENERGY]
    assert report.assumptions == (Assumption(AssumptionCode.SESSION_FEE_IN_OTHER_CURRENCY, {"currency": "SEK"}),)


@pytest.mark.parametrize("tax_included", list(TaxIncluded))
@pytest.mark.parametrize("vat", [None, "0", "9"])
def test_a_report_is_passed_on_as_its_tariff_would_be(vat: str | None, tax_included: TaxIncluded) -> None:
    policy = PricePolicy(markup_percent=Decimal("7.5"), session_fee_net=Decimal("0.35"))
    wholesale = tariff(vat, tax_included)

    by_report = retail_report(price(wholesale, PLAN, time_zone=ZONE), Terms(policy=policy), Place(country="FR"))

    assert by_report == retail_price(
        retail_tariff(wholesale, Terms(policy=policy), Place(country="FR")), PLAN, time_zone=ZONE
    )


def test_the_policy_and_the_promise_survive_json() -> None:
    policy = PricePolicy(markup_percent=Decimal("7.5"), session_fee_net=Decimal("0.35"))
    retail = retail_tariff(tariff(), Terms(policy=policy), Place(country="FR"))

    assert msgspec.json.decode(msgspec.json.encode(policy), type=PricePolicy) == policy
    assert msgspec.json.decode(msgspec.json.encode(retail), type=RetailTariff) == retail


def test_both_codes_of_a_country_have_one_rate_and_others_none() -> None:
    assert standard_vat_percent("FI") == standard_vat_percent("FIN") == Decimal("25.5")
    assert standard_vat_percent("US") is None


def test_a_plan_ends_with_the_stay() -> None:
    charging, parking = periods_of_plan(START, Decimal(20_000), Decimal(11_000), START + timedelta(hours=2))
    assert (charging.charging_s, charging.end) == (6546, START + timedelta(seconds=6546))
    assert (parking.start, parking.parking_s, parking.end) == (charging.end, 654, START + timedelta(hours=2))


def test_who_leaves_early_gets_less_energy() -> None:
    (charging,) = periods_of_plan(START, Decimal(20_000), Decimal(11_000), START + timedelta(hours=1))

    assert (charging.energy_wh, charging.charging_s) == (11_000, 3600)


@pytest.mark.parametrize(
    ("energy_wh", "power_w", "stay_h", "named"),
    [(1, 0, 1, "power_w"), (-1, 1, 1, "energy_wh"), (1, 1, -1, "stay_until")],
)
def test_an_impossible_plan_is_refused(energy_wh: int, power_w: int, stay_h: int, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        periods_of_plan(START, Decimal(energy_wh), Decimal(power_w), START + timedelta(hours=stay_h))
