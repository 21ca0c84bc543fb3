"""The most that a brand holds on a card, in the currency of a charge."""

from __future__ import annotations

from emsp.brands.tables import Brand
from emsp.db.engine import Db
from emsp.money import Money, round_money
from emsp.pricing.retail.conversion import factor
from emsp.pricing.retail.rates import known_rates


async def largest_hold(db: Db, brand: Brand, currency: str) -> Money:
    """The brand's largest hold; the same figure in a currency whose exchange rate is not known."""
    largest = Money(brand.hold_cap_minor, brand.currency)
    if currency == brand.currency:
        return largest
    rate = factor(brand.currency, currency, await known_rates(db))
    return round_money(largest.amount * rate, currency) if rate else Money(brand.hold_cap_minor, currency)
