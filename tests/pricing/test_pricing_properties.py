"""What holds for every tariff and every session, tried on generated ones."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsp.pricing.engine import Period, price
from emsp.pricing.report import LineKind, Report, sum_known, taxes_by_rate
from emsp.pricing.tariff import (
    Component,
    Day,
    Dimension,
    Element,
    PriceLimit,
    Restrictions,
    Tariff,
    TaxIncluded,
)

ZONE = "Europe/Amsterdam"
EVENING = datetime(2026, 6, 5, 19, tzinfo=UTC)
TINY = Decimal("1E-9")

prices = st.decimals(0, 3, places=4)
vats = st.sampled_from([None, Decimal(0), Decimal("5.2"), Decimal(21)])
times = st.none() | st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 59]))
wh = st.none() | st.integers(0, 40_000).map(Decimal)
components = st.builds(
    Component,
    dimension=st.sampled_from(Dimension),
    price=prices,
    vat_percent=vats,
    step_size=st.sampled_from([0, 1, 60, 300, 500]),
)
restrictions = st.builds(
    Restrictions,
    start_time=times,
    end_time=times,
    start_date=st.none() | st.just(date(2026, 6, 6)),
    days_of_week=st.lists(st.sampled_from(Day), max_size=4).map(tuple),
    min_energy_wh=wh,
    max_energy_wh=wh,
    max_power_w=st.none() | st.just(Decimal(11_000)),
    min_duration_s=st.none() | st.integers(0, 20_000),
)
elements = st.builds(
    Element,
    components=st.lists(components, min_size=1, max_size=3).map(tuple),
    restrictions=st.none() | restrictions,
)
limits = st.none() | st.builds(PriceLimit, net=st.none() | prices, gross=st.none() | prices)
tariffs = st.builds(
    Tariff,
    currency=st.just("EUR"),
    elements=st.lists(elements, min_size=1, max_size=4).map(tuple),
    tax_included=st.sampled_from(TaxIncluded),
    min_price=limits,
    max_price=limits,
)
unrestricted = st.builds(
    Tariff,
    currency=st.just("EUR"),
    elements=st.lists(components, min_size=1, max_size=4).map(lambda found: (Element(tuple(found)),)),
)


@st.composite
def sessions(draw: st.DrawFn) -> tuple[Period, ...]:
    """One to four periods in a row, each charging or parking, of an even number of minutes and Wh."""
    periods, at = [], EVENING
    for minutes, half_wh in draw(
        st.lists(st.tuples(st.integers(1, 120), st.integers(0, 9000)), min_size=1, max_size=4)
    ):
        end, seconds = at + timedelta(minutes=2 * minutes), Decimal(120 * minutes)
        parked = half_wh < 1000
        charged = Period(at, end, energy_wh=Decimal(2 * half_wh), charging_s=seconds)
        periods.append(Period(at, end, parking_s=seconds) if parked else charged)
        at = end
    return tuple(periods)


def halves(period: Period) -> tuple[Period, Period]:
    middle = period.start + (period.end - period.start) / 2
    half = {
        "energy_wh": period.energy_wh / 2,
        "charging_s": period.charging_s / 2,
        "parking_s": period.parking_s / 2,
    }
    return Period(period.start, middle, **half), Period(middle, period.end, **half)


def near(one: Decimal | None, other: Decimal | None) -> bool:
    return one == other if one is None or other is None else abs(one - other) <= TINY


@settings(max_examples=150, deadline=None)
@given(tariffs, sessions())
def test_lines_sum_to_the_totals_exactly(tariff: Tariff, periods: tuple[Period, ...]) -> None:
    report = price(tariff, periods, time_zone=ZONE)

    for side in ("net", "gross", "tax"):
        total = getattr(report, side)
        if total is not None:
            assert sum_known(getattr(line, side) for line in report.lines) == total
            assert sum_known(getattr(part, side) for part in report.per_dimension) == total
    if report.tax is not None:
        assert sum_known(part.tax for part in taxes_by_rate(report)) == report.tax


@settings(max_examples=150, deadline=None)
@given(tariffs, sessions())
def test_cutting_periods_in_half_changes_nothing(tariff: Tariff, periods: tuple[Period, ...]) -> None:
    whole = price(tariff, periods, time_zone=ZONE)

    cut = price(tariff, [half for period in periods for half in halves(period)], time_zone=ZONE)

    assert near(cut.net, whole.net)
    assert near(cut.gross, whole.gross)
    assert [line.kind for line in cut.lines] == [line.kind for line in whole.lines]


@settings(max_examples=80, deadline=None)
@given(unrestricted, st.integers(0, 50_000), st.integers(0, 5_000), st.integers(1, 9_000), st.integers(0, 900))
def test_more_energy_or_time_never_costs_less(
    tariff: Tariff, energy_wh: int, more_wh: int, charging_s: int, more_s: int
) -> None:
    def cost(wh: int, seconds: int) -> Decimal | None:
        period = Period(EVENING, EVENING + timedelta(seconds=seconds), Decimal(wh), charging_s=Decimal(seconds))
        return price(tariff, [period], time_zone=ZONE).net

    before, after = cost(energy_wh, charging_s), cost(energy_wh + more_wh, charging_s + more_s)
    assert before is not None
    assert after is not None
    assert after >= before


@settings(max_examples=50, deadline=None)
@given(tariffs, sessions())
def test_elements_of_other_dimensions_may_change_places(tariff: Tariff, periods: tuple[Period, ...]) -> None:
    by_dimension = tuple(
        Element(tuple(c for c in element.components if c.dimension is dimension), element.restrictions)
        for dimension in Dimension
        for element in tariff.elements
    )
    reordered = msgspec.structs.replace(tariff, elements=by_dimension)
    if not any(element.components for element in by_dimension):
        return

    one, other = (price(t, periods, time_zone=ZONE) for t in (tariff, reordered))

    assert near(one.net, other.net)
    assert near(one.gross, other.gross)


@settings(max_examples=50, deadline=None)
@given(tariffs, sessions())
def test_tariffs_and_reports_survive_json(tariff: Tariff, periods: tuple[Period, ...]) -> None:
    report = price(tariff, periods, time_zone=ZONE)

    assert msgspec.json.decode(msgspec.json.encode(tariff), type=Tariff) == tariff
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Amsterdam", date(2026, 3, 29), 23),
        ("Europe/Amsterdam", date(2026, 10, 25), 25),
        ("Europe/Lisbon", date(2026, 3, 29), 23),
        ("Atlantic/Azores", date(2026, 10, 25), 25),
        ("Europe/Bucharest", date(2026, 3, 29), 23),
        ("Europe/Oslo", date(2026, 6, 2), 24),
    ],
)
@pytest.mark.parametrize("window", [(0, 5), (1, 2), (2, 3), (3, 23), (22, 6)])
def test_a_day_is_as_long_as_its_clock_says(zone: str, day: date, hours: int, window: tuple[int, int]) -> None:
    """Inside and outside a window of the clock add up to the day, and each moment is on its right side."""
    start, end = (datetime.combine(day + timedelta(days=d), time(0), ZoneInfo(zone)) for d in (0, 1))
    inside = Restrictions(start_time=time(window[0]), end_time=time(window[1]))
    tariff = Tariff(
        "EUR",
        (
            Element((Component(Dimension.TIME, Decimal(1)),), inside),
            Element((Component(Dimension.TIME, Decimal(0)),)),
        ),
    )
    length_s = Decimal(hours * 3600)

    report = price(tariff, [Period(start.astimezone(UTC), end.astimezone(UTC), charging_s=length_s)], time_zone=zone)

    quarters = (start.astimezone(UTC) + timedelta(minutes=15 * n) for n in range(hours * 4))
    walls = [at.astimezone(ZoneInfo(zone)).hour for at in quarters]
    low, high = window
    within = [w for w in walls if (low <= w < high if low < high else w >= low or w < high)]
    assert report.net == Decimal(len(within)) / 4
    assert {t.kind: t.measured for t in report.per_dimension} == {LineKind.TIME: length_s}
