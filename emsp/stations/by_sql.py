"""Finding stations in PostgreSQL: where no index of this process is ready, and to hold one against."""

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
from emsp.stations.asking import (
    BY_WORDS,
    Along,
    Cursor,
    Cursors,
    Filter,
    Ids,
    Near,
    Network,
    Order,
    Page,
    Place,
    Prices,
    checked_first,
    on_route,
)
from emsp.stations.demands import look_up
from emsp.stations.geo import HALF_TURN_M
from emsp.stations.tables import Station
from emsp.stations.within import Condition, along, within

RINGS_M = (1_000, 4_000, 16_000, 64_000, 256_000, 1_024_000, HALF_TURN_M)

Hit = tuple[int, int | float, float, float | None]
"""A station's id, the two values it is sorted by, and how far it is off the path that was asked for."""


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
    """As `search.find`."""
    wanted, cursor = filter or Filter(), Cursor.read(after, order)
    checked_first(first)
    demand = await look_up(db, place, wanted, order, at or clock.now(), prices)
    demands, values = conditions.matching(demand), conditions.sort_values(place, demand, order)
    off_m = along(place).off_m if isinstance(place, Along) else literal(None)
    hits: Sequence[Hit] = []
    for ring in _rings(place, order, cursor):
        hits = await _hits(db, [*within(ring), *demands], (*values, off_m), cursor, first)
        if len(hits) > first:
            break
    total = await _count(db, [*within(place), *demands])
    return await _page(db, hits, order, first, total, place)


async def search_places(
    db: Db, text: str, first: int = 10, after: str | None = None, *, network: Network | None = None
) -> Page:
    """As `search.search_places`, but for typos, which find nothing here."""
    cursor = Cursor.read(after, BY_WORDS)
    checked_first(first)
    found = [*wording.matching(text), *conditions.matching(conditions.Demand(Filter(network=network)))]
    values = (wording.rank(text), literal(0.0), literal(None))
    hits = await _hits(db, found, values, cursor, first)
    return await _page(db, hits, BY_WORDS, first, await _count(db, found), None)


def _rings(place: Place, order: Order, cursor: Cursor | None) -> Iterable[Place]:
    """What is nearest is looked for nearby first; every other question is asked of the whole place."""
    if not isinstance(place, Near) or place.radius_m is not None or order is not Order.DISTANCE:
        return [place]
    reached_m = cursor.second if cursor else 0.0
    return [replace(place, radius_m=float(ring_m)) for ring_m in RINGS_M if ring_m > reached_m]


async def _hits(
    db: Db, demands: list[Condition], values: tuple[Any, Any, Any], cursor: Cursor | None, first: int
) -> Sequence[Hit]:
    named = (value.label(name) for value, name in zip(values, ("first", "second", "off_m"), strict=True))
    inner = select(col(Station.id), *named).where(*demands).subquery()
    key = (inner.c.first, inner.c.second, inner.c.id)
    query: Select[Any] = select(inner.c.id, inner.c.first, inner.c.second, inner.c.off_m)
    query = query.order_by(*key).limit(first + 1)
    if cursor:
        query = query.where(tuple_(*key) > tuple_(cursor.first, cursor.second, cursor.id))
    return [(row[0], row[1], row[2], row[3]) for row in await db.execute(query)]


async def _count(db: Db, demands: list[Condition]) -> int:
    return (await db.execute(select(func.count()).select_from(Station).where(*demands))).scalar_one()


async def _page(db: Db, hits: Sequence[Hit], order: str, first: int, total: int, place: Place | None) -> Page:
    shown = hits[:first]
    rows = await loaders.stations(db, [hit[0] for hit in shown])
    measured = place is not None and not isinstance(place, Ids | Along)
    return Page(
        stations=[rows[hit[0]] for hit in shown],
        distances_m=[round(hit[2]) if measured else None for hit in shown],
        on_route=[on_route(hit[2], hit[3]) for hit in shown],
        cursors=Cursors(order, [hit[1] for hit in shown], [hit[2] for hit in shown], [hit[0] for hit in shown]),
        total_count=total,
        has_next=len(hits) > first,
    )
