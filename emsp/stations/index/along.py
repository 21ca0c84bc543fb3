"""Which stations a route passes, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emsp.stations.asking import Along
from emsp.stations.index.boxes import Rows, rows_in
from emsp.stations.index.orders import whole_mm
from emsp.stations.routes import M_PER_DEG, Leg, pieces

if TYPE_CHECKING:
    from emsp.stations.index.columns import Segment


class Passed(NamedTuple):
    """Stations in the corridor of a route: their rows in order, how far along it they are, and how far off."""

    rows: Rows
    along_m: Any
    off_m: Any


def passed(segment: Segment, place: Along) -> Passed:
    """The rows within the corridor; of two legs that are equally near the first counts."""
    found = [_beside(segment, rows_in(segment, box), legs) for box, legs in pieces(place.path, place.corridor_m)]
    rows, along_m, off_m = (np.concatenate(columns) for columns in zip(*found, strict=True))
    order = np.lexsort((np.arange(len(rows)), off_m, rows))
    order = order[_first_of_each(rows[order])]
    order = order[off_m[order] <= place.corridor_m]
    return Passed(rows[order], along_m[order], off_m[order])


def _beside(segment: Segment, rows: Rows, legs: list[Leg]) -> Passed:
    """Of each row its nearest leg among some; the same steps as in `within`, so that figures are the same."""
    leg = {name: np.array([getattr(leg, name) for leg in legs]) for name in Leg.__struct_fields__}
    straight = segment.longitude[rows][:, None] - leg["longitude"]
    east_m = (straight - 360.0 * np.floor((straight + 180.0) / 360.0)) * leg["narrowing"] * M_PER_DEG
    north_m = (segment.latitude[rows][:, None] - leg["latitude"]) * M_PER_DEG
    share = np.clip((east_m * leg["east_m"] + north_m * leg["north_m"]) / leg["square_m2"], 0.0, 1.0)
    east_off_m, north_off_m = east_m - share * leg["east_m"], north_m - share * leg["north_m"]
    off_m = whole_mm(np.sqrt(east_off_m * east_off_m + north_off_m * north_off_m))
    along_m = whole_mm(leg["begins_m"] + share * leg["length_m"])
    each, nearest = np.arange(len(rows)), np.argmin(off_m, axis=1) if len(rows) else np.empty(0, dtype=np.int64)
    return Passed(rows, along_m[each, nearest], off_m[each, nearest])


def _first_of_each(values: Any) -> Any:
    return np.append(True, values[1:] != values[:-1]) if len(values) else np.empty(0, dtype=bool)
