"""What scalars look like, and what is understood when an app sends one."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError

from emsp.graphql.scalars import SCALARS, CurrencyCode

MOMENT, NUMBER, CURRENCY = SCALARS[datetime], SCALARS[Decimal], SCALARS[CurrencyCode]


def test_that_a_moment_is_written_in_utc_with_z() -> None:
    amsterdam = timezone(timedelta(hours=2))
    assert MOMENT.serialize(datetime(2026, 6, 2, 20, 30, tzinfo=amsterdam)) == "2026-06-02T18:30:00Z"
    assert MOMENT.serialize(datetime(2026, 6, 2, 18, 30, 0, 250_000, tzinfo=UTC)) == "2026-06-02T18:30:00.250Z"


@pytest.mark.parametrize("text", ["2026-06-02T18:30:00Z", "2026-06-02T20:30:00+02:00", "2026-06-02T14:30:00-04:00"])
def test_that_a_moment_with_any_offset_is_understood(text: str) -> None:
    assert MOMENT.parse_value(text) == datetime(2026, 6, 2, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize("given", ["2026-06-02T18:30:00", "2026-06-02", "soon", "", 1780425000, 1.5, True, None])
def test_that_a_moment_without_an_offset_is_refused(given: Any) -> None:
    with pytest.raises(GraphQLError):
        MOMENT.parse_value(given)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_that_a_moment_outside_of_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(GraphQLError, match="out of range"):
        MOMENT.parse_value(text)


def test_that_a_decimal_is_written_as_text_with_all_its_digits() -> None:
    assert NUMBER.serialize(Decimal("4.10")) == "4.10"
    assert NUMBER.serialize(Decimal("0.000000000001")) == "0.000000000001"
    assert NUMBER.serialize(Decimal("1E+3")) == "1000"


def test_that_a_decimal_is_read_from_text_and_whole_numbers() -> None:
    assert NUMBER.parse_value("0.1") + NUMBER.parse_value("0.2") == Decimal("0.3")
    assert NUMBER.parse_value(12) == Decimal(12)


@pytest.mark.parametrize("given", [0.1, True, "NaN", "Infinity", "1e9", "1e999999999", "1,5", " 1", "", None, "9" * 40])
def test_that_a_decimal_is_never_read_from_a_float_or_a_fancy(given: Any) -> None:
    with pytest.raises(GraphQLError, match="written as text"):
        NUMBER.parse_value(given)


@pytest.mark.parametrize("given", ["eur", "EURO", "", 5, None])
def test_that_a_currency_is_three_capital_letters(given: Any) -> None:
    with pytest.raises(GraphQLError):
        CURRENCY.parse_value(given)
