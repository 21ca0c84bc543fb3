"""A charge that is planned: constant power or a curve, to the full second, parking and reservation around it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsp.pricing.engine.plan import CurvePoint, periods_of_plan
from emsp.pricing.engine.trace import Period
from tests.pricing.generated import many

START = datetime(2026, 6, 2, 10, tzinfo=UTC)
KW = Decimal(1000)
DC = (CurvePoint(30 * KW, 150 * KW), CurvePoint(35 * KW, 50 * KW), CurvePoint(38 * KW, 20 * KW))


def _told(periods: tuple[Period, ...]) -> list[tuple[int, int, int | None]]:
    """Seconds, Wh and W of each."""
    return [
        ((p.end - p.start).seconds, int(p.energy_wh), None if p.power_w is None else int(p.power_w)) for p in periods
    ]


def test_that_each_change_of_power_begins_a_period() -> None:
    periods = periods_of_plan(START, 40 * KW, 100 * KW, curve=DC)

    assert _told(periods) == [(1080, 30_000, 100_000), (360, 5_000, 50_000), (900, 5_000, 20_000)]
    assert [p.start for p in periods[1:]] == [p.end for p in periods[:-1]]


def test_that_the_station_caps_the_curve() -> None:
    assert _told(periods_of_plan(START, 36 * KW, 50 * KW, curve=DC)) == [(2520, 35_000, 50_000), (180, 1_000, 20_000)]
    assert _told(periods_of_plan(START, 11 * KW, 11 * KW, curve=DC)) == [(3600, 11_000, 11_000)]


def test_that_who_leaves_earlier_gets_less() -> None:
    leaving = START + timedelta(minutes=20)

    periods = periods_of_plan(START, 40 * KW, 100 * KW, leaving, curve=DC)

    assert _told(periods) == [(1080, 30_000, 100_000), (120, 1_666, 50_000)]
    assert periods[-1].end == leaving


def test_that_parking_and_reservation_surround_the_charge() -> None:
    reserved_from, leaving = START - timedelta(minutes=15), START + timedelta(hours=2)

    periods = periods_of_plan(START, 11 * KW, 11 * KW, leaving, reserved_from)

    reserved, charging, parked = periods
    assert (reserved.start, reserved.end, reserved.reserved) == (reserved_from, START, True)
    assert (charging.charging_s, charging.parking_s, charging.reserved) == (3600, 0, False)
    assert (parked.parking_s, parked.charging_s, parked.energy_wh, parked.power_w) == (3600, 0, 0, 0)


def test_that_no_energy_is_still_a_charge() -> None:
    assert _told(periods_of_plan(START, Decimal(0), 11 * KW, curve=DC)) == [(0, 0, 11_000)]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"power_w": Decimal(0)}, "power_w"),
        ({"energy_wh": Decimal(-1)}, "energy_wh"),
        ({"curve": (CurvePoint(KW, Decimal(0)),)}, "power_w"),
        ({"curve": (CurvePoint(2 * KW, KW), CurvePoint(KW, KW))}, "curve"),
        ({"stay_until": START - timedelta(seconds=1)}, "stay_until"),
        ({"reserved_from": START + timedelta(seconds=1)}, "reserved_from"),
    ],
)
def test_that_an_impossible_plan_is_refused(arguments: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        periods_of_plan(**{"start": START, "energy_wh": KW, "power_w": KW, **arguments})  # type: ignore[arg-type]


@many(60)
@given(
    st.integers(0, 80_000),
    st.integers(1_000, 150_000),
    st.lists(st.tuples(st.integers(1, 20_000), st.integers(500, 200_000)), max_size=5),
    st.none() | st.integers(0, 20_000),
)
def test_that_the_plan_is_what_was_asked_for(
    energy_wh: int, power_w: int, steps: list[tuple[int, int]], stay_s: int | None
) -> None:
    """Without a gap, never above a power, all of the energy unless the driver leaves, and no second too many."""
    curve, until = [], 0
    for more, power in steps:
        until += more
        curve.append(CurvePoint(Decimal(until), Decimal(power)))
    leaving = None if stay_s is None else START + timedelta(seconds=stay_s)

    periods = periods_of_plan(START, Decimal(energy_wh), Decimal(power_w), leaving, curve=curve)

    assert periods[0].start == START
    assert all(one.end == other.start for one, other in pairwise(periods))
    assert leaving is None or periods[-1].end == leaving
    given_wh = sum(p.energy_wh for p in periods)
    exact_s = sum((p.energy_wh * 3600 / p.power_w for p in periods if p.power_w), Decimal(0))
    charging_s = sum(p.charging_s for p in periods)
    if leaving is None or periods[-1].parking_s:
        assert given_wh == energy_wh
        assert charging_s - 1 < exact_s <= charging_s
    assert given_wh <= energy_wh
    for one, other in pairwise(periods):
        assert one.power_w != other.power_w
    for period in periods:
        limits = [power_w, *(point.power_w for point in curve)]
        assert period.power_w == 0 or period.power_w in limits
