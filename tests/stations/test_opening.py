"""Open or not, by the clock of the place; and what is not stated is not known."""

from datetime import UTC, datetime
from typing import Any

import pytest

from emsp.stations.opening import is_always_open, open_at

AMSTERDAM = "Europe/Amsterdam"
DAILY = range(1, 8)


def summer(day: int, hour: int, minute: int = 0) -> datetime:
    """A local time in Amsterdam in June 2026, whose first day is a Monday, as UTC."""
    return datetime(2026, 6, day, hour - 2, minute, tzinfo=UTC)


def hours(*periods: tuple[int, str, str], **more: Any) -> dict[str, Any]:
    regular = [{"weekday": day, "period_begin": begin, "period_end": end} for day, begin, end in periods]
    return {"twentyfourseven": False, "regular_hours": regular, **more}


OFFICE = hours(*((day, "08:00", "18:00") for day in range(1, 6)))


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        (summer(1, 8), True),
        (summer(1, 7, 59), False),
        (summer(1, 17, 59), True),
        (summer(1, 18), False),
        (summer(6, 12), False),
    ],
)
def test_that_regular_hours_are_local(at: datetime, is_open: bool) -> None:
    assert open_at(at, AMSTERDAM, False, OFFICE) is is_open


@pytest.mark.parametrize("end", ["24:00", "00:00", "23:59"])
def test_that_midnight_is_written_in_three_ways(end: str) -> None:
    document = hours((1, "06:00", end))
    assert open_at(datetime(2026, 6, 1, 21, 59, 59, tzinfo=UTC), AMSTERDAM, None, document) is True
    assert open_at(datetime(2026, 6, 1, 22, 0, tzinfo=UTC), AMSTERDAM, None, document) is False


def test_that_an_end_before_the_beginning_is_on_the_next_day() -> None:
    sunday_night = hours((7, "20:00", "02:00"))
    assert open_at(summer(8, 2).replace(hour=23, day=7), AMSTERDAM, None, sunday_night) is True  # Monday 01:00
    assert open_at(summer(8, 2), AMSTERDAM, None, sunday_night) is False
    assert open_at(summer(7, 19), AMSTERDAM, None, sunday_night) is False


def test_that_closings_win_over_openings_and_openings_over_hours() -> None:
    party = {"period_begin": "2026-06-06T08:00:00Z", "period_end": "2026-06-06T14:00:00Z"}
    pause = {"period_begin": "2026-06-06T10:00:00Z", "period_end": "2026-06-06T11:00:00Z"}
    document = {**OFFICE, "exceptional_openings": [party], "exceptional_closings": [pause]}
    assert [open_at(summer(6, hour), AMSTERDAM, False, document) for hour in (9, 10, 12, 13, 16)] == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert open_at(summer(6, 12), AMSTERDAM, True, {"exceptional_closings": [pause]}) is False
    assert open_at(summer(6, 13), AMSTERDAM, True, {"exceptional_closings": [pause]}) is True


@pytest.mark.parametrize(
    ("twenty_four_seven", "document", "answer"),
    [
        (True, None, True),
        (None, {"twentyfourseven": True}, True),
        (None, None, None),
        (False, None, None),
        (False, {"regular_hours": []}, None),
        (True, {"regular_hours": "always"}, None),
        (False, hours((8, "08:00", "18:00")), None),
        (False, hours((1, "08.00", "18.00")), None),
        (False, hours((1, "08:00", "25:00")), None),
    ],
)
def test_that_what_is_not_stated_or_makes_no_sense_is_not_known(
    twenty_four_seven: bool | None, document: dict[str, Any] | None, answer: bool | None
) -> None:
    assert open_at(summer(1, 12), AMSTERDAM, twenty_four_seven, document) is answer


def test_that_an_unknown_time_zone_leaves_it_open() -> None:
    assert open_at(summer(1, 12), "Mars/Olympus", False, OFFICE) is None


@pytest.mark.parametrize(
    ("document", "always"),
    [
        (hours(*((day, "00:00", "24:00") for day in DAILY)), True),
        (hours(*((day, "00:00", "23:59") for day in DAILY)), True),
        (hours(*((day, "00:00", "00:00") for day in DAILY)), True),
        (hours(*((day, "06:00", "06:00") for day in DAILY)), True),
        (hours(*((day, "00:00", "24:00") for day in range(1, 7))), False),
        (OFFICE, False),
        ({"twentyfourseven": True}, True),
        (None, None),
    ],
)
def test_that_a_whole_week_is_always(document: dict[str, Any] | None, always: bool | None) -> None:
    assert is_always_open(None, document) is always
