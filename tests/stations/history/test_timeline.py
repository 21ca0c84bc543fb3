"""From what was heard to what was: nothing twice, nothing that nobody saw."""

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from emsp.stations.history import week
from emsp.stations.history.timeline import Heard, Interval, count, timeline
from tests.stations.places import NOON, at

STATUSES = ("AVAILABLE", "CHARGING", "BLOCKED", "RESERVED", "OUTOFORDER", "UNKNOWN", "REMOVED")


def test_that_each_status_holds_until_the_next() -> None:
    heard = [Heard("CHARGING", at(40)), Heard("AVAILABLE", at(10))]  # in any order
    assert timeline(heard, "AVAILABLE", at(0), at(60)) == [
        Interval("AVAILABLE", at(0), at(10)),
        Interval("CHARGING", at(10), at(40)),
        Interval("AVAILABLE", at(40), at(60)),
    ]


def test_that_what_was_said_again_is_one_interval() -> None:
    heard = [Heard("AVAILABLE", at(10)), Heard("AVAILABLE", at(20))]
    assert timeline(heard, "AVAILABLE", at(0), at(60)) == [Interval("AVAILABLE", at(0), at(60))]


def test_that_only_what_lies_between_is_told() -> None:
    heard = [Heard("CHARGING", at(-5)), Heard("AVAILABLE", at(90))]
    assert timeline(heard, "CHARGING", at(0), at(60)) == [Interval("AVAILABLE", at(0), at(60))]


def counted(status: str, length: timedelta) -> tuple[int, int]:
    """Seconds in use, and seen, of one interval."""
    occupied_s, observed_s = week.empty(), week.empty()
    count([Interval(status, NOON, NOON + length)], "Europe/Amsterdam", occupied_s, observed_s)
    return sum(occupied_s), sum(observed_s)


def test_that_what_cannot_be_used_is_neither_in_use_nor_free() -> None:
    hour = timedelta(hours=1)
    assert {status: counted(status, hour) for status in STATUSES} == {
        "AVAILABLE": (0, 3600),
        "CHARGING": (3600, 3600),
        "BLOCKED": (3600, 3600),
        "RESERVED": (0, 3600),
        "OUTOFORDER": (0, 0),
        "UNKNOWN": (0, 0),
        "REMOVED": (0, 0),
    }


def test_that_what_lasted_too_long_is_not_believed() -> None:
    day = timedelta(days=1)
    assert counted("CHARGING", day) == (86_400, 86_400)
    assert counted("CHARGING", day + timedelta(seconds=1)) == (0, 0)
    assert counted("AVAILABLE", 14 * day) == (0, 14 * 86_400)
    assert counted("AVAILABLE", 14 * day + timedelta(seconds=1)) == (0, 0)


HEARD = st.lists(st.builds(Heard, st.sampled_from(STATUSES), st.integers(-100, 2000).map(at)))


@given(HEARD, st.sampled_from(STATUSES), st.integers(0, 1000), st.integers(1, 1000))
def test_that_the_whole_time_is_told_once(heard: list[Heard], status: str, start: int, length: int) -> None:
    since, until = at(start), at(start + length)
    told = timeline(heard, status, since, until)
    ends: list[datetime] = [since, *(interval.until for interval in told)]
    assert [interval.since for interval in told] == ends[:-1]
    assert ends[-1] == until
    assert all(interval.since < interval.until for interval in told)
    assert all(one.status != other.status for one, other in pairwise(told))


@given(HEARD, st.sampled_from(STATUSES), st.lists(st.integers(0, 1400), min_size=3, max_size=3, unique=True))
def test_that_it_does_not_matter_how_often_it_is_counted(heard: list[Heard], status: str, minutes: list[int]) -> None:
    first, second, third = map(at, sorted(minutes))

    def seconds(*spans: tuple[datetime, datetime]) -> tuple[list[int], list[int]]:
        occupied_s, observed_s = week.empty(), week.empty()
        for since, until in spans:
            count(timeline(heard, status, since, until), "Europe/Amsterdam", occupied_s, observed_s)
        return occupied_s, observed_s

    assert seconds((first, second), (second, third)) == seconds((first, third))
