"""What the engine refuses, and what it is careful to say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfoNotFoundError

import pytest

from emsp.pricing.engine import NotComputable, Period, price
from emsp.pricing.report import Assumption, AssumptionCode, LineKind
from emsp.pricing.tariff import Component, Dimension, Element, Restrictions, Tariff

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
