"""Whole minor units, one rounding, and shares that sum to what is shared."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsp.money import Money, exponent, round_money, share_out

parts = st.lists(st.decimals(min_value=-10_000, max_value=10_000, places=12), min_size=1, max_size=20)


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


@given(parts)
def test_that_shares_sum_to_the_rounded_total_and_are_each_within_one_of_exact(exact: list[Decimal]) -> None:
    total = round_money(sum(exact, Decimal(0)), "EUR")

    shares = share_out(total, exact)

    assert sum(shares) == total.amount_minor
    assert all(abs(share - part * 100) <= 1 for share, part in zip(shares, exact, strict=True))


def test_that_what_is_given_and_taken_stays_what_it_is_though_nothing_is_left_of_it() -> None:
    given_and_taken = [Decimal("5.445"), Decimal("-5.44")]

    assert share_out(Money(1, "EUR"), given_and_taken) == [545, -544]
    assert share_out(Money(0, "EUR"), [Decimal("5.445"), Decimal("-5.445")]) == [545, -545]
    assert share_out(Money(0, "EUR"), []) == []
