"""A report as money: rounded once per total, lines and taxes summing to it exactly."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from emsp.pricing.engine.billed import billed
from emsp.pricing.engine.price import Period, price, price_by_period
from emsp.pricing.engine.tariff import Component, Dimension, Element, Tariff, TaxIncluded

prices = st.decimals(min_value=0, max_value=5, places=4)
rates = st.sampled_from([Decimal(0), Decimal("5.5"), Decimal(19), Decimal(21)])
components = st.builds(Component, dimension=st.sampled_from(Dimension), price=prices, vat_percent=rates)


@given(
    st.lists(components, min_size=1, max_size=4, unique_by=lambda component: component.dimension),
    st.integers(min_value=0, max_value=100_000),
    st.integers(min_value=1, max_value=50_000),
)
def test_that_lines_and_taxes_sum_to_the_totals(parts: list[Component], energy_wh: int, seconds: int) -> None:
    start = datetime(2026, 6, 1, 8, tzinfo=UTC)
    charging = Period(start, start + timedelta(seconds=seconds), Decimal(energy_wh), charging_s=Decimal(seconds))
    bill = billed(price(Tariff("EUR", (Element(tuple(parts)),)), [charging], time_zone="UTC"))

    assert sum(line.amount_minor for line in bill.lines) == bill.total_minor
    assert sum(line.tax_minor or 0 for line in bill.lines) == bill.total_minor - bill.net_minor
    assert sum(tax.net_minor + tax.tax_minor for tax in bill.taxes) == bill.total_minor


def test_that_unknown_tax_is_not_zero_tax() -> None:
    start = datetime(2026, 6, 1, 8, tzinfo=UTC)
    tariff = Tariff("EUR", (Element((Component(Dimension.ENERGY, Decimal("0.50")),)),))
    bill = billed(price(tariff, [Period(start, start, Decimal(10_000))], time_zone="UTC"))

    assert (bill.net_minor, bill.total_minor, bill.tax_known) == (500, 500, False)
    assert bill.taxes == ()
    assert [line.tax_minor for line in bill.lines] == [None]


def test_that_a_bill_of_net_and_gross_lines_is_never_nothing() -> None:
    """One tariff states prices with a tax that is not known, the other one without: neither total can be known."""
    start = datetime(2026, 6, 1, 8, tzinfo=UTC)
    elements = (Element((Component(Dimension.ENERGY, Decimal("0.50")),)),)
    tariffs = [
        Tariff("CAD", elements, TaxIncluded.YES, external_id="with"),
        Tariff("CAD", elements, TaxIncluded.NO, external_id="without"),
    ]
    periods = [
        Period(start, start + timedelta(hours=1), Decimal(10_000), tariff_id="with"),
        Period(start + timedelta(hours=1), start + timedelta(hours=2), Decimal(6_000), tariff_id="without"),
    ]
    report = price_by_period(tariffs, periods, time_zone="America/Toronto")
    bill = billed(report)

    assert (report.net, report.gross) == (None, None)
    assert (bill.total_minor, bill.net_minor, bill.tax_known) == (800, 800, False)
    assert [line.amount_minor for line in bill.lines] == [500, 300]


def test_that_lines_are_shares_of_the_side_that_is_billed() -> None:
    """Tax is known of one line only, so that the bill is before tax: for that line, too."""
    start = datetime(2026, 6, 1, 8, tzinfo=UTC)
    taxed, open_ = Component(Dimension.ENERGY, Decimal("0.50"), Decimal(20)), Component(Dimension.FLAT, Decimal(1))
    bill = billed(
        price(Tariff("EUR", (Element((taxed, open_)),)), [Period(start, start, Decimal(10_000))], time_zone="UTC")
    )

    assert (bill.total_minor, bill.net_minor, bill.tax_known) == (600, 600, False)
    assert {line.line.kind: line.amount_minor for line in bill.lines} == {"ENERGY": 500, "FLAT": 100}
