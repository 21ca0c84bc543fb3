"""Clocks of the place of charging: days of 23, 23½, 24½ and 25 hours, hours that are skipped or happen twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsp.pricing.engine.price import Period, price
from emsp.pricing.engine.report import LineKind
from emsp.pricing.engine.tariff import Component, Day, Dimension, Element, Restrictions, Tariff
from tests.pricing.generated import many

QUARTER = timedelta(minutes=15)
CHANGES = [
    ("Europe/Amsterdam", date(2026, 3, 29), "23"),
    ("Europe/Amsterdam", date(2026, 10, 25), "25"),
    ("Europe/Lisbon", date(2026, 3, 29), "23"),
    ("Atlantic/Azores", date(2026, 10, 25), "25"),
    ("Europe/Bucharest", date(2026, 3, 29), "23"),
    ("Europe/Oslo", date(2026, 6, 2), "24"),
    ("America/St_Johns", date(2026, 3, 8), "23"),
    ("America/St_Johns", date(2026, 11, 1), "25"),
    ("Australia/Lord_Howe", date(2026, 4, 5), "24.5"),
    ("Australia/Lord_Howe", date(2026, 10, 4), "23.5"),
    ("Asia/Kathmandu", date(2026, 3, 29), "24"),
    # These change at midnight: the day begins at 01:00, or its last hour happens twice.
    ("Africa/Cairo", date(2026, 4, 24), "23"),
    ("Africa/Cairo", date(2026, 10, 29), "25"),
    ("Asia/Beirut", date(2026, 3, 29), "23"),
    ("Asia/Beirut", date(2026, 10, 24), "25"),
    ("America/Asuncion", date(2023, 10, 1), "23"),
    ("America/Asuncion", date(2024, 3, 23), "25"),
]
WINDOWS = [
    ((0, 0), (5, 0)),
    ((1, 0), (2, 0)),
    ((1, 30), (2, 0)),
    ((2, 0), (3, 0)),
    ((3, 0), (23, 0)),
    ((22, 0), (6, 0)),
]


def _day(zone: str, day: date) -> tuple[datetime, datetime]:
    """The first moments of a day and of the next one, where the clock may not show midnight."""
    first, last = (datetime.combine(day + timedelta(days=d), time(0), ZoneInfo(zone)).astimezone(UTC) for d in (0, 1))
    return first, last


def _paid_hours(restrictions: Restrictions, start: datetime, end: datetime, zone: str) -> Decimal:
    """For how long an element applies to a session that parks throughout; the rest has a price of nothing."""
    tariff = Tariff(
        "EUR",
        (
            Element((Component(Dimension.PARKING_TIME, Decimal(1)),), restrictions),
            Element((Component(Dimension.PARKING_TIME, Decimal(0)),)),
        ),
    )
    parked_s = Decimal((end - start) // timedelta(seconds=1))
    report = price(tariff, [Period(start, end, parking_s=parked_s)], time_zone=zone)
    assert {total.kind: total.billed for total in report.per_dimension} == {LineKind.PARKING_TIME: parked_s}
    assert report.net is not None
    return report.net


def _shown(start: datetime, end: datetime, zone: str) -> list[datetime]:
    """What the clock shows at each quarter of an hour."""
    return [(start + QUARTER * n).astimezone(ZoneInfo(zone)) for n in range((end - start) // QUARTER)]


@pytest.mark.parametrize(("zone", "day", "hours"), CHANGES)
def test_a_day_is_as_long_as_its_clock_says(zone: str, day: date, hours: str) -> None:
    start, end = _day(zone, day)

    assert Decimal((end - start) // QUARTER) / 4 == Decimal(hours)
    assert _paid_hours(Restrictions(start_date=day, end_date=day + timedelta(days=1)), start, end, zone) == Decimal(
        hours
    )
    week = start - timedelta(days=3), end + timedelta(days=3)
    assert _paid_hours(Restrictions(days_of_week=(tuple(Day)[day.weekday()],)), *week, zone) == Decimal(hours)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(("zone", "day", "hours"), CHANGES)
def test_a_window_holds_whenever_the_clock_shows_it(
    zone: str, day: date, hours: str, window: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    (start, end), (low, high) = _day(zone, day), (time(*at) for at in window)

    paid = _paid_hours(Restrictions(start_time=low, end_time=high), start, end, zone)

    walls = [at.time() for at in _shown(start, end, zone)]
    within = [w for w in walls if (low <= w < high if low < high else w >= low or w < high)]
    assert paid == Decimal(len(within)) / 4


@many(40)
@given(
    st.sampled_from(CHANGES),
    st.integers(-96, 96),
    st.integers(1, 800),
    st.lists(st.integers(1, 95), min_size=1, max_size=5, unique=True),
)
def test_the_parts_of_the_day_sum_to_the_session(
    change: tuple[str, date, str], offset: int, quarters: int, walls: list[int]
) -> None:
    """Windows that share the day out, for sessions of up to eight days around a change of the clocks."""
    zone, day, _ = change
    start = _day(zone, day)[0] + QUARTER * offset
    end = start + QUARTER * quarters
    times = [time(wall // 4, wall % 4 * 15) for wall in sorted(walls)]
    windows = zip(times, [*times[1:], times[0]], strict=True)

    parts = [_paid_hours(Restrictions(start_time=low, end_time=high), start, end, zone) for low, high in windows]

    assert sum(parts) == Decimal(quarters) / 4


@pytest.mark.parametrize(
    ("restrictions", "hours"),
    [
        (Restrictions(start_time=time(0), end_time=time(0)), "24"),
        (Restrictions(start_time=time(8), end_time=time(8)), "24"),
        (Restrictions(end_time=time(0)), "24"),
        (Restrictions(start_time=time(0)), "24"),
        (Restrictions(end_time=time(23, 59)), "24"),
        (Restrictions(start_time=time(22)), "2"),
        (Restrictions(start_time=time(22), end_time=time(0)), "2"),
        (Restrictions(start_time=time(22), end_time=time(23, 59)), "2"),
        (Restrictions(end_time=time(6)), "6"),
        (Restrictions(start_time=time(18), end_time=time(6)), "12"),
    ],
)
def test_where_a_day_begins_and_ends(restrictions: Restrictions, hours: str) -> None:
    start, end = _day("Europe/Amsterdam", date(2026, 6, 2))

    assert _paid_hours(restrictions, start, end, "Europe/Amsterdam") == Decimal(hours)


def test_that_a_microsecond_is_on_its_own_side_of_the_hour() -> None:
    at_six = datetime(2026, 6, 2, 4, tzinfo=UTC)
    start, end = at_six - timedelta(microseconds=1), at_six + timedelta(microseconds=2)
    free, paid = Restrictions(end_time=time(6)), Restrictions(start_time=time(6))
    tariff = Tariff(
        "EUR",
        tuple(Element((Component(Dimension.TIME, Decimal(1), None, 0),), each) for each in (free, paid)),
    )

    report = price(tariff, [Period(start, end, charging_s=Decimal("0.000003"))], time_zone="Europe/Amsterdam")

    assert [(line.start, line.end, line.measured) for line in report.lines] == [
        (start, at_six, Decimal("0.000001")),
        (at_six, end, Decimal("0.000002")),
    ]
