"""Finding stations: by box, around a point, along a route, by ids, by words, and in clusters for a map seen from afar.

Answered by the index of this process where one is ready, else by PostgreSQL. What is asked and answered (`asking`)
does not show which: pages go on in either with the cursors of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from emsp import clock
from emsp.db.engine import Db
from emsp.stations import by_sql, loaders
from emsp.stations.asking import Along, Cluster, Filter, Ids, Near, Network, Order, Page, Place, Prices
from emsp.stations.clusters import clusters as clusters_by_sql
from emsp.stations.geo import Box
from emsp.stations.index import live, query
from emsp.stations.index.clusters import clusters as clusters_of
from emsp.stations.index.kept import StationIndex
from emsp.stations.index.places import search_places as places_of
from emsp.stations.index.prices import are_asked_for as prices_are_asked_for
from emsp.stations.index.records import StationRecord
from emsp.stations.tables import Station


async def find(
    db: Db,
    place: Place,
    filter: Filter | None = None,
    order: Order = Order.DISTANCE,
    first: int = 20,
    after: str | None = None,
    *,
    at: datetime | None = None,
    prices: Prices | None = None,
) -> Page:
    """The shown stations of a place that pass a filter, in an order; `at` is the time that counts as now.

    `prices` are needed by a filter and an order that ask for a price (else: ValueError). Raises Invalid for a page
    size or a cursor that cannot be.
    """
    wanted, now = filter or Filter(), at or clock.now()
    if index := await _index():
        return await query.find(index, place, wanted, order, first, after, at=now, prices=prices)
    return await by_sql.find(db, place, wanted, order, first, after, at=now, prices=prices)


async def find_at_hand(place: Place, filter: Filter, order: Order, first: int, after: str | None) -> Page | None:
    """As `find`, where that asks nothing of the database; None where it does: no index is ready, or prices count."""
    index = None if prices_are_asked_for(filter, order) else await _index()
    return await query.find(index, place, filter, order, first, after, at=clock.now()) if index else None


async def clusters(
    db: Db,
    box: Box,
    zoom: int,
    filter: Filter | None = None,
    *,
    at: datetime | None = None,
    prices: Prices | None = None,
) -> list[Cluster]:
    """Every shown station of a box that passes a filter, in clusters at the middle of their stations.

    Counts are of all charge points of those stations, none capped. `prices` are needed by a filter that asks for
    a price (else: ValueError). Raises Invalid for a zoom that cannot be.
    """
    wanted, now = filter or Filter(), at or clock.now()
    if index := await _index():
        return await clusters_of(index, box, zoom, wanted, at=now, prices=prices)
    return await clusters_by_sql(db, box, zoom, wanted, at=now, prices=prices)


async def search_places(
    db: Db, text: str, first: int = 10, after: str | None = None, *, network: Network | None = None
) -> Page:
    """Shown stations that have every word of a text in their name, address or operator, or its EVSE id.

    The station with that very EVSE id comes first, then EVSE ids that begin with the text, then names and
    cities that do. A text without a letter or a digit finds nothing. A word that nothing has is taken for a slip: in
    an index it stands for the words that are nearest to it.
    """
    if index := await _index():
        return places_of(index, text, first, after, network=network)
    return await by_sql.search_places(db, text, first, after, network=network)


async def by_ids(db: Db, ids: Sequence[int]) -> list[Station | StationRecord]:
    """Shown stations in the order of their ids; ids of others are left out."""
    if index := await _index():
        return [index.record(*place) for place in map(index.row_of, ids) if place]
    found = await loaders.stations(db, ids)
    return [found[id_] for id_ in ids if id_ in found and found[id_].shown]


async def _index() -> StationIndex | None:
    """The index of this process, when it is ready, with all that was committed until now."""
    if live.current() is None:
        return None
    await live.caught_up()
    return live.current()


__all__ = [
    "Along",
    "Box",
    "Cluster",
    "Filter",
    "Ids",
    "Near",
    "Network",
    "Order",
    "Page",
    "Place",
    "by_ids",
    "clusters",
    "find",
    "search_places",
]
