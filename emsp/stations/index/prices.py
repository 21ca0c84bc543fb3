"""What connectors cost, for whoever asks: by the few outlets that they are, not one by one."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from emsp.stations.asking import Filter, Order, Prices
from emsp.stations.conditions import UNKNOWN_LAST
from emsp.stations.demands import PER_UNIT
from emsp.stations.index import filters
from emsp.stations.index.boxes import Rows
from emsp.stations.index.orders import fitting

if TYPE_CHECKING:
    from emsp.stations.index.columns import Segment


def are_asked_for(wanted: Filter, order: Order) -> bool:
    """Whether a question is about prices."""
    return order is Order.PRICE or wanted.max_price_per_kwh is not None


async def prices_of(places: Sequence[tuple[Segment, Rows]], wanted: Filter, prices: Prices | None) -> list[Any]:
    """For each segment what its outlets cost, in ten-thousandths: those that fit, and cost no more than is asked.

    All others are UNKNOWN_LAST. Each outlet is asked for once. Raises ValueError without `prices`.
    """
    if prices is None:
        raise ValueError("a search by price needs prices")
    refs = [_outlets(segment, rows, wanted) for segment, rows in places]
    outlets = {segment.outlets[ref] for (segment, _), used in zip(places, refs, strict=True) for ref in used}
    known = await prices(outlets)
    limit, found = wanted.max_price_per_kwh, []
    for (segment, _), used in zip(places, refs, strict=True):
        column = np.full(len(segment.outlets), UNKNOWN_LAST, dtype=np.int64)
        column[used] = [_counted(known.get(segment.outlets[ref]), limit) for ref in used]
        found.append(column)
    return found


def cheap(segment: Segment, rows: Rows, wanted: Filter, prices: Any) -> Rows:
    """The rows where a connector that fits costs no more than is asked."""
    parts = filters.parts_of(segment, rows)
    evses, _ = fitting(segment, wanted, parts, prices)
    return rows[filters.any_child(evses, parts.station_of, len(rows))]


def _outlets(segment: Segment, rows: Rows, wanted: Filter) -> list[int]:
    parts = filters.parts_of(segment, rows)
    _, connectors = fitting(segment, wanted, parts, None)
    used = np.zeros(len(segment.outlets), dtype=bool)
    used[segment.outlet[parts.connectors[connectors]]] = True
    return np.flatnonzero(used).tolist()


def _counted(price: Decimal | None, limit: Decimal | None) -> int:
    if price is None or (limit is not None and price > limit):
        return UNKNOWN_LAST
    return min(int(price * PER_UNIT), UNKNOWN_LAST - 1)
