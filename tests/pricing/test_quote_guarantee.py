"""What a driver is promised, tried on generated rules and charges.

The rules have non-negative prices, one step size for energy and one for time, and one VAT rate: where steps or rates
differ within a tariff, stopping earlier can cost more than any charge that goes on, by a step or by a tax.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsp.brands.tables import Brand
from emsp.charging.billing.bill import driver_bill
from emsp.charging.records.record import Record
from emsp.pricing.engine.tariff import Component, Dimension, Element, PriceLimit, Restrictions, Tariff
from emsp.pricing.engine.trace import Period
from emsp.pricing.quotes.missing import NoPrice, known_bill
from emsp.pricing.quotes.planned import Car, Levels, PlannedCharge, planned_energy, planned_levels
from emsp.pricing.quotes.worst_case import bounds_of, worst_case
from emsp.pricing.retail.prices import Place, PricePolicy, RetailTariff, Terms, retail_tariff
from emsp.pricing.tables import Quote

ZONE = "Europe/Amsterdam"
EVENING = datetime(2026, 6, 5, 19, 30, tzinfo=UTC)  # 21:30 in Amsterdam, half an hour before many a night price
LATE = timedelta(minutes=15)
SOCKET, FAST = (
    Place("NLD", "NL-ABC", Decimal(22_000), direct_current=False),
    Place("NLD", "NL-ABC", Decimal(150_000), direct_current=True),
)
WORST = settings(max_examples=40, deadline=None)

prices = st.decimals(0, 3, places=2)
amounts = st.none() | st.integers(1, 40_000).map(Decimal)
restrictions = st.builds(
    Restrictions,
    start_time=st.sampled_from([None, time(22), time(23, 30)]),
    end_time=st.sampled_from([None, time(6), time(22)]),
    min_energy_wh=amounts,
    max_energy_wh=amounts,
    min_power_w=st.sampled_from([None, Decimal(7_400)]),
    max_power_w=st.sampled_from([None, Decimal(11_000), Decimal(60_000)]),
    min_duration_s=st.none() | st.integers(1, 20_000),
    max_duration_s=st.none() | st.integers(1, 20_000),
)


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    """One to three elements, the last of which always applies and prices energy."""
    energy_step, time_step = draw(st.sampled_from([1, 500])), draw(st.sampled_from([1, 300]))
    steps = {Dimension.ENERGY: energy_step, Dimension.FLAT: 1}
    dimensions = st.lists(st.sampled_from(Dimension), min_size=1, max_size=3, unique=True)

    def element(restricted: Restrictions | None, *more: Dimension) -> Element:
        found = [*more, *(dimension for dimension in draw(dimensions) if dimension not in more)]
        parts = (Component(each, draw(prices), Decimal(21), steps.get(each, time_step)) for each in found)
        return Element(tuple(parts), restricted)

    some = [element(draw(restrictions)) for _ in range(draw(st.integers(0, 2)))]
    limit = st.none() | st.builds(PriceLimit, net=prices.map(lambda price: price * 5))
    return Tariff("EUR", (*some, element(None, Dimension.ENERGY)), min_price=draw(limit), max_price=draw(limit))


def retails() -> st.SearchStrategy[RetailTariff]:
    """Operators' tariffs as a brand with a markup and a fee sells them."""
    policies = st.builds(PricePolicy, markup_percent=st.just(Decimal(10)), session_fee_net=st.none() | prices)
    return st.builds(lambda tariff, policy: retail_tariff(tariff, Terms(policy=policy), SOCKET), tariffs(), policies)


def charged(planned: PlannedCharge, share: int) -> list[Period]:
    """What a meter has seen when a charge is ended after so many percent of its time, to the second."""
    periods = [period for period in planned.periods() if period.charging_s]
    last = planned.start + timedelta(seconds=int((periods[-1].end - planned.start).total_seconds()) * share // 100)
    seen = []
    for period in periods:
        seconds = Decimal(int((min(period.end, last) - period.start).total_seconds()))
        if seconds > 0:
            energy_wh = period.energy_wh * seconds / period.charging_s
            seen.append(Period(period.start, min(period.end, last), energy_wh, seconds, power_w=period.power_w))
    return seen


def measured(planned: PlannedCharge, share: int, parked_share: int) -> list[Period]:
    """A charge that ends early, or in time, and a car that then stays for so many percent of the rest of the plan."""
    seen = charged(planned, share)
    since = seen[-1].end if seen else planned.start
    rest_s = int((planned.periods()[-1].end - since).total_seconds()) * parked_share // 100
    parked = Period(since, since + timedelta(seconds=rest_s), parking_s=Decimal(rest_s), power_w=Decimal(0))
    return [*seen, parked] if rest_s or not seen else seen


energies = st.integers(1_000, 60_000).map(Decimal)
stays = st.none() | st.integers(1, 8 * 60).map(lambda minutes: EVENING + timedelta(minutes=minutes))
plans = st.builds(planned_energy, st.sampled_from([SOCKET, FAST]), energies, st.just(EVENING), stays)
car_plans = st.builds(
    planned_levels,
    st.just(FAST),
    st.builds(
        Car,
        st.integers(20_000, 100_000).map(Decimal),
        st.just(Decimal(11_000)),
        st.sampled_from([Decimal(50_000), Decimal(170_000)]),
    ),
    st.builds(Levels, st.integers(0, 50), st.integers(51, 100)),
    st.just(EVENING),
    stays,
)


def bill_minor(retail: RetailTariff, periods: list[Period]) -> int:
    return known_bill(retail, periods, time_zone=ZONE).total_minor


@WORST
@given(retails(), plans | car_plans, st.integers(0, 100), st.integers(0, 100))
def test_that_no_charge_within_the_plan_costs_more_than_the_worst_case(
    retail: RetailTariff, planned: PlannedCharge, share: int, parked_share: int
) -> None:
    worst = worst_case(retail, planned, bounds_of(planned, EVENING + LATE), time_zone=ZONE)
    assert bill_minor(retail, measured(planned, share, parked_share)) <= worst.total_minor


@WORST
@given(retails(), plans | car_plans)
def test_that_a_charge_that_goes_as_planned_costs_what_was_quoted(retail: RetailTariff, planned: PlannedCharge) -> None:
    quoted = known_bill(retail, planned.periods(), time_zone=ZONE)
    assert bill_minor(retail, measured(planned, 100, 100)) == quoted.total_minor
    assert worst_case(retail, planned, bounds_of(planned, EVENING), time_zone=ZONE).total_minor >= quoted.total_minor


@settings(max_examples=30, deadline=None)
@given(retails(), tariffs(), plans, st.decimals(0, 500, places=2), st.booleans())
def test_that_the_bill_depends_on_the_quoted_rule_and_on_what_was_measured_alone(
    retail: RetailTariff, other: Tariff, planned: PlannedCharge, asked: Decimal, kept: bool
) -> None:
    """Neither what the operator asks, nor its tariff by now, nor what the brand does by now makes a difference."""
    periods = measured(planned, 80, 50)
    quote = Quote(brand_id=Brand(slug="a", name="A").id, connector_id=1, tariff=msgspec.to_builtins(retail))
    record = Record(
        country_code="NL",
        party_id="ABC",
        external_id="C1",
        started_at=periods[0].start,
        ended_at=periods[-1].end,
        energy_wh=sum((period.energy_wh for period in periods), Decimal(0)),
        periods=periods,
        currency="EUR",
        net_cost=asked,
        tariffs=[other] if kept else [],
        updated_at=periods[-1].end,
    )
    terms = Terms(policy=PricePolicy(markup_percent=Decimal(300), session_fee_net=Decimal(9)))
    bill = driver_bill(record, quote, terms, Place("DEU"), time_zone=ZONE)
    assert bill.total_minor == bill_minor(retail, periods)


def test_that_a_charge_of_which_some_has_no_price_is_not_taken_for_free() -> None:
    """The tariff prices energy until ten at night only."""
    daily = Restrictions(start_time=time(6), end_time=time(22))
    tariff = Tariff("EUR", (Element((Component(Dimension.ENERGY, Decimal("0.4")),), daily),))
    retail, planned = retail_tariff(tariff, Terms(), SOCKET), planned_energy(SOCKET, Decimal(11_000), EVENING, None)
    with pytest.raises(NoPrice) as none:
        known_bill(retail, planned.periods(), time_zone=ZONE)
    assert none.value.reason == "NO_PRICE_AT_THIS_TIME"
