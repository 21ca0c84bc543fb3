"""What a plan takes off: lines of its own, never below zero."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest

from emsp.pricing.engine.billed import billed
from emsp.pricing.engine.plan import periods_of_plan
from emsp.pricing.engine.report import Allowance, Assumption, AssumptionCode, Discount, DiscountOn, LineKind, Report
from emsp.pricing.engine.tariff import Component, Dimension, Element, PriceLimit, Restrictions, Tariff
from emsp.pricing.retail.conversion import ExchangeRate
from emsp.pricing.retail.plan_terms import HeldPlan, PlanTerms
from emsp.pricing.retail.prices import (
    Place,
    PricePolicy,
    RetailTariff,
    Terms,
    UsageFeePolicy,
    retail_price,
    retail_tariff,
)
from emsp.pricing.retail.terms import FeePer
from emsp.pricing.words.explain import assumption_text, line_text, plan_text, summary

START = datetime(2026, 6, 2, 10, tzinfo=UTC)
PERIODS = periods_of_plan(START, Decimal(20_000), Decimal(20_000))
ALLOWANCE = Allowance("6f1b0d5e-0000-4000-8000-000000000001", "2026-06")
POLICY = PricePolicy(
    session_fee_net=Decimal("0.50"),
    session_fee_vat_percent=Decimal(0),
    usage_fees=(UsageFeePolicy(FeePer.KWH, Decimal("0.02")),),
)
TARIFF = Tariff(
    "EUR",
    (
        Element(
            (Component(Dimension.ENERGY, Decimal("0.40"), Decimal(21)),), Restrictions(max_energy_wh=Decimal(10_000))
        ),
        Element((Component(Dimension.ENERGY, Decimal("0.60"), Decimal(21)),)),
    ),
)


def held(left_wh: int = 0, **terms: object) -> HeldPlan:
    return HeldPlan("Plus", PlanTerms(**terms), left_wh, ALLOWANCE)  # type: ignore[arg-type]


def promised(plan: HeldPlan | None, tariff: Tariff = TARIFF, policy: PricePolicy = POLICY) -> RetailTariff:
    return retail_tariff(tariff, Terms(policy=policy, currency="EUR", plan=plan), Place(country="NL"))


def sold(plan: HeldPlan | None, tariff: Tariff = TARIFF, policy: PricePolicy = POLICY) -> Report:
    return retail_price(promised(plan, tariff, policy), PERIODS, time_zone="Europe/Amsterdam")


def taken_off(report: Report) -> list[tuple[DiscountOn, str, str]]:
    return [(li.discount.on, str(li.net), str(li.vat_percent)) for li in report.lines if li.discount]


def test_without_a_plan_nothing_is_taken_off() -> None:
    assert [(line.kind, line.net) for line in sold(None).lines] == [
        (LineKind.ENERGY, Decimal(4)),
        (LineKind.ENERGY, Decimal(6)),
        (LineKind.SESSION_FEE, Decimal("0.5")),
        (LineKind.ENERGY_FEE, Decimal("0.4")),
    ]


def test_free_energy_is_the_earliest_and_free_of_the_brands_fee_too() -> None:
    report = sold(held(12_000, free_energy_wh=30_000))

    assert taken_off(report) == [(DiscountOn.FREE_ENERGY, "-5.44", "21")]  # 10 × 0.40 + 2 × 0.60 + 12 × 0.02
    assert report.lines[-1].discount == Discount("Plus", DiscountOn.FREE_ENERGY, None, Decimal(12_000), ALLOWANCE)
    assert report.assumptions[-1] == Assumption(AssumptionCode.FREE_ENERGY_LEFT, {"energy_wh": "12000"})


def test_no_free_energy_is_given_once_the_month_is_used_up() -> None:
    assert taken_off(sold(held(0, free_energy_wh=30_000))) == []


def test_the_plans_price_takes_the_place_of_a_dearer_one_only() -> None:
    report = sold(held(energy_price=Decimal("0.605")))  # with 21 % VAT: 0.50 without

    assert taken_off(report) == [(DiscountOn.ENERGY_PRICE, "-1", "21")]
    assert report.lines[-1].gross == Decimal("-1.21")


def test_a_price_in_another_currency_needs_a_rate() -> None:
    plan = held(energy_price=Decimal("0.605"), energy_price_currency="SEK")
    rate = ExchangeRate("SEK", Decimal(10), date(2026, 6, 1), "European Central Bank")
    without = promised(plan)
    with_one = retail_tariff(TARIFF, Terms(plan=plan, currency="EUR", rates=(rate,)), Place(country="NL"))

    assert without.assumptions == (Assumption(AssumptionCode.PLAN_PRICE_IN_OTHER_CURRENCY, {"currency": "SEK"}),)
    assert without.plan is not None
    assert without.plan.terms.energy_price is None
    assert with_one.plan is not None
    assert with_one.plan.terms.energy_price == Decimal("0.0605")


def test_shares_come_one_after_the_other() -> None:
    plan = held(5_000, free_energy_wh=5_000, energy_discount_percent=Decimal(10), no_session_fee=True)

    assert taken_off(sold(plan)) == [
        (DiscountOn.FREE_ENERGY, "-2.1", "21"),
        (DiscountOn.ENERGY_PERCENT, "-0.83", "21"),
        (DiscountOn.SESSION_FEE, "-0.5", "0"),
    ]


def test_a_share_of_everything_is_taken_off_at_each_rate_of_vat() -> None:
    report = sold(held(discount_percent=Decimal(20)))

    assert taken_off(report) == [(DiscountOn.TOTAL_PERCENT, "-2.08", "21"), (DiscountOn.TOTAL_PERCENT, "-0.1", "0")]
    assert (report.net, report.gross) == (Decimal("8.72"), Decimal("10.4672"))


@pytest.mark.parametrize(("tariff_limit", "net"), [("5", "0.9"), ("100", "0.9")])
def test_under_a_ceiling_nothing_is_given_back_that_was_not_asked_for(tariff_limit: str, net: str) -> None:
    capped = msgspec.structs.replace(TARIFF, max_price=PriceLimit(net=Decimal(tariff_limit)))
    plan = held(50_000, free_energy_wh=50_000)
    policy = PricePolicy(session_fee_net=Decimal("0.90"), session_fee_vat_percent=Decimal(21))

    report = sold(plan, capped, policy)

    assert (report.net, report.gross) == (Decimal(net), Decimal("1.089"))


def test_everything_off_is_zero_and_never_less() -> None:
    raised = msgspec.structs.replace(TARIFF, min_price=PriceLimit(net=Decimal(15)))

    report = sold(held(7_000, free_energy_wh=7_000, discount_percent=Decimal(100), no_session_fee=True), raised)

    assert (report.net, report.gross, billed(report).total_minor) == (0, 0, 0)


def test_the_lines_of_a_bill_sum_to_its_total_in_minor_units() -> None:
    bill = billed(sold(held(1_234, free_energy_wh=5_000, energy_discount_percent=Decimal("7.5"))))

    assert sum(line.amount_minor for line in bill.lines) == bill.total_minor
    assert sum(tax.net_minor + tax.tax_minor for tax in bill.taxes) == bill.total_minor


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            [
                "Plus: 12 kWh free",
                "Plus: 8 kWh at €0.60 per kWh instead",
                "Plus: 5 % off energy",
                "Plus: no service fee",
                "Plus: 10 % off the whole price",
            ],
        ),
        (
            "de",
            [
                "Plus: 12 kWh frei",
                "Plus: stattdessen 8 kWh zu 0,60\xa0€ pro kWh",
                "Plus: 5 % Rabatt auf Energie",
                "Plus: keine Servicegebühr",
                "Plus: 10 % Rabatt auf den ganzen Preis",
            ],
        ),
    ],
)
def test_each_line_says_which_term_of_the_plan_it_is(language: str, said: list[str]) -> None:
    plan = held(
        12_000,
        free_energy_wh=30_000,
        energy_price=Decimal("0.60"),
        energy_discount_percent=Decimal(5),
        no_session_fee=True,
        discount_percent=Decimal(10),
    )

    texts = [line_text(line, language, currency="EUR") for line in sold(plan).lines if line.discount]

    assert list(dict.fromkeys(texts)) == said


def test_a_plan_in_words() -> None:
    plan = held(12_500, free_energy_wh=30_000, energy_price=Decimal("0.39"), no_session_fee=True)

    assert plan_text(plan, "en", "EUR") == (
        "With Plus: 30 kWh free each month, 12.5 kWh of them left, at most €0.39 per kWh, no service fee per session."
    )
    assert plan_text(held(energy_discount_percent=Decimal("7.5")), "nl", "EUR") == "Met Plus: energie 7,5 % goedkoper."
    assert plan_text(held(), "fr", "EUR") == "Avec Plus : aucun avantage de prix."


def test_the_summary_tells_fees_and_plan() -> None:
    assert summary(promised(held(no_session_fee=True)), "en") == (
        "€0.484 per kWh; for the first 10 kWh. €0.726 per kWh. Service fee of €0.50 per session. "
        "Service fee of €0.0242 per kWh. Prices include VAT. With Plus: no service fee per session."
    )


def test_a_conversion_in_words() -> None:
    told = Assumption(
        AssumptionCode.CURRENCY_CONVERTED,
        {
            "currency": "SEK",
            "into": "EUR",
            "rate": "0.0910912734560029149207506",
            "as_of": "2026-10-30",
            "source": "European Central Bank",
        },
    )
    assert assumption_text(told, "en") == (
        "The operator’s prices are in SEK; converted at 1 EUR = 10.978 SEK (European Central Bank, Oct 30, 2026)."
    )
    assert assumption_text(told, "de") == (
        "Der Betreiber rechnet in SEK ab; umgerechnet zu 1 EUR = 10,978 SEK (European Central Bank, 30.10.2026)."
    )
