"""What a record says was measured, where its periods and its totals do not say the same."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from emsp.charging.records.record import Asked, Record, measured_periods
from emsp.pricing.engine.trace import Period

START = datetime(2026, 6, 1, 10, tzinfo=UTC)
HALF, END = START + timedelta(hours=1), START + timedelta(hours=2)
HOUR_S = Decimal(3600)


def record(*periods: Period, energy_wh: int = 20_000, **facts: Any) -> Record:
    """Twenty kilowatt-hours in two hours."""
    return Record(
        country_code="NL",
        party_id="ABC",
        external_id="C1",
        started_at=START,
        ended_at=END,
        energy_wh=Decimal(energy_wh),
        periods=list(periods),
        currency="EUR",
        net_cost=Decimal(5),
        updated_at=END,
        **facts,
    )


def test_periods_are_what_was_measured_also_where_the_total_is_a_little_other() -> None:
    charging = Period(START, HALF, Decimal(20_000), charging_s=HOUR_S)
    parking = Period(HALF, END, parking_s=HOUR_S)
    assert measured_periods(record(charging, parking)) == [charging, parking]
    assert measured_periods(record(charging, parking, energy_wh=19_000)) == [charging, parking]
    assert measured_periods(record(charging, parking, energy_wh=0)) == [charging, parking]


def test_energy_that_no_period_tells_of_goes_where_the_car_was_charging() -> None:
    charging = Period(START, HALF, charging_s=HOUR_S)
    parking = Period(HALF, END, parking_s=HOUR_S)
    assert measured_periods(record(charging, parking)) == [
        Period(START, HALF, Decimal(20_000), charging_s=HOUR_S),
        parking,
    ]


def test_a_reservation_takes_no_energy() -> None:
    reserved = Period(START, HALF, reserved=True)
    untimed = Period(HALF, END)
    assert measured_periods(record(reserved, untimed)) == [reserved, Period(HALF, END, Decimal(20_000))]
    only = Period(START, END, reserved=True)
    assert measured_periods(record(only, energy_wh=0)) == [only]
    assert measured_periods(record(only)) == [Period(START, END, Decimal(20_000), charging_s=2 * HOUR_S)]


def test_without_periods_the_totals_are_taken() -> None:
    assert measured_periods(record()) == [Period(START, END, Decimal(20_000), charging_s=2 * HOUR_S)]
    assert measured_periods(record(total_parking_s=HOUR_S)) == [
        Period(START, HALF, Decimal(20_000), charging_s=HOUR_S),
        Period(HALF, END, parking_s=HOUR_S),
    ]
    assert measured_periods(record(total_parking_s=9 * HOUR_S)) == [
        Period(START, START, Decimal(20_000)),
        Period(START, END, parking_s=2 * HOUR_S),
    ]


def test_periods_of_far_more_energy_than_the_record_are_not_believed() -> None:
    cumulative = [Period(START, HALF, Decimal(20_000)), Period(HALF, END, Decimal(40_000))]
    assert measured_periods(record(*cumulative)) == [Period(START, END, Decimal(20_000), charging_s=2 * HOUR_S)]


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=8), st.integers(1, 10**9))
def test_shares_sum_to_the_whole(weights: list[int], energy_wh: int) -> None:
    periods = [Period(START, END, charging_s=Decimal(weight)) for weight in weights]
    shared = measured_periods(record(*periods, energy_wh=energy_wh))
    assert sum(period.energy_wh for period in shared) == energy_wh
    assert all(period.energy_wh >= 0 for period in shared)


def test_records_that_were_kept_before_their_parts_were_read_are_still_read() -> None:
    kept = msgspec.to_builtins(record())
    for name in ("asked", "total_time_s", "total_parking_s"):
        del kept[name]
    read = msgspec.convert(kept, Record)
    assert (read.asked, read.total_time_s, read.total_parking_s) == (Asked(), None, None)
    assert msgspec.convert(msgspec.to_builtins(read), Record) == read
