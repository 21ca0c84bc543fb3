"""What a usual charge costs at many connectors, for one driver: to show, to filter and to sort by.

These prices are to compare by, and nothing is kept of them; the bill keeps to a quote. Both are made by the same rules.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from emsp import clock
from emsp.db.engine import Db
from emsp.pricing import catalog
from emsp.pricing.quotes.usual import (
    USUAL,
    Indicative,
    Usual,
    Wholesale,
    cheapest_first,
    missing,
    price,
    to_price,
    wholesale_of,
)
from emsp.pricing.retail.conversion import factor
from emsp.pricing.retail.rates import known_rates
from emsp.pricing.retail.sale import place_of_outlet
from emsp.pricing.retail.terms import Terms
from emsp.stations.asking import Outlet, Prices

AT_ONCE = 50
"""So many prices are made before other requests have their turn."""

Asked = Mapping[Outlet, Wholesale]
Taken = Callable[[Collection[Outlet]], Awaitable[Mapping[Outlet, Sequence[Outlet]]]]
"""Of each outlet those over which a charge may go; of these the cheapest is taken."""


async def asked_at(db: Db, outlets: Collection[Outlet], at: datetime) -> Asked:
    """What operators ask at outlets at a time. One statement."""
    found = await catalog.tariffs_of_outlets(db, outlets, at)
    return {outlet: wholesale_of(said) if isinstance(said, bytes) else missing(said) for outlet, said in found.items()}


async def indicative_prices(asked: Asked, terms: Terms, at: datetime, usual: Usual = USUAL) -> dict[Outlet, Indicative]:
    """What the charge costs by these terms, where operators ask this, begun at a time."""
    prices = dict[Outlet, Indicative]()
    for number, (outlet, wholesale) in enumerate(asked.items(), 1):
        prices[outlet] = price(wholesale, terms, place_of_outlet(outlet), usual, at, outlet.time_zone)
        if not number % AT_ONCE:
            await asyncio.sleep(0)
    return prices


def prices_in(
    db: Db, terms: Terms, currency: str | None = None, at: datetime | None = None, *, taken: Taken | None = None
) -> Prices:
    """The prices that a search compares: of the usual charge, in a currency (None: that of the terms).

    What is asked in another is converted by the reference rates; where there is no rate, the price is not known.
    """

    into = currency or terms.currency or ""

    async def prices(outlets: Collection[Outlet]) -> dict[Outlet, Decimal]:
        now = at or clock.now()
        ways = await taken(outlets) if taken else {outlet: (outlet,) for outlet in outlets}
        asked = await asked_at(db, {way for some in ways.values() for way in some}, now)
        told = await indicative_prices(asked, terms, now)
        factors = await _factors(db, {said.total.currency for said in told.values() if said.total}, into)
        compared = {outlet: _compared(_cheapest(told, some, terms), factors) for outlet, some in ways.items()}
        return {outlet: per_kwh for outlet, per_kwh in compared.items() if per_kwh is not None}

    return prices


def _cheapest(told: Mapping[Outlet, Indicative], ways: Sequence[Outlet], terms: Terms) -> Indicative:
    if len(ways) == 1:
        return told[ways[0]]
    return min((told[way] for way in ways), key=lambda said: cheapest_first(said.total, terms.currency))


async def _factors(db: Db, currencies: Collection[str], into: str) -> dict[str, Decimal | None]:
    """What prices in these currencies are multiplied by; None without a rate."""
    rates = () if all(currency == into for currency in currencies) else await known_rates(db)
    return {currency: factor(currency, into, rates) for currency in currencies}


def _compared(said: Indicative, factors: Mapping[str, Decimal | None]) -> Decimal | None:
    rate = factors[said.total.currency] if said.total else None
    return None if rate is None or said.per_kwh is None else to_price(said.per_kwh * rate)
