"""The local week: clocks that change twice a year lose and invent no second."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsp.stations.history import week

ZONES = ["Europe/Amsterdam", "Australia/Lord_Howe", "Pacific/Chatham", "Asia/Kathmandu", "America/St_Johns", "UTC"]
SUNDAY = 6 * 24
NEW_YEAR, IN_MARCH = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 3, 20, tzinfo=UTC)


def folded(since: datetime, until: datetime, time_zone: str = "Europe/Amsterdam") -> dict[int, int]:
    """Seconds by hour of the week, where there are any."""
    seconds = week.empty()
    week.add(seconds, since, until, time_zone)
    return {hour: count for hour, count in enumerate(seconds) if count}


def test_that_an_interval_is_shared_out_to_the_hours_in_which_it_passed() -> None:
    monday = datetime(2026, 6, 1, 6, 30, tzinfo=UTC)  # 8:30 in Amsterdam
    assert folded(monday, monday + timedelta(hours=2)) == {8: 1800, 9: 3600, 10: 1800}


def test_that_the_week_begins_anew_on_monday() -> None:
    midnight = datetime(2026, 6, 7, 22, 0, tzinfo=UTC)
    assert folded(midnight - timedelta(minutes=10), midnight + timedelta(minutes=5)) == {167: 600, 0: 300}


def test_that_the_hour_left_out_in_spring_does_not_count() -> None:
    before = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)  # 1:00, and at 2:00 it is 3:00
    assert folded(before, before + timedelta(hours=2)) == {SUNDAY + 1: 3600, SUNDAY + 3: 3600}


def test_that_the_hour_passed_twice_in_autumn_counts_twice() -> None:
    before = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # 2:00, and at 3:00 it is 2:00
    assert folded(before, before + timedelta(hours=3)) == {SUNDAY + 2: 7200, SUNDAY + 3: 3600}


def test_that_clocks_may_change_in_the_middle_of_an_hour() -> None:
    before = datetime(2026, 9, 26, 13, 15, tzinfo=UTC)  # 2:00 on Chatham; at 2:45 it is 3:45
    hours = folded(before, before + timedelta(hours=1), "Pacific/Chatham")
    assert hours == {SUNDAY + 2: 2700, SUNDAY + 3: 900}


@pytest.mark.parametrize("time_zone", ["", "Mars/Olympus", "../etc/passwd"])
def test_that_a_zone_that_is_none_is_taken_for_utc(time_zone: str) -> None:
    monday = datetime(2026, 6, 1, tzinfo=UTC)
    assert folded(monday, monday + timedelta(minutes=1), time_zone) == {0: 60}


@settings(max_examples=60, deadline=None)
@given(
    since=st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: NEW_YEAR + timedelta(minutes=minutes)),
    minutes=st.integers(0, 4 * 24 * 60),
    time_zone=st.sampled_from(ZONES),
)
def test_that_it_is_what_counting_minute_by_minute_gives(since: datetime, minutes: int, time_zone: str) -> None:
    expected: dict[int, int] = {}
    for minute in range(minutes):
        local = (since + timedelta(minutes=minute)).astimezone(ZoneInfo(time_zone))
        hour = local.weekday() * 24 + local.hour
        expected[hour] = expected.get(hour, 0) + 60
    assert folded(since, since + timedelta(minutes=minutes), time_zone) == expected


@settings(max_examples=60, deadline=None)
@given(
    times=st.lists(
        st.integers(0, 16 * 86_400_000).map(lambda ms: IN_MARCH + timedelta(milliseconds=ms)), min_size=2, max_size=20
    ),
    time_zone=st.sampled_from(ZONES),
)
def test_that_it_does_not_matter_in_which_pieces_time_is_added(times: list[datetime], time_zone: str) -> None:
    times.sort()
    pieces = week.empty()
    for since, until in pairwise(times):
        week.add(pieces, since, until, time_zone)
    whole = week.empty()
    week.add(whole, times[0], times[-1], time_zone)
    assert pieces == whole
    assert sum(whole) == int(times[-1].timestamp()) - int(times[0].timestamp())
