"""What the engine refuses, and what it is careful to say."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfoNotFoundError

import pytest
from msgspec.structs import replace

from emsp.pricing.engine.price import NotComputable, Period, price, price_by_period
from emsp.pricing.engine.report import Assumption, AssumptionCode, LineKind
from emsp.pricing.engine.tariff import Component, Dimension, Element, PriceLimit, ReservationUse, Restrictions, Tariff

START = datetime(2026, 6, 2, 10, tzinfo=UTC)
HOUR = Period(START, START + timedelta(hours=1), Decimal(10_000), charging_s=Decimal(3600))
ENERGY = Component(Dimension.ENERGY, Decimal("0.30"), Decimal(20))
ZONE = "Europe/Brussels"


@pytest.mark.parametrize(
    ("tariff", "reason"),
    [
        (Tariff("EUR", (Element((ENERGY,)),), not_computable="unknown dimension REACTIVE"), "REACTIVE"),
        (Tariff("EUR", ()), "no price components"),
        (Tariff("EUR", (Element(()),)), "no price components"),
    ],
)
def test_a_tariff_without_a_price_is_not_free(tariff: Tariff, reason: str) -> None:
    with pytest.raises(NotComputable, match=reason):
        price(tariff, [HOUR], time_zone=ZONE)


@pytest.mark.parametrize(
    ("period", "named"),
    [
        (Period(START, START - timedelta(seconds=1)), "ends before it starts"),
        (Period(START, START, energy_wh=Decimal(-1)), "negative volume"),
        (Period(START.replace(tzinfo=None), START.replace(tzinfo=None)), "no time zone"),
    ],
)
def test_an_impossible_period_is_refused(period: Period, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        price(Tariff("EUR", (Element((ENERGY,)),)), [period], time_zone=ZONE)


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        price(Tariff("EUR", (Element((ENERGY,)),)), [HOUR], time_zone="Europe/Atlantis")


def test_energy_that_no_element_prices_is_pointed_out() -> None:
    over = Restrictions(end_date=date(2026, 6, 1))

    report = price(Tariff("EUR", (Element((ENERGY,), over),)), [HOUR], time_zone=ZONE)

    assert (report.net, report.lines) == (0, ())
    assert report.assumptions == (Assumption(AssumptionCode.ENERGY_WITHOUT_PRICE, {"energy_wh": "10000"}),)


def test_a_line_names_its_element_restriction_interval_and_step() -> None:
    first, then = (
        Restrictions(max_energy_wh=Decimal(4_000)),
        Component(Dimension.ENERGY, Decimal(1), None, 2500),
    )
    tariff = Tariff("EUR", (Element((ENERGY,), first), Element((then,))))

    cheap, dear = price(tariff, [HOUR], time_zone=ZONE).lines

    cut = START + timedelta(minutes=24)
    assert (cheap.element_index, cheap.applied_because, cheap.start, cheap.end) == (0, first, START, cut)
    assert (cheap.measured, cheap.billed, cheap.step_size) == (4000, 4000, 0)
    assert (dear.element_index, dear.applied_because, dear.start, dear.end) == (1, None, cut, HOUR.end)
    assert (dear.measured, dear.billed, dear.step_size, dear.unit_price) == (6000, 6000, 2500, 1)


def test_the_order_of_periods_does_not_matter() -> None:
    parking = Period(HOUR.end, HOUR.end + timedelta(minutes=10), parking_s=Decimal(600))
    tariff = Tariff("EUR", (Element((ENERGY, Component(Dimension.PARKING_TIME, Decimal(6)))),))

    assert price(tariff, [parking, HOUR], time_zone=ZONE) == price(tariff, [HOUR, parking], time_zone=ZONE)


def test_a_session_of_no_length_still_has_its_energy_and_its_flat_price() -> None:
    tariff = Tariff("EUR", (Element((Component(Dimension.FLAT, Decimal(1)), ENERGY)),))

    report = price(tariff, [Period(START, START, energy_wh=Decimal(1000))], time_zone=ZONE)

    assert [(line.kind, line.net) for line in report.lines] == [
        (LineKind.FLAT, 1),
        (LineKind.ENERGY, Decimal("0.3")),
    ]


def test_a_period_without_volumes_costs_its_flat_price_only() -> None:
    tariff = Tariff("EUR", (Element((Component(Dimension.FLAT, Decimal(1)), ENERGY)),))

    report = price(tariff, [Period(START, HOUR.end)], time_zone=ZONE)

    assert [(line.kind, line.net) for line in report.lines] == [(LineKind.FLAT, 1)]


def test_without_periods_nothing_is_due() -> None:
    tariff = Tariff("EUR", (Element((Component(Dimension.FLAT, Decimal(1)),)),), min_price=PriceLimit(Decimal(5)))

    report = price(tariff, [], time_zone=ZONE)

    assert (report.net, report.gross, report.lines) == (0, 0, ())


RESERVED = Element(
    (Component(Dimension.TIME, Decimal(6)), Component(Dimension.FLAT, Decimal(2))),
    Restrictions(reservation=ReservationUse.RESERVATION),
)


def test_a_reservation_in_the_middle_has_its_own_clock_and_prices() -> None:
    """The energy and the time that restrictions ask for go on after it as if it had not been there."""
    late = Restrictions(min_energy_wh=Decimal(10_000), min_duration_s=7200)
    dear = Element((Component(Dimension.ENERGY, Decimal(1)),), late)
    middle = Period(HOUR.end, HOUR.end + timedelta(hours=1), reserved=True)
    again = replace(HOUR, start=middle.end, end=middle.end + timedelta(hours=1))

    report = price(Tariff("EUR", (RESERVED, dear, Element((ENERGY,)))), [HOUR, middle, again], time_zone=ZONE)

    assert [(line.kind, line.start, line.end, line.net) for line in report.lines] == [
        (LineKind.RESERVATION_FLAT, middle.start, middle.start, 2),
        (LineKind.RESERVATION_TIME, middle.start, middle.end, 6),
        (LineKind.ENERGY, START, HOUR.end, 3),
        (LineKind.ENERGY, again.start, again.end, 10),
    ]


def test_energy_within_a_reservation_is_pointed_out() -> None:
    report = price(Tariff("EUR", (RESERVED, Element((ENERGY,)))), [replace(HOUR, reserved=True)], time_zone=ZONE)

    assert [line.kind for line in report.lines] == [LineKind.RESERVATION_FLAT, LineKind.RESERVATION_TIME]
    assert [assumption.code for assumption in report.assumptions] == [AssumptionCode.ENERGY_WITHOUT_PRICE]


def test_of_charging_and_parking_in_one_period_parking_is_the_last() -> None:
    timed = tuple(Component(d, Decimal(6), None, 600) for d in (Dimension.PARKING_TIME, Dimension.TIME))
    parked, both = (
        Period(START, START + timedelta(minutes=5), parking_s=Decimal(300)),
        Period(
            START + timedelta(minutes=5),
            START + timedelta(minutes=15),
            charging_s=Decimal(300),
            parking_s=Decimal(420),
        ),
    )

    report = price(Tariff("EUR", (Element(timed),)), [parked, both], time_zone=ZONE)

    assert {line.kind: (line.billed, line.step_size) for line in report.lines} == {
        LineKind.PARKING_TIME: (1200, 600),
        LineKind.TIME: (300, 0),
    }


DAY_TARIFF = Tariff("EUR", (Element((ENERGY,)),), external_id="Day")
NIGHT_TARIFF = replace(DAY_TARIFF, external_id="Night", elements=(Element((replace(ENERGY, price=Decimal("0.10")),)),))
DAY, NIGHT = (
    replace(HOUR, tariff_id="day"),
    replace(HOUR, start=HOUR.end, end=HOUR.end + timedelta(hours=1), tariff_id="NIGHT"),
)


def test_the_lines_of_several_tariffs_name_theirs() -> None:
    report = price_by_period([DAY_TARIFF, NIGHT_TARIFF], [DAY, NIGHT], time_zone=ZONE)

    assert [(line.tariff_id, line.net) for line in report.lines] == [("Day", 3), ("Night", 1)]
    assert [line.tariff_id for line in price(DAY_TARIFF, [DAY], time_zone=ZONE).lines] == [None]


def test_the_energy_so_far_counts_across_tariffs() -> None:
    low = Element((replace(ENERGY, price=Decimal(9)),), Restrictions(max_energy_wh=Decimal(10_000)))
    stepped = replace(NIGHT_TARIFF, elements=(low, *NIGHT_TARIFF.elements))

    report = price_by_period([DAY_TARIFF, stepped], [DAY, NIGHT], time_zone=ZONE)

    assert [(line.tariff_id, line.element_index, line.net) for line in report.lines] == [("Day", 0, 3), ("Night", 1, 1)]


@pytest.mark.parametrize(
    ("tariffs", "reason"),
    [
        ([], "no tariff"),
        ([DAY_TARIFF, replace(NIGHT_TARIFF, external_id="Evening")], "the tariff NIGHT of a period is missing"),
        ([DAY_TARIFF, replace(NIGHT_TARIFF, currency="SEK")], "one tariff is in EUR, another in SEK"),
        ([DAY_TARIFF, replace(NIGHT_TARIFF, not_computable="unknown dimension")], "unknown dimension"),
    ],
)
def test_a_session_with_a_tariff_that_does_not_fit_has_no_price(tariffs: list[Tariff], reason: str) -> None:
    with pytest.raises(NotComputable, match=reason):
        price_by_period(tariffs, [DAY, NIGHT], time_zone=ZONE)


def test_a_tariff_that_no_period_names_may_be_anything() -> None:
    strange = [replace(DAY_TARIFF, external_id="A", currency="SEK"), Tariff("EUR", (), not_computable="odd")]

    assert price_by_period([*strange, DAY_TARIFF], [DAY], time_zone=ZONE).net == 3


def test_many_periods_against_many_elements() -> None:
    """A week in minutes; what applies is found once for each stretch in which nothing turns."""
    elements = tuple(
        Element(
            (Component(Dimension.ENERGY, Decimal(1 + hour % 2)),),
            Restrictions(start_time=time(hour), end_time=time((hour + 1) % 24), min_power_w=Decimal(step * 1000)),
        )
        for hour in range(24)
        for step in (3, 2, 1, 0)
    )
    minutes = [START + timedelta(minutes=n) for n in range(10_081)]
    periods = [
        Period(start, end, Decimal(100), charging_s=Decimal(60), power_w=Decimal(start.minute * 100))
        for start, end in pairwise(minutes)
    ]

    report = price(Tariff("EUR", elements), periods, time_zone=ZONE)

    assert report.net == 7 * 24 * 6 * Decimal("1.5")
    assert not report.estimated
