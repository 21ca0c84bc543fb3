"""Prices as whoever asks a search brings them."""

from collections.abc import Collection
from decimal import Decimal

from emsp.stations.asking import Outlet, Prices


def prices(**per_kwh: str) -> Prices:
    """What a kilowatt-hour costs by each tariff, named in small letters; of others it is not known."""

    async def known(outlets: Collection[Outlet]) -> dict[Outlet, Decimal]:
        named = ((outlet, key) for outlet in outlets for key in outlet.tariff_keys)
        return {outlet: Decimal(per_kwh[key]) for outlet, key in named if key in per_kwh}

    return known


nothing_known = prices()
