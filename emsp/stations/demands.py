"""What a filter and an order ask that no row tells by itself: opening hours are read, prices are asked for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from emsp.db.engine import Db
from emsp.stations.asking import Filter, Order, Place, Prices
from emsp.stations.conditions import UNKNOWN_LAST, Demand, fitting
from emsp.stations.opening import open_at
from emsp.stations.outlets import connectors_by_outlet
from emsp.stations.tables import Station
from emsp.stations.within import within

PER_UNIT = 10_000


async def look_up(
    db: Db, place: Place, wanted: Filter, order: Order, at: datetime, prices: Prices | None = None
) -> Demand:
    """The filter with what must be known of the stations of the place at a time.

    Raises ValueError when a price is asked for and no prices came with the question.
    """
    open_ids = await _open(db, place, at) if wanted.open_now else []
    if order is not Order.PRICE and wanted.max_price_per_kwh is None:
        return Demand(wanted, open_ids)
    if prices is None:
        raise ValueError("a search by price needs prices")
    return await _with_prices(db, place, Demand(wanted, open_ids), prices)


async def _open(db: Db, place: Place, at: datetime) -> list[int]:
    columns = (col(Station.id), col(Station.time_zone), col(Station.twenty_four_seven), col(Station.opening_hours))
    query = select(*columns).where(*within(place), col(Station.opening_hours).is_not(None))
    return [id_ for id_, *hours in await db.execute(query) if open_at(at, *hours)]


async def _with_prices(db: Db, place: Place, demand: Demand, prices: Prices) -> Demand:
    wanted = demand.filter
    groups = await connectors_by_outlet(db, [*within(place), *fitting(wanted, demand.open_ids)])
    known = await prices([group.outlet for group in groups])
    limit = wanted.max_price_per_kwh
    cheap_ids: list[int] = []
    cheapest: dict[int, int] = {}
    for outlet, ids, station_ids in groups:
        price = known.get(outlet)
        if price is None or (limit is not None and price > limit):
            continue
        cheap_ids += ids
        _lower(cheapest, station_ids, min(int(price * PER_UNIT), UNKNOWN_LAST - 1))
    return demand._replace(cheap_ids=cheap_ids, cheapest=cheapest)


def _lower(cheapest: dict[int, int], station_ids: Iterable[int], price: int) -> None:
    for station_id in station_ids:
        if cheapest.get(station_id, UNKNOWN_LAST) > price:
            cheapest[station_id] = price
