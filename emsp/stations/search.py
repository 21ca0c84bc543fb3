"""Finding stations: by box, around a point, by ids, by words, and in clusters for a map seen from afar.

Answered by PostgreSQL. What is asked and answered (`asking`) does not show it, so that another index can take over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Select, func, literal, select, tuple_
from sqlmodel import col

from emsp import clock
from emsp.db.engine import Db
from emsp.stations import conditions, loaders, wording
from emsp.stations.asking import Cluster, Cursor, Filter, Ids, Near, Order, Page, Place, Prices, checked_first
from emsp.stations.clusters import clusters
from emsp.stations.conditions import Condition
from emsp.stations.demands import look_up
from emsp.stations.geo import HALF_TURN_M, Box
from emsp.stations.tables import Station

RINGS_M = (1_000, 4_000, 16_000, 64_000, 256_000, 1_024_000, HALF_TURN_M)
BY_WORDS = "WORDS"

Hit = tuple[int, int | float, float]
"""A station's id and the two values it is sorted by."""


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
    wanted, cursor = filter or Filter(), Cursor.read(after, order)
    checked_first(first)
    demand = await look_up(db, place, wanted, order, at or clock.now(), prices)
    demands, values = conditions.matching(demand), conditions.sort_values(place, demand, order)
    hits: Sequence[Hit] = []
    for ring in _rings(place, order, cursor):
        hits = await _hits(db, [*conditions.within(ring), *demands], values, cursor, first)
        if len(hits) > first:
            break
    total = await _count(db, [*conditions.within(place), *demands])
    return await _page(db, hits, order, first, total, measured=not isinstance(place, Ids))


async def search_places(db: Db, text: str, first: int = 10, after: str | None = None) -> Page:
    """Shown stations that have every word of a text in their name, address or operator, or its EVSE id.

    The station with that very EVSE id comes first, then EVSE ids that begin with the text, then names and
    cities that do. A text without a letter or a digit finds nothing.
    """
    cursor = Cursor.read(after, BY_WORDS)
    checked_first(first)
    found = wording.matching(text)
    values = (wording.rank(text), literal(0.0))
    hits = await _hits(db, found, values, cursor, first)
    return await _page(db, hits, BY_WORDS, first, await _count(db, found), measured=False)


async def by_ids(db: Db, ids: Sequence[int]) -> list[Station]:
    """Shown stations in the order of their ids; ids of others are left out."""
    found = await loaders.stations(db, ids)
    return [found[id_] for id_ in ids if id_ in found and found[id_].shown]


def _rings(place: Place, order: Order, cursor: Cursor | None) -> Iterable[Place]:
    """What is nearest is looked for nearby first; every other question is asked of the whole place."""
    if not isinstance(place, Near) or place.radius_m is not None or order is not Order.DISTANCE:
        return [place]
    reached_m = cursor.second if cursor else 0.0
    return [replace(place, radius_m=float(ring_m)) for ring_m in RINGS_M if ring_m > reached_m]


async def _hits(
    db: Db, demands: list[Condition], values: tuple[Any, Any], cursor: Cursor | None, first: int
) -> Sequence[Hit]:
    inner = select(col(Station.id), values[0].label("first"), values[1].label("second")).where(*demands).subquery()
    key = (inner.c.first, inner.c.second, inner.c.id)
    query: Select[Any] = select(inner.c.id, inner.c.first, inner.c.second).order_by(*key).limit(first + 1)
    if cursor:
        query = query.where(tuple_(*key) > tuple_(cursor.first, cursor.second, cursor.id))
    return [(row[0], row[1], row[2]) for row in await db.execute(query)]


async def _count(db: Db, demands: list[Condition]) -> int:
    return (await db.execute(select(func.count()).select_from(Station).where(*demands))).scalar_one()


async def _page(db: Db, hits: Sequence[Hit], order: str, first: int, total: int, *, measured: bool) -> Page:
    shown = hits[:first]
    rows = await loaders.stations(db, [hit[0] for hit in shown])
    return Page(
        stations=[rows[hit[0]] for hit in shown],
        distances_m=[round(hit[2]) if measured else None for hit in shown],
        cursors=[Cursor(order, hit[1], hit[2], hit[0]).text() for hit in shown],
        total_count=total,
        has_next=len(hits) > first,
    )


__all__ = [
    "Box",
    "Cluster",
    "Filter",
    "Ids",
    "Near",
    "Order",
    "Page",
    "Place",
    "by_ids",
    "clusters",
    "find",
    "search_places",
]
