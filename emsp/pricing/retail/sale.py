"""By what a brand sells a charge to somebody, and where: what `retail` needs, read from the tables."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

import msgspec
from sqlmodel import col, select

from emsp.brands.tables import Brand
from emsp.db.engine import Db
from emsp.pricing.retail.conversion import ExchangeRate
from emsp.pricing.retail.plans import held_plans
from emsp.pricing.retail.rates import known_rates
from emsp.pricing.retail.terms import Place, PricePolicy, Terms
from emsp.stations.asking import Outlet
from emsp.stations.tables import Connector, Station

Asker = tuple[UUID, UUID | None]


async def terms_of(db: Db, brand: Brand, driver_id: UUID | None) -> Terms:
    """What holds for a driver of the brand at this moment; without a driver, for anybody."""
    policy = policy_of(brand)
    plan = (await held_plans(db, [driver_id], brand.time_zone)).get(driver_id) if driver_id else None
    rates: tuple[ExchangeRate, ...] = ()
    if policy.converts or (plan and plan.terms.energy_price is not None):
        rates = await known_rates(db, old_after_days=policy.exchange_rate_days)
    return Terms(policy=policy, currency=brand.currency, plan=plan, rates=rates)


async def terms_of_askers(db: Db, askers: Sequence[Asker]) -> dict[Asker, Terms]:
    """As `terms_of`, for (brand, driver) by their ids."""
    brands = await db.scalars(select(Brand).where(col(Brand.id).in_({brand_id for brand_id, _ in askers})))
    by_id = {brand.id: brand for brand in brands}
    return {asker: await terms_of(db, by_id[asker[0]], asker[1]) for asker in askers if asker[0] in by_id}


def policy_of(brand: Brand) -> PricePolicy:
    """The brand's price policy."""
    return msgspec.convert(brand.price_policy, PricePolicy, strict=False)


def place_of(connector: Connector, station: Station) -> Place:
    """A connector as a place of sale."""
    return _place(station.country, station.country_code, station.party_id, connector.max_power_w, connector.power_type)


def place_of_outlet(outlet: Outlet) -> Place:
    """Connectors that agree in all that a price depends on, as a place of sale."""
    return _place(outlet.country, outlet.country_code, outlet.party_id, outlet.max_power_w, outlet.power_type)


def _place(country: str | None, country_code: str, party_id: str, power_w: int | None, power_type: str) -> Place:
    return Place(
        country=country or country_code,
        party=f"{country_code}-{party_id}",
        power_w=None if power_w is None else Decimal(power_w),
        direct_current=None if power_type == "UNKNOWN" else power_type == "DC",
    )
