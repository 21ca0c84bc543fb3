"""Whole minor units, one rounding, and shares that sum to what is shared."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsp.money import Money, exponent, round_money, share_out

parts = st.lists(st.decimals(min_value=0, max_value=10_000, places=12), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("1.005", "EUR", 101),
        ("1.0049999", "EUR", 100),
        ("150.5", "JPY", 151),
        ("-1.005", "EUR", -101),
        ("1.0005", "KWD", 1001),
    ],
)
def test_that_a_total_is_rounded_half_up_to_the_currencys_minor_unit(amount: str, currency: str, minor: int) -> None:
    assert round_money(Decimal(amount), currency) == Money(minor, currency)


def test_that_the_amount_shows_exactly_the_currencys_decimals() -> None:
    assert [str(Money(500, "EUR").amount), str(Money(500, "JPY").amount)] == ["5.00", "500"]
    assert exponent("KWD") == 3


def test_that_currencies_are_never_added() -> None:
    with pytest.raises(ValueError, match="EUR and SEK"):
        Money(1, "EUR") + Money(1, "SEK")


@given(parts, st.integers(min_value=0, max_value=10**9))
def test_that_shares_sum_to_the_total_and_are_each_within_one_of_exact(exact: list[Decimal], total: int) -> None:
    whole = sum(exact, Decimal(0))
    shares = share_out(total, exact)
    if whole:
        assert sum(shares) == total
        for share, part in zip(shares, exact, strict=True):
            assert abs(share - part * total / whole) <= 1
