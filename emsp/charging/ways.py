"""Over whom a charge is started where several partners publish the same charge point, and what that costs.

The partner that holds the driver's reservation; else of those that can be asked now, and that the brand lets its
drivers charge with, the ones whose agreement is preferred; of these the one that is cheapest for the driver.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from emsp.brands.network import Place, read_network, refusal
from emsp.brands.tables import Brand
from emsp.charging import ports
from emsp.charging.reservations.read import kept_free
from emsp.db.engine import Db
from emsp.partners.agreements import preferences
from emsp.pricing.quotes.quote import ToLevel, make_quote
from emsp.pricing.retail.countries import alpha_2
from emsp.pricing.tables import Quote
from emsp.stations.twins.ways import Way, ways_to


class KnownWays(NamedTuple):
    """The ways to start at a connector, and how much each partner is preferred."""

    ways: list[Way]
    preference: dict[UUID, int]


async def quote_charge(
    db: Db,
    *,
    brand: Brand,
    driver_id: UUID | None,
    connector_id: int,
    energy_wh: int | None = None,
    to_level: ToLevel | None = None,
    stay_until: datetime | None = None,
) -> Quote:
    """A price for a charge at a connector, over the way that it will be started. Raises as `make_quote` does."""
    return await make_quote(
        db,
        brand=brand,
        driver_id=driver_id,
        connector_id=connector_id,
        instead=await ways_to_take(db, brand, driver_id, connector_id),
        energy_wh=energy_wh,
        to_level=to_level,
        stay_until=stay_until,
    )


async def ways_to_take(db: Db, brand: Brand, driver_id: UUID | None, connector_id: int) -> list[int]:
    """The connectors that may be started for the one that is asked for, the one on the map first; which of them is
    for their prices to say. Empty when there is no choice."""
    ways = (await ways_to(db, [connector_id])).get(connector_id, [])
    if not ways or [way.connector_id for way in ways] == [connector_id]:
        return []
    kept = await kept_free(db, driver_id, [way.evse_id for way in ways]) if driver_id else None
    if kept is not None:
        return [way.connector_id for way in ways if way.evse_id == kept]
    near = [way for way in ways if await _is_reachable(db, way)]
    preference = await preferences(db, {way.partner_id for way in ways})
    return [way.connector_id for way in allowed_and_preferred(brand, KnownWays(near or ways[:1], preference))]


async def known_ways(db: Db, connector_ids: Collection[int]) -> dict[int, KnownWays]:
    """As far as it is the same for everybody: the ways to start at connectors, and how much each is preferred."""
    found = await ways_to(db, connector_ids)
    partner_ids = {way.partner_id for ways in found.values() if len(ways) > 1 for way in ways}
    preference = await preferences(db, partner_ids) if partner_ids else {}
    return {connector_id: KnownWays(ways, preference) for connector_id, ways in found.items()}


def allowed_and_preferred(brand: Brand, known: KnownWays) -> list[Way]:
    """Of the ways that a brand lets its drivers go those that are preferred; if it allows none, the first one, where
    they are told so."""
    allowed = [way for way in known.ways if _is_allowed(brand, way)] or known.ways[:1]
    highest = max(known.preference[way.partner_id] for way in allowed)
    return [way for way in allowed if known.preference[way.partner_id] == highest]


def _is_allowed(brand: Brand, way: Way) -> bool:
    place = Place(
        party=f"{way.country_code}*{way.party_id}",
        country=alpha_2(way.country or way.country_code),
        power_w=way.max_power_w,
    )
    return refusal(read_network(brand.network_policy), place) is None


async def _is_reachable(db: Db, way: Way) -> bool:
    return await ports.network().reachable(db, way.partner_id, way.country_code, way.party_id)
