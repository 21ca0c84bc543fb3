"""Prices as whoever asks a search brings them."""

from collections.abc import Collection
from decimal import Decimal

from emsp.stations.asking import Outlet, Prices


def prices(**per_kwh: str) -> Prices:
    """What a kilowatt-hour costs by each tariff, named in small letters; of others it is not known.

    Where there are several ways to start, the cheapest counts.
    """

    def known(outlet: Outlet) -> list[Decimal]:
        keys = (key for way in outlet.ways or (outlet,) for key in way.tariff_keys)
        return [Decimal(per_kwh[key]) for key in keys if key in per_kwh]

    async def cheapest(outlets: Collection[Outlet]) -> dict[Outlet, Decimal]:
        return {outlet: min(known(outlet)) for outlet in outlets if known(outlet)}

    return cheapest


nothing_known = prices()
