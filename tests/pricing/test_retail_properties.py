"""What holds for the price of every tariff, policy and plan, tried on generated ones."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from emsp.money import round_money
from emsp.pricing.engine.billed import billed
from emsp.pricing.engine.price import Period, price
from emsp.pricing.engine.report import DiscountOn, LineKind, sum_known
from emsp.pricing.engine.tariff import Tariff
from emsp.pricing.retail.conversion import ExchangeRate, conversion
from emsp.pricing.retail.plan_terms import HeldPlan, PlanTerms
from emsp.pricing.retail.prices import (
    Place,
    PricePolicy,
    SoldIn,
    Terms,
    UsageFeePolicy,
    VatWhenUnstated,
    own_tariff,
    retail_price,
    retail_tariff,
)
from emsp.pricing.retail.terms import FeePer, OwnPrice
from tests.pricing.generated import ZONE, many, prices, sessions, tariffs

TINY = Decimal("1E-9")
FREE = DiscountOn.FREE_ENERGY
NL = Place("NLD", "NL-ABC", Decimal(11_000), direct_current=False)
percents = st.decimals(0, 100, places=1)
fees = st.lists(st.builds(UsageFeePolicy, per=st.sampled_from(FeePer), net=prices), max_size=3).map(tuple)
policies = st.builds(
    PricePolicy,
    markup_percent=st.decimals(-100, 50, places=1),
    session_fee_net=st.none() | prices,
    usage_fees=fees,
    vat_when_unstated=st.sampled_from(VatWhenUnstated),
)
plans = st.builds(
    HeldPlan,
    name=st.just("Plus"),
    terms=st.builds(
        PlanTerms,
        energy_price=st.none() | prices,
        tax_included=st.booleans(),
        energy_discount_percent=percents,
        no_session_fee=st.booleans(),
        discount_percent=percents,
    ),
    free_energy_left_wh=st.integers(0, 40_000),
)
rates = st.decimals(Decimal("0.01"), 20_000, places=4).map(
    lambda per_euro: ExchangeRate("SEK", per_euro, date(2026, 6, 1), "European Central Bank")
)


@many(100)
@given(tariffs, sessions(), policies, st.none() | plans)
def test_what_a_driver_pays_is_never_negative_and_lines_sum_to_it(
    tariff: Tariff, periods: tuple[Period, ...], policy: PricePolicy, plan: HeldPlan | None
) -> None:
    retail = retail_tariff(tariff, Terms(policy, "EUR", plan), NL)

    report = retail_price(retail, periods, time_zone=ZONE)

    for side in ("net", "gross"):
        total = getattr(report, side)
        assert total is None or total >= 0
        assert total is None or sum_known(getattr(line, side) for line in report.lines) == total
    bill = billed(report)
    exact = report.gross if report.gross is not None and report.net is not None else report.net or report.gross
    assert bill.total_minor == round_money(exact or Decimal(0), "EUR").amount_minor
    assert sum(line.amount_minor for line in bill.lines) == bill.total_minor


@many(50)
@given(tariffs, sessions())
def test_without_policy_and_plan_the_operators_price_is_passed_on_as_it_is(
    tariff: Tariff, periods: tuple[Period, ...]
) -> None:
    retail = retail_tariff(tariff, Terms(PricePolicy(vat_when_unstated=VatWhenUnstated.NONE)), NL)

    assert retail.tariff == tariff
    assert retail_price(retail, periods, time_zone=ZONE).lines == price(tariff, periods, time_zone=ZONE).lines


@many(100)
@given(tariffs, sessions(), policies, plans)
def test_a_plan_never_makes_a_charge_dearer(
    tariff: Tariff, periods: tuple[Period, ...], policy: PricePolicy, plan: HeldPlan
) -> None:
    without = retail_tariff(tariff, Terms(policy, "EUR"), NL)

    whole = retail_price(without, periods, time_zone=ZONE)
    less = retail_price(replace(without, plan=plan), periods, time_zone=ZONE)

    assert less.lines[: len(whole.lines)] == whole.lines
    taken_off = less.lines[len(whole.lines) :]
    assert all(line.kind is LineKind.PLAN_DISCOUNT for line in taken_off)
    assert all((line.net or 0) <= 0 and (line.gross or 0) <= 0 for line in taken_off)
    free_wh = [line.discount.energy_wh for line in taken_off if line.discount and line.discount.on is FREE]
    assert sum((energy_wh or Decimal(0) for energy_wh in free_wh), Decimal(0)) <= plan.free_energy_left_wh


@many(50)
@given(tariffs, sessions(), rates)
def test_converting_a_tariff_and_pricing_it_come_to_the_same_in_either_order(
    tariff: Tariff, periods: tuple[Period, ...], rate: ExchangeRate
) -> None:
    policy = PricePolicy(currency=SoldIn.BRAND, vat_when_unstated=VatWhenUnstated.NONE)
    moved = conversion("EUR", "SEK", (rate,))
    assert moved is not None

    asked = price(tariff, periods, time_zone=ZONE)
    sold = retail_price(retail_tariff(tariff, Terms(policy, "SEK", rates=(rate,)), NL), periods, time_zone=ZONE)

    assert sold.currency == "SEK"
    for side in ("net", "gross"):
        before, after = getattr(asked, side), getattr(sold, side)
        assert (before is None) == (after is None)
        assert before is None or abs(after - before * moved.rate) <= TINY * max(moved.rate, Decimal(1))


@many(50)
@given(prices, rates)
def test_a_price_converted_to_and_fro_is_what_it_was(amount: Decimal, rate: ExchangeRate) -> None:
    there, back = conversion("EUR", "SEK", (rate,)), conversion("SEK", "EUR", (rate,))
    assert there is not None
    assert back is not None

    assert (amount * there.rate * back.rate).quantize(Decimal("1E-12")) == amount


@many(50)
@given(policies, sessions(), tariffs)
def test_fees_bear_the_vat_of_the_place(policy: PricePolicy, periods: tuple[Period, ...], tariff: Tariff) -> None:
    report = retail_price(retail_tariff(tariff, Terms(policy), NL), periods, time_zone=ZONE)

    for line in report.lines:
        if line.kind in (LineKind.SESSION_FEE, LineKind.ENERGY_FEE, LineKind.TIME_FEE, LineKind.PARKING_FEE):
            assert line.vat_percent == 21
            assert line.net is not None
            assert line.gross is not None
            assert abs(line.gross - line.net * Decimal("1.21")) <= TINY


@many(50)
@given(st.lists(st.builds(OwnPrice, currency=st.just("EUR"), tax_included=st.booleans(), per_kwh=prices), max_size=2))
def test_own_prices_ask_nothing_of_the_operator(table: list[OwnPrice]) -> None:
    terms = Terms(PricePolicy(own_prices=tuple(table)))

    own = own_tariff(terms, NL)

    assert (own is None) == (not table)
    if own is not None:
        broken = Tariff("SEK", (), not_computable="no elements")
        assert retail_tariff(broken, terms, NL) == own
        assert hash(terms) == hash(Terms(PricePolicy(own_prices=tuple(table))))
