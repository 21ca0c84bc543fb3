"""What a usual charge costs at a connector or a station: to compare by."""

import asyncio
from collections.abc import Iterable
from typing import Annotated

import strawberry
from strawberry import field

from emsp.graphql.loaders import PriceKey, the
from emsp.graphql.money import Money, Price, PriceUnit, price, shown
from emsp.graphql.tariffs import MissingPriceReason
from emsp.graphql.viewer import Info
from emsp.graphql.ways import terms_of_asker, way_at
from emsp.pricing.quotes.usual import Indicative, Usual, cheapest_first
from emsp.pricing.words import explain

EnergyWh = Annotated[int, strawberry.argument(description="The energy of the charge, in watt-hours.")]
Minutes = Annotated[
    int, strawberry.argument(description="The fewest minutes that it takes, however strong the connector is.")
]


@strawberry.type(
    description="What a usual charge costs this driver, begun now: the energy at the connector's power (of alternating"
    " current at most 11 kW), in no fewer than the given minutes, leaving as it ends. It is to compare by; the bill"
    " keeps to a quote."
)
class IndicativePrice:
    total: Money | None = field(
        description="What the charge costs, with tax where it is known; null when the price is not known."
    )
    price_per_kwh: Price | None = field(
        description="The total for each kWh, to four decimals; null when the price is not known."
    )
    tax_known: bool = field(description="Whether tax is in it; otherwise it may come on top.")
    assumptions: list[str] = field(description="What was taken for granted, in sentences.")
    missing_reason: MissingPriceReason | None = field(
        description="Why the price is not known, which is not the same as free; null when it is known."
    )


async def indicative_at(info: Info, connector_id: int, usual: Usual) -> IndicativePrice:
    """What the charge costs the asker at a connector that is shown."""
    terms, way = await terms_of_asker(info), await way_at(info, connector_id)
    said = await the(info.context.loaders.indicative_prices, PriceKey(way, usual, terms))
    return _shown(said, info.context.asker.language)


async def lowest_at(info: Info, station_id: int, usual: Usual) -> IndicativePrice | None:
    """What it costs at the cheapest connector of a station; None when no price is known there."""
    loaders, terms = info.context.loaders, await terms_of_asker(info)
    evses = await loaders.evses_of_stations.load(station_id) or []
    connectors = await asyncio.gather(*(loaders.connectors_of_evses.load(evse.id or 0) for evse in evses))
    ways = await asyncio.gather(*(way_at(info, row.id or 0) for rows in connectors for row in rows or []))
    keys = [PriceKey(way, usual, terms) for way in ways]
    said = await asyncio.gather(*(the(loaders.indicative_prices, key) for key in keys))
    lowest = _lowest(said, terms.currency)
    return _shown(lowest, info.context.asker.language) if lowest else None


def _lowest(said: Iterable[Indicative], currency: str | None) -> Indicative | None:
    known = [each for each in said if each.total is not None]
    return min(known, key=lambda each: cheapest_first(each.total, currency), default=None)


def _shown(said: Indicative, language: str) -> IndicativePrice:
    total, per_kwh = said.total, said.per_kwh
    return IndicativePrice(
        total=shown(total) if total else None,
        price_per_kwh=price(per_kwh, total.currency, PriceUnit.KWH) if total and per_kwh is not None else None,
        tax_known=said.tax_known,
        assumptions=[explain.assumption_text(assumption, language) for assumption in said.assumptions],
        missing_reason=MissingPriceReason(said.missing_reason) if said.missing_reason else None,
    )
