"""Over whom a charge is started where several partners publish the same charge point, and what that costs.

The partner that holds the driver's reservation; else of those that can be asked now, and that the brand lets its
drivers charge with, the ones whose agreement is preferred; of these the one that is cheapest for the driver.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from sqlmodel import col, select

from emsp import clock
from emsp.brands.network import Place, read_network, refusal
from emsp.brands.tables import Brand
from emsp.charging import ports
from emsp.charging.ports import ToOperator
from emsp.charging.reservations.read import kept_free
from emsp.db.engine import Db
from emsp.partners.agreements import preferences
from emsp.pricing.quotes.indicative import asked_at, indicative_prices, prices_in
from emsp.pricing.quotes.quote import ToLevel, make_quote
from emsp.pricing.quotes.usual import cheapest_first
from emsp.pricing.retail.countries import alpha_2
from emsp.pricing.retail.sale import terms_of
from emsp.pricing.retail.terms import Terms
from emsp.pricing.tables import Quote
from emsp.stations.asking import Outlet, Prices
from emsp.stations.outlets import outlets_of
from emsp.stations.tables import Connector
from emsp.stations.twins.ways import Way, ways_to


class Over(Protocol):
    """A connector of a partner's, as far as it is chosen by whose it is: a `Way` or an `Outlet`."""

    @property
    def partner_id(self) -> UUID: ...
    @property
    def country_code(self) -> str: ...
    @property
    def party_id(self) -> str: ...
    @property
    def country(self) -> str | None: ...
    @property
    def max_power_w(self) -> int | None: ...


W = TypeVar("W", bound=Over)


class Partners(NamedTuple):
    """How much partners are preferred, and which of their parties can be asked now: the same for everybody."""

    preference: Mapping[UUID, int]
    within_reach: AbstractSet[ToOperator]


class KnownWays(NamedTuple):
    """The ways to start at a connector, as far as it is the same for everybody."""

    ways: list[Way]
    partners: Partners


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
    return [way.connector_id for way in to_take(brand, ways, await _known(db, ways))]


async def known_ways(db: Db, connector_ids: Collection[int]) -> dict[int, KnownWays]:
    """As far as it is the same for everybody: the ways to start at connectors, and what is known of the partners."""
    found = await ways_to(db, connector_ids)
    partners = await _known(db, [way for ways in found.values() if len(ways) > 1 for way in ways])
    return {connector_id: KnownWays(ways, partners) for connector_id, ways in found.items()}


async def evse_to_reserve(db: Db, brand: Brand, driver_id: UUID, evse_id: int) -> int:
    """Which EVSE is to be kept free for the one that is asked for: of those where that is possible and a charge may be
    started afterwards, as it would be chosen for the start. The same one where there is no choice."""
    first = select(Connector.id).where(Connector.evse_id == evse_id, ~col(Connector.removed))
    connector_id = await db.scalar(first.order_by(col(Connector.position), col(Connector.id)).limit(1))
    ways = (await ways_to(db, [connector_id])).get(connector_id, []) if connector_id else []
    able = [way for way in ways if way.can_reserve]
    if len(able) < 2:
        return able[0].evse_id if able else evse_id
    chosen = to_take(brand, able, await _known(db, able))
    return (await _cheapest(db, brand, driver_id, chosen)).evse_id


async def _cheapest(db: Db, brand: Brand, driver_id: UUID, ways: Sequence[Way]) -> Way:
    now, terms = clock.now(), await terms_of(db, brand, driver_id)
    outlets = await outlets_of(db, [way.connector_id for way in ways])
    told = await indicative_prices(await asked_at(db, set(outlets.values()), now), terms, now)
    return min(ways, key=lambda way: cheapest_first(told[outlets[way.connector_id]].total, terms.currency))


def prices_over_ways(db: Db, brand: Brand, terms: Terms, currency: str | None = None) -> Prices:
    """As `prices_in`, each the price of the way that a charge would be started over."""

    async def taken(outlets: Collection[Outlet]) -> dict[Outlet, Sequence[Outlet]]:
        partners = await _known(db, [way for outlet in outlets if len(outlet.ways) > 1 for way in outlet.ways])
        return {
            outlet: to_take(brand, outlet.ways, partners) if len(outlet.ways) > 1 else outlet.ways or (outlet,)
            for outlet in outlets
        }

    return prices_in(db, terms, currency, taken=taken)


def to_take(brand: Brand, ways: Sequence[W], partners: Partners) -> Sequence[W]:
    """Of the ways that lead anywhere now, and that a brand lets its drivers go, those that are preferred; if there is
    none, the first one, where they are told so."""
    near = [way for way in ways if _party(way) in partners.within_reach] or ways[:1]
    allowed = [way for way in near if _is_allowed(brand, way)] or near[:1]
    highest = max(partners.preference[way.partner_id] for way in allowed)
    return [way for way in allowed if partners.preference[way.partner_id] == highest]


async def _known(db: Db, ways: Iterable[Over]) -> Partners:
    parties = {_party(way) for way in ways}
    if not parties:
        return Partners({}, frozenset())
    near = await ports.network().reachable_of(db, parties)
    return Partners(await preferences(db, {party.partner_id for party in parties}), near)


def _party(way: Over) -> ToOperator:
    return ToOperator(partner_id=way.partner_id, country_code=way.country_code, party_id=way.party_id)


def _is_allowed(brand: Brand, way: Over) -> bool:
    place = Place(
        party=f"{way.country_code}*{way.party_id}",
        country=alpha_2(way.country or way.country_code),
        power_w=way.max_power_w,
    )
    return refusal(read_network(brand.network_policy), place) is None
