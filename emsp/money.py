"""Whole minor units with a currency, and the one rounding of the product.

The OCPI specification leaves rounding to the parties. Ours, named `HALF_UP_PER_TOTAL`: figures keep their full
precision until a total is made, and each total (net and gross apart) is rounded once, half up, to the
currency's minor unit (ISO 4217).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

from babel.numbers import get_currency_precision, is_currency

NO_CURRENCIES = ("XXX", "XTS")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount to pay: `amount_minor` whole minor units of `currency` (ISO 4217)."""

    amount_minor: int
    currency: str

    @property
    def amount(self) -> Decimal:
        """The amount in major units, with exactly the currency's decimals."""
        return Decimal(self.amount_minor).scaleb(-exponent(self.currency))

    def __add__(self, other: Money) -> Money:
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount_minor - self._same(other), self.currency)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added")
        return other.amount_minor

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def exponent(currency: str) -> int:
    """How many decimals the currency's minor unit has: 2 for EUR, 0 for JPY."""
    return int(get_currency_precision(currency))


def is_known_currency(code: str) -> bool:
    """Whether this is a currency of ISO 4217 that can be paid in."""
    return code not in NO_CURRENCIES and bool(is_currency(code))


def round_money(amount: Decimal, currency: str) -> Money:
    """`HALF_UP_PER_TOTAL`: the total `amount` in major units, as money."""
    minor = amount.scaleb(exponent(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return Money(int(minor), currency)


def share_out(total: Money, parts: Sequence[Decimal]) -> list[int]:
    """Whole minor units for exact `parts` in major units, which sum to `total`, what the parts come to when rounded.

    Each is within one minor unit of its own, by largest remainder, however little parts of both signs leave together.
    """
    exact = [part.scaleb(exponent(total.currency)) for part in parts]
    shares = [int(value.to_integral_value(ROUND_FLOOR)) for value in exact]
    missing = total.amount_minor - sum(shares)
    by_remainder = sorted(range(len(parts)), key=lambda index: shares[index] - exact[index], reverse=missing < 0)
    for index in range(abs(missing) if parts else 0):
        shares[by_remainder[index % len(parts)]] += 1 if missing > 0 else -1
    return shares
