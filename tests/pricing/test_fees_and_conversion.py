"""Fees for usage, and prices in a brand's own currency."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec

from emsp.pricing.engine.plan import periods_of_plan
from emsp.pricing.engine.price import price
from emsp.pricing.engine.report import Assumption, AssumptionCode, LineKind, Report
from emsp.pricing.engine.tariff import Component, Dimension, Element, PriceLimit, Tariff
from emsp.pricing.retail.conversion import Conversion, ExchangeRate, conversion, factor
from emsp.pricing.retail.prices import (
    Place,
    PricePolicy,
    RetailTariff,
    SoldIn,
    Terms,
    UsageFeePolicy,
    retail_price,
    retail_report,
    retail_tariff,
)
from emsp.pricing.retail.terms import CountryVat, FeePer

START = datetime(2026, 6, 2, 10, tzinfo=UTC)
TWO_HOURS = periods_of_plan(START, Decimal(20_000), Decimal(20_000), START + timedelta(hours=2))
DAY = date(2026, 6, 1)
SEK = ExchangeRate("SEK", Decimal("10.978"), DAY, "European Central Bank")
GBP = ExchangeRate("GBP", Decimal("0.8338"), date(2026, 5, 29), "European Central Bank", old=True)
NL = Place(country="NL")


def tariff(currency: str = "EUR", vat: str | None = "25") -> Tariff:
    """0.50 per kWh."""
    component = Component(Dimension.ENERGY, Decimal("0.50"), None if vat is None else Decimal(vat))
    return Tariff(currency, (Element((component,)),), max_price=PriceLimit(Decimal(100), Decimal(125)))


def fees(*each: UsageFeePolicy) -> Terms:
    return Terms(policy=PricePolicy(usage_fees=each), rates=(GBP, SEK))


def sold(retail: RetailTariff) -> Report:
    return retail_price(retail, TWO_HOURS, time_zone="Europe/Amsterdam")


def test_usage_fees_follow_what_was_measured_with_the_vat_of_the_place() -> None:
    asked = fees(
        UsageFeePolicy(FeePer.KWH, Decimal("0.02")),
        UsageFeePolicy(FeePer.CHARGING_MINUTE, Decimal("0.01")),
        UsageFeePolicy(FeePer.PARKING_MINUTE, Decimal("0.05"), vat_percent=Decimal(0)),
    )

    report = sold(retail_tariff(tariff(), asked, NL))

    assert [(line.kind, line.billed, line.unit_price, line.net, line.gross) for line in report.lines] == [
        (LineKind.ENERGY, 20_000, Decimal("0.50"), Decimal(10), Decimal("12.5")),
        (LineKind.ENERGY_FEE, 20_000, Decimal("0.02"), Decimal("0.4"), Decimal("0.484")),
        (LineKind.TIME_FEE, 3600, Decimal("0.60"), Decimal("0.6"), Decimal("0.726")),
        (LineKind.PARKING_FEE, 3600, Decimal("3.00"), Decimal(3), Decimal(3)),
    ]
    assert (report.net, report.gross) == (Decimal(14), Decimal("16.71"))


def test_a_fee_for_what_did_not_happen_is_no_line() -> None:
    asked = fees(UsageFeePolicy(FeePer.PARKING_MINUTE, Decimal("0.05")))
    at_once = periods_of_plan(START, Decimal(20_000), Decimal(20_000))

    report = retail_price(retail_tariff(tariff(), asked, NL), at_once, time_zone="Europe/Amsterdam")

    assert [line.kind for line in report.lines] == [LineKind.ENERGY]


def test_a_fee_in_another_currency_is_converted_where_a_rate_is_known() -> None:
    known = UsageFeePolicy(FeePer.KWH, Decimal(1), currency="SEK")
    unknown = UsageFeePolicy(FeePer.PARKING_MINUTE, Decimal(1), currency="ISK")

    retail = retail_tariff(tariff(), fees(known, unknown), NL)

    assert [(fee.kind, fee.net.quantize(Decimal("1E-6"))) for fee in retail.usage_fees] == [
        (LineKind.ENERGY_FEE, Decimal("0.091091"))
    ]
    assert retail.assumptions == (Assumption(AssumptionCode.SESSION_FEE_IN_OTHER_CURRENCY, {"currency": "ISK"}),)


def test_a_brand_may_know_the_vat_of_a_country_better() -> None:
    policy = PricePolicy(vat_percents=(CountryVat("IE", Decimal(9)),), session_fee_net=Decimal(1))

    retail = retail_tariff(tariff(vat=None), Terms(policy=policy), Place(country="IRL"))

    assert retail.tariff.elements[0].components[0].vat_percent == Decimal(9)
    assert retail.session_fee is not None
    assert retail.session_fee.vat_percent == Decimal(9)


def test_a_rate_leads_over_the_euro_and_is_of_the_older_day() -> None:
    assert conversion("GBP", "SEK", (SEK, GBP)) == Conversion(
        "GBP", "SEK", Decimal("13.1662269129287598944591"), GBP.as_of, "European Central Bank", old=True
    )
    assert conversion("SEK", "EUR", (SEK,)) == Conversion(
        "SEK", "EUR", Decimal("0.0910912734560029149207506"), DAY, "European Central Bank"
    )
    assert conversion("SEK", "ISK", (SEK, GBP)) is None
    assert factor("SEK", "SEK", ()) == factor(None, "SEK", ()) == 1


def test_prices_are_converted_into_the_brands_currency_and_the_rate_is_kept() -> None:
    terms = Terms(policy=PricePolicy(currency=SoldIn.BRAND), currency="EUR", rates=(GBP, SEK))

    retail = retail_tariff(tariff("SEK"), terms, NL)
    report = sold(retail)

    assert retail.conversion == conversion("SEK", "EUR", (SEK,))
    assert retail.tariff.currency == report.currency == "EUR"
    assert report.gross == Decimal("1.1386409182")
    assert retail.tariff.max_price is not None
    assert retail.tariff.max_price.gross == 125 * retail.conversion.rate
    assert retail.assumptions == (
        Assumption(
            AssumptionCode.CURRENCY_CONVERTED,
            {
                "currency": "SEK",
                "into": "EUR",
                "rate": "0.0910912734560029149207506",
                "as_of": "2026-06-01",
                "source": "European Central Bank",
            },
        ),
    )
    assert msgspec.json.decode(msgspec.json.encode(retail), type=RetailTariff) == retail


def test_an_old_rate_is_said_to_be_old() -> None:
    terms = Terms(policy=PricePolicy(currency=SoldIn.BRAND), currency="EUR", rates=(GBP, SEK))

    said = retail_tariff(tariff("GBP"), terms, NL).assumptions

    assert said[1:] == (Assumption(AssumptionCode.EXCHANGE_RATE_OLD, {"as_of": "2026-05-29"}),)


def test_without_a_rate_the_price_stays_in_the_operators_currency_and_says_so() -> None:
    terms = Terms(policy=PricePolicy(currency=SoldIn.BRAND), currency="EUR", rates=(GBP,))

    retail = retail_tariff(tariff("SEK"), terms, NL)

    assert (retail.tariff, retail.conversion) == (tariff("SEK"), None)
    assert retail.assumptions == (
        Assumption(AssumptionCode.CURRENCY_NOT_CONVERTED, {"currency": "SEK", "into": "EUR"}),
    )


def test_a_report_without_a_tariff_is_converted_as_well() -> None:
    terms = Terms(policy=PricePolicy(currency=SoldIn.BRAND), currency="EUR", rates=(SEK,))
    wholesale = price(tariff("SEK"), TWO_HOURS, time_zone="Europe/Amsterdam")

    assert retail_report(wholesale, terms, NL) == sold(retail_tariff(tariff("SEK"), terms, NL))


def test_a_promise_of_before_is_still_read() -> None:
    kept = {
        "tariff": {"currency": "EUR", "elements": [{"components": [{"dimension": "ENERGY", "price": "0.45"}]}]},
        "session_fee": {"net": "0.35", "vat_percent": "21"},
        "assumptions": [{"code": "VAT_UNKNOWN", "parameters": {"country": "US"}}],
    }

    retail = msgspec.convert(kept, RetailTariff)

    assert retail.session_fee is not None
    assert (retail.session_fee.net, retail.usage_fees, retail.plan, retail.conversion) == (
        Decimal("0.35"),
        (),
        None,
        None,
    )
