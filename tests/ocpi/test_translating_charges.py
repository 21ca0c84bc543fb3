"""CDRs into records: the parts of what is asked, the tariffs of periods, reservations, and ends that are not told."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from emsp.charging.records.record import Asked, Cost, Record
from emsp.errors import Invalid
from emsp.ocpi import wire
from emsp.ocpi.words import bridge, messages
from emsp.ocpi.words.reading import convert
from emsp.ocpi.words.translate_charge import record_of
from emsp.pricing.engine.trace import Period
from tests.ocpi import people

TEN = datetime(2026, 6, 1, 10, tzinfo=UTC)
HALF_PAST = datetime(2026, 6, 1, 10, 30, tzinfo=UTC)
ELEVEN = datetime(2026, 6, 1, 11, tzinfo=UTC)


def record(version: str = "2.2.1", **members: Any) -> Record:
    """The record of a CDR of NL ABC."""
    parsed = wire.decode(wire.encode(people.cdr(**members)))
    return record_of(convert(bridge.lift("cdrs", version, parsed), messages.Cdr))


def period(start: str, **volumes: Any) -> dict[str, Any]:
    """A charging period from an hour on."""
    dimensions = [{"type": kind, "volume": volume} for kind, volume in volumes.items()]
    return {"start_date_time": f"2026-06-01T{start}:00Z", "dimensions": dimensions}


def test_what_is_asked_for_each_part() -> None:
    told = record(
        total_energy_cost={"excl_vat": 3, "incl_vat": 3.63},
        total_time_cost={"excl_vat": 1.5},
        total_fixed_cost={"before_taxes": 1, "taxes": [{"name": "VAT", "amount": 0.21}]},
        total_reservation_cost=None,
        total_time=1.5,
        total_parking_time="0.25",
    )
    assert told.asked == Asked(
        energy=Cost(Decimal(3), Decimal("3.63")),
        time=Cost(Decimal("1.5")),
        fixed=Cost(Decimal(1), Decimal("1.21")),
    )
    assert (told.total_time_s, told.total_parking_s) == (5400, 900)


def test_the_oldest_version_asks_for_no_parts_and_what_it_says_besides_is_taken() -> None:
    assert record("2.1.1", total_cost=3.0).asked == Asked()
    assert record("2.1.1", total_cost=3.0, total_energy_cost=2.5).asked == Asked(energy=Cost(Decimal("2.5")))


@pytest.mark.parametrize("odd", ["free", {"excl_vat": "a lot"}, [1, 2], {}, True, {"incl_vat": 3}])
def test_a_part_that_cannot_be_read_is_no_reason_to_refuse_a_cdr(odd: Any) -> None:
    told = record(total_energy_cost=odd, total_time=odd, total_parking_time="long")
    assert (told.asked, told.total_time_s, told.total_parking_s, told.net_cost) == (Asked(), None, None, 3)


def test_periods_name_tariffs_and_tariffs_have_names() -> None:
    first = {**period("10:00", ENERGY=6), "tariff_id": "T1"}
    second = {**period("10:30", ENERGY=6), "tariff_id": "#NA"}
    told = record(charging_periods=[first, second], tariffs=[people.tariff(), people.tariff(id="T2")])
    assert [each.tariff_id for each in told.periods] == ["T1", None]
    assert [each.external_id for each in told.tariffs] == ["T1", "T2"]


@pytest.mark.parametrize(
    ("volumes", "power_w", "current_a"),
    [
        ({"MAX_POWER": 11, "MIN_POWER": 3, "POWER": 7, "MAX_CURRENT": 16, "CURRENT": 10}, 11_000, 16),
        ({"MIN_POWER": 3, "POWER": 7, "MIN_CURRENT": 6, "CURRENT": 10}, 3_000, 6),
        ({"POWER": 7, "CURRENT": 10}, 7_000, 10),
        ({}, None, None),
    ],
)
def test_power_and_current(volumes: dict[str, Any], power_w: int | None, current_a: int | None) -> None:
    [told] = record(charging_periods=[period("10:00", ENERGY=12, **volumes)]).periods
    assert (told.power_w, told.current_a) == (power_w, current_a)


def test_a_reservation_of_its_own_lasts_as_the_operator_measured_it() -> None:
    told = record(charging_periods=[period("10:00", RESERVATION_TIME=0.25), period("10:30", ENERGY=12, TIME=0.5)])
    assert told.periods == [
        Period(TEN, HALF_PAST, charging_s=Decimal(900), reserved=True),
        Period(HALF_PAST, ELEVEN, Decimal(12_000), charging_s=Decimal(1800)),
    ]


def test_a_reservation_told_with_a_charge_comes_before_it() -> None:
    told = record(charging_periods=[period("10:00", RESERVATION_TIME=0.5, ENERGY=12, TIME=0.5, MAX_POWER=24)])
    assert told.periods == [
        Period(TEN, HALF_PAST, charging_s=Decimal(1800), reserved=True),
        Period(HALF_PAST, ELEVEN, Decimal(12_000), charging_s=Decimal(1800), power_w=Decimal(24_000)),
    ]
    longer = record(charging_periods=[period("10:00", RESERVATION_TIME=5, ENERGY=12)])
    assert [(each.start, each.end) for each in longer.periods] == [(TEN, ELEVEN), (ELEVEN, ELEVEN)]


def test_no_reservation_beside_a_charge_is_none() -> None:
    told = record(charging_periods=[period("10:00", RESERVATION_TIME=0, ENERGY=12)])
    assert told.periods == [Period(TEN, ELEVEN, Decimal(12_000))]
    alone = record(charging_periods=[period("10:00", RESERVATION_TIME=0)], total_energy=0)
    assert alone.periods == [Period(TEN, ELEVEN, reserved=True)]


@pytest.mark.parametrize(
    ("members", "ended_at"),
    [
        ({"total_time": 1}, ELEVEN),
        ({"total_time": None}, HALF_PAST),
        ({"total_time": None, "charging_periods": []}, datetime(2026, 6, 1, 11, 1, tzinfo=UTC)),
        (
            {"total_time": "?", "charging_periods": [period("10:30", ENERGY=12)]},
            datetime(2026, 6, 1, 11, 1, tzinfo=UTC),
        ),
    ],
)
def test_an_end_that_is_not_told(members: dict[str, Any], ended_at: datetime) -> None:
    unknown = {"end_date_time": "1970-01-01T00:00:00Z", "charging_periods": [period("10:00", ENERGY=12, TIME=0.5)]}
    assert record(**(unknown | members)).ended_at == ended_at


def test_an_end_that_no_calendar_has() -> None:
    with pytest.raises(Invalid, match="total_time"):
        record(end_date_time="1970-01-01T00:00:00Z", total_time=10**12)
