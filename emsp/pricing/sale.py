"""By what a brand sells a charge to somebody, and where: what `retail` needs, read from the tables."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import msgspec

from emsp.brands.tables import Brand
from emsp.db.engine import Db
from emsp.pricing.retail import Place, PricePolicy, Terms
from emsp.stations.tables import Connector, Station


async def terms_of(db: Db, brand: Brand, driver_id: UUID | None) -> Terms:
    """What holds for a driver of the brand at this moment; without a driver, for anybody."""
    return Terms(policy=policy_of(brand), currency=brand.currency)


def policy_of(brand: Brand) -> PricePolicy:
    """The brand's price policy."""
    return msgspec.convert(brand.price_policy, PricePolicy, strict=False)


def place_of(connector: Connector, station: Station) -> Place:
    """A connector as a place of sale."""
    return Place(
        country=station.country or station.country_code,
        party=f"{station.country_code}-{station.party_id}",
        power_w=None if connector.max_power_w is None else Decimal(connector.max_power_w),
        direct_current=None if connector.power_type == "UNKNOWN" else connector.power_type == "DC",
    )
