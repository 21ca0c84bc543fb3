"""Over whom a charge at a connector would go, for the prices that are shown before one is asked for."""

import asyncio

from emsp.charging.ways import to_take
from emsp.graphql.loaders import PriceKey, the
from emsp.graphql.viewer import Info
from emsp.pricing.quotes.usual import USUAL, cheapest_first
from emsp.pricing.retail.terms import Terms


async def way_at(info: Info, connector_id: int) -> int:
    """The connector whose price holds for the asker at the one that is shown, by a usual charge.

    What is kept free for whom is for the quote to look at.
    """
    loaders = info.context.loaders
    place = await loaders.places.load(connector_id)
    if place is None or not place.has_twins:
        return connector_id
    known = await loaders.ways_to_connectors.load(connector_id)
    if known is None or len(known.ways) < 2:
        return known.ways[0].connector_id if known and known.ways else connector_id
    ways = to_take(info.context.asker.brand, *known)
    terms = await terms_of_asker(info)
    keys = [PriceKey(way.connector_id, USUAL, terms) for way in ways]
    said = await asyncio.gather(*(the(loaders.indicative_prices, key) for key in keys))
    cheapest = min(zip(ways, said, strict=True), key=lambda each: cheapest_first(each[1].total, terms.currency))
    return cheapest[0].connector_id


async def terms_of_asker(info: Info) -> Terms:
    """By what the brand makes its price for whoever asks."""
    asker = info.context.asker
    return await the(info.context.loaders.terms, (asker.brand.id, asker.driver.id if asker.driver else None))
