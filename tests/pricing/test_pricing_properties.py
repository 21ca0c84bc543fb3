"""What holds for every tariff and every session, tried on generated ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from emsp.pricing.engine.policies import Policies, StepSizes
from emsp.pricing.engine.price import Period, price, price_by_period
from emsp.pricing.engine.report import Line, LineKind, Report, sum_known, taxes_by_rate
from emsp.pricing.engine.tariff import Component, Day, Dimension, Element, PriceLimit, Restrictions, Tariff
from tests.pricing.generated import (
    EVENING,
    TENTHS,
    ZONE,
    components,
    cut,
    many,
    policies,
    prices,
    restrictions,
    sessions,
    tariffs,
)

TINY = Decimal("1E-9")


def near(one: Decimal | None, other: Decimal | None) -> bool:
    return one == other if one is None or other is None else abs(one - other) <= TINY


@many(100)
@given(tariffs, sessions(), policies)
def test_lines_sum_to_the_totals_exactly(tariff: Tariff, periods: tuple[Period, ...], agreed: Policies) -> None:
    """And no amount is unknown on both sides, which would look like nothing."""
    report = price(tariff, periods, time_zone=ZONE, policies=agreed)

    for side in ("net", "gross", "tax"):
        total = getattr(report, side)
        if total is not None:
            assert sum_known(getattr(line, side) for line in report.lines) == total
            assert sum_known(getattr(part, side) for part in report.per_dimension) == total
    if report.tax is not None:
        assert sum_known(part.tax for part in taxes_by_rate(report)) == report.tax
    assert (report.net, report.gross) != (None, None)
    assert all((line.net, line.gross) != (None, None) for line in report.lines)


@many(100)
@given(tariffs, sessions(), policies, st.integers(1, TENTHS - 1))
def test_cutting_periods_in_two_changes_nothing(
    tariff: Tariff, periods: tuple[Period, ...], agreed: Policies, tenths: int
) -> None:
    whole = price(tariff, periods, time_zone=ZONE, policies=agreed)

    parts = [part for period in periods for part in cut(period, tenths)]
    in_parts = price(tariff, parts, time_zone=ZONE, policies=agreed)

    assert near(in_parts.net, whole.net)
    assert near(in_parts.gross, whole.gross)
    assert [_what(line) for line in in_parts.lines] == [_what(line) for line in whole.lines]


def _what(line: Line) -> tuple[object, ...]:
    return line.kind, line.element_index, line.step_size


@many(40)
@given(tariffs, tariffs, sessions(), policies)
def test_nothing_but_tariff_periods_zone_and_agreement_matters(
    tariff: Tariff, another: Tariff, periods: tuple[Period, ...], agreed: Policies
) -> None:
    """Neither what was priced before, nor which object holds the tariff, nor its name, type and validity."""
    first = price(tariff, periods, time_zone=ZONE, policies=agreed)
    price(another, periods, time_zone="Asia/Tokyo")
    price(tariff, periods, time_zone="Asia/Tokyo")
    renamed = replace(tariff, external_id="T", kind="AD_HOC_PAYMENT", valid_until=EVENING - timedelta(days=9))

    assert price(tariff, periods, time_zone=ZONE, policies=agreed) == first
    assert price(renamed, tuple(reversed(periods)), time_zone=ZONE, policies=agreed) == first


@many(40)
@given(tariffs, sessions(), policies)
def test_a_tariff_beside_others_prices_as_it_does_alone(
    tariff: Tariff, periods: tuple[Period, ...], agreed: Policies
) -> None:
    tariff = replace(tariff, external_id="One")
    other = replace(tariff, external_id="Other", currency="SEK")
    named = [replace(period, tariff_id="ONE") for period in periods]

    alone = price(tariff, periods, time_zone=ZONE, policies=agreed)

    assert price_by_period([other, tariff], named, time_zone=ZONE, policies=agreed) == alone
    assert price_by_period([tariff, other], periods, time_zone=ZONE, policies=agreed) == alone


@many(40)
@given(tariffs, sessions(), st.lists(st.booleans(), min_size=5, max_size=5))
def test_changing_between_twins_changes_nothing_but_the_limits(
    tariff: Tariff, periods: tuple[Period, ...], which: list[bool]
) -> None:
    """A session is one session, whichever of two equal tariffs prices a part of it."""
    tariff = replace(tariff, min_price=None, max_price=None, external_id="A")
    twin = replace(tariff, external_id="B")
    named = [replace(p, tariff_id="A" if a else "B") for p, a in zip(periods, which, strict=False)]

    both = price_by_period([tariff, twin], named, time_zone=ZONE)
    alone = price(tariff, periods, time_zone=ZONE)

    assert near(both.net, alone.net)
    assert near(both.gross, alone.gross)
    assert {t.kind: t.billed for t in both.per_dimension} == {t.kind: t.billed for t in alone.per_dimension}


@many(30)
@given(tariffs, sessions())
def test_tariffs_and_reports_survive_json(tariff: Tariff, periods: tuple[Period, ...]) -> None:
    report = price(tariff, periods, time_zone=ZONE)

    assert msgspec.json.decode(msgspec.json.encode(tariff), type=Tariff) == tariff
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


# What never costs less, and where more does cost less.

two_sided = st.none() | prices.map(lambda net: PriceLimit(net=net, gross=net * 2))
unrestricted = st.builds(
    Tariff,
    currency=st.just("EUR"),
    elements=st.lists(components, min_size=1, max_size=4).map(lambda found: (Element(tuple(found)),)),
    min_price=two_sided,
    max_price=two_sided,
)
changing = st.builds(
    Tariff,
    currency=st.just("EUR"),
    elements=st.lists(
        st.builds(
            Element,
            components=st.lists(components, min_size=1, max_size=3).map(tuple),
            restrictions=st.none() | restrictions.map(lambda r: replace(r, reservation=None)),
        ),
        min_size=1,
        max_size=4,
    ).map(tuple),
    min_price=two_sided,
    max_price=two_sided,
)
amounts = st.integers(1, 9_000)
no_less = st.integers(0, 9_000)


@many(80)
@given(unrestricted, policies, st.tuples(amounts, amounts, amounts), st.tuples(no_less, no_less, no_less))
def test_under_prices_that_always_apply_more_of_anything_never_costs_less(
    tariff: Tariff, agreed: Policies, some: tuple[int, int, int], more: tuple[int, int, int]
) -> None:
    """More energy, charging time or parking time, where there was some: with any steps, limits and policies."""

    def cost(wh: int, charging_s: int, parking_s: int) -> Report:
        middle = EVENING + timedelta(seconds=charging_s)
        charging = Period(EVENING, middle, Decimal(wh), charging_s=Decimal(charging_s))
        parking = Period(middle, middle + timedelta(seconds=parking_s), parking_s=Decimal(parking_s))
        return price(tariff, [charging, parking], time_zone=ZONE, policies=agreed)

    less, greater = cost(*some), cost(*(a + b for a, b in zip(some, more, strict=True)))

    assert less.net is not None
    assert greater.net is not None
    assert greater.net >= less.net
    assert less.gross is None or greater.gross is None or greater.gross >= less.gross


@many(100)
@given(
    changing,
    policies,
    st.sampled_from([StepSizes.IGNORED, StepSizes.EACH_COMPONENT]),
    sessions(may_be_reserved=False),
    sessions(may_be_reserved=False),
)
def test_what_comes_later_never_makes_it_cheaper(
    tariff: Tariff,
    agreed: Policies,
    step_sizes: StepSizes,
    before: tuple[Period, ...],
    after: tuple[Period, ...],
) -> None:
    """Whatever restrictions there are, if steps are not those of the last stretch: what applied before, still does."""
    agreed = replace(agreed, step_sizes=step_sizes)
    later = before[-1].end - EVENING
    longer = (*before, *(replace(p, start=p.start + later, end=p.end + later) for p in after))

    less, greater = (price(tariff, periods, time_zone=ZONE, policies=agreed) for periods in (before, longer))

    assert less.net is not None
    assert greater.net is not None
    assert greater.net >= less.net
    assert less.gross is None or greater.gross is None or greater.gross >= less.gross


@dataclass(frozen=True)
class Cheaper:
    """A tariff by which the longer session is the cheaper one."""

    elements: tuple[Element, ...]
    less: tuple[Period, ...]
    more: tuple[Period, ...]
    costs: tuple[str, str]


def _one(dimension: Dimension, amount: str, step_size: int = 1, **restricted: object) -> Element:
    found = Restrictions(**restricted) if restricted else None
    return Element((Component(dimension, Decimal(amount), Decimal(0), step_size),), found)


def _charged(minutes: int, wh: int = 0, parked_minutes: int = 0) -> tuple[Period, ...]:
    middle = EVENING + timedelta(minutes=minutes)
    charging = Period(EVENING, middle, Decimal(wh), charging_s=Decimal(60 * minutes))
    parked_s = Decimal(60 * parked_minutes)
    parking = Period(middle, middle + timedelta(minutes=parked_minutes), parking_s=parked_s)
    return (charging, parking) if parked_minutes else (charging,)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            Cheaper(
                (_one(Dimension.TIME, "3", 3600), _one(Dimension.PARKING_TIME, "3")),
                _charged(20),
                _charged(20, parked_minutes=10),
                ("3", "1.5"),
            ),
            id="charging is no longer rounded up once parking follows",
        ),
        pytest.param(
            Cheaper(
                (_one(Dimension.ENERGY, "0.30", 10_000, max_energy_wh=Decimal(5_000)), _one(Dimension.ENERGY, "0.30")),
                _charged(60, 4_000),
                _charged(60, 6_000),
                ("3", "1.8"),
            ),
            id="the last step is a smaller one",
        ),
        pytest.param(
            Cheaper(
                (_one(Dimension.TIME, "3", max_energy_wh=Decimal(5_000)),),
                _charged(60, 5_000),
                _charged(60, 10_000),
                ("3", "1.5"),
            ),
            id="time is free after some energy, which comes sooner",
        ),
        pytest.param(
            Cheaper(
                (_one(Dimension.ENERGY, "0.50", max_power_w=Decimal(11_000)), _one(Dimension.ENERGY, "0.30")),
                _charged(60, 10_000),
                _charged(60, 12_000),
                ("5", "3.6"),
            ),
            id="more energy in the same time is more power, which is cheaper",
        ),
    ],
)
def test_where_more_costs_less(case: Cheaper) -> None:
    """By the specification's own rules, so that no promise of "never less" can be made for these tariffs."""
    tariff = Tariff("EUR", case.elements)

    found = tuple(price(tariff, periods, time_zone=ZONE).net for periods in (case.less, case.more))

    assert found == tuple(map(Decimal, case.costs))


# The order of elements.


@many(40)
@given(tariffs, sessions())
def test_elements_of_other_dimensions_may_change_places(tariff: Tariff, periods: tuple[Period, ...]) -> None:
    by_dimension = tuple(
        Element(found, element.restrictions)
        for dimension in Dimension
        for element in tariff.elements
        if (found := tuple(c for c in element.components if c.dimension is dimension))
    )
    reordered = replace(tariff, elements=by_dimension)

    one, other = (price(t, periods, time_zone=ZONE) for t in (tariff, reordered))

    assert near(one.net, other.net)
    assert near(one.gross, other.gross)


disjoint = st.sampled_from(
    [
        [Restrictions(start_time=time(a), end_time=time(b)) for a, b in ((0, 6), (6, 20), (20, 22), (22, 0))],
        [Restrictions(start_time=time(a), end_time=time(b)) for a, b in ((22, 5), (5, 21), (21, 22))],
        [Restrictions(days_of_week=(day,)) for day in Day],
        [Restrictions(min_energy_wh=Decimal(a), max_energy_wh=Decimal(a + 3_000)) for a in range(0, 30_000, 3_000)],
        [Restrictions(min_duration_s=a, max_duration_s=a + 1_800) for a in range(0, 18_000, 1_800)],
        [Restrictions(max_power_w=Decimal(5_000)), Restrictions(min_power_w=Decimal(5_000))],
        [Restrictions(max_current_a=Decimal(20)), Restrictions(min_current_a=Decimal(20))],
    ]
)


@many(50)
@given(disjoint, st.data(), sessions())
def test_elements_that_never_hold_at_once_may_change_places(
    found: list[Restrictions], data: st.DataObject, periods: tuple[Period, ...]
) -> None:
    elements = [Element(data.draw(st.lists(components, min_size=1, max_size=2).map(tuple)), each) for each in found]
    shuffled = data.draw(st.permutations(elements))
    flats = {c.price for element in elements for c in element.components if c.dimension is Dimension.FLAT}

    one, other = (price(Tariff("EUR", tuple(es)), periods, time_zone=ZONE) for es in (elements, shuffled))

    assert (one.net, one.gross) == (other.net, other.gross)
    assert {line.unit_price for line in one.lines if line.kind is LineKind.FLAT} <= flats


def test_elements_that_hold_at_once_may_not_change_places() -> None:
    dear, cheap = _one(Dimension.ENERGY, "0.60", max_energy_wh=Decimal(9_000)), _one(Dimension.ENERGY, "0.30")

    costs = [
        price(Tariff("EUR", es), _charged(60, 10_000), time_zone=ZONE).net for es in ((dear, cheap), (cheap, dear))
    ]

    assert costs == [Decimal("5.7"), Decimal("3")]
