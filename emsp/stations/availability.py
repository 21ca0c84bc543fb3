"""How many charge points are free, and how old that knowledge is. What is not known is never counted as free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Subquery, and_, func, select
from sqlmodel import col

from emsp import clock
from emsp.db.engine import Db
from emsp.stations.freshness import Freshness as Freshness
from emsp.stations.freshness import Usual as Usual
from emsp.stations.freshness import freshness as freshness
from emsp.stations.history.tables import PartyDelay
from emsp.stations.tables import Evse, Station
from emsp.stations.twins import shown


class Availability(msgspec.Struct, frozen=True):
    """Charge points by what they can do for a driver now; removed ones are not counted.

    `as_of` is the time of the newest status that is known, None when none is.
    """

    available: int = 0
    occupied: int = 0
    reserved: int = 0
    out_of_service: int = 0
    unknown: int = 0
    total: int = 0
    as_of: datetime | None = None
    freshness: Freshness = Freshness.UNKNOWN


STATUSES: dict[str, tuple[str, ...]] = {
    "available": ("AVAILABLE",),
    "occupied": ("CHARGING", "BLOCKED"),
    "reserved": ("RESERVED",),
    "out_of_service": ("INOPERATIVE", "OUTOFORDER", "PLANNED"),
    "unknown": ("UNKNOWN",),
}
STATUS, STATUS_AS_OF = col(Evse.status), col(Evse.status_as_of)


def counted(status: Any = STATUS, as_of: Any = STATUS_AS_OF) -> list[ColumnElement[Any]]:
    """Columns of a query over EVSEs that are shown, in the order in which `from_columns` takes them."""
    counts = [func.count().filter(status.in_(statuses)).label(name) for name, statuses in STATUSES.items()]
    newest = func.max(as_of).filter(status != "UNKNOWN")
    return [*counts, func.count().label("total"), newest.label("as_of")]


def from_columns(values: Sequence[Any], now: datetime, usual: Usual | None = None) -> Availability:
    """From what the columns of `counted` gave, or sums of them; `usual` is how soon their party tells."""
    *counts, as_of = values
    available, occupied, reserved, out_of_service, unknown, total = [int(count or 0) for count in counts]
    how_fresh = freshness(as_of, now, usual)
    return Availability(available, occupied, reserved, out_of_service, unknown, total, as_of, how_fresh)


async def availability(db: Db, station_ids: Iterable[int]) -> dict[int, Availability]:
    """Of every station that is asked for, in one query; one without charge points has a total of 0."""
    ids, now = list(station_ids), clock.now()
    evses = _shown_evses(ids)
    delay: list[Any] = [PartyDelay.median_s, PartyDelay.p95_s, PartyDelay.sample, PartyDelay.updated_at]
    found = await db.execute(
        select(evses.c.station_id, *delay, *counted(evses.c.status, evses.c.status_as_of))
        .join(Station, col(Station.id) == evses.c.station_id)
        .outerjoin(
            PartyDelay,
            and_(col(PartyDelay.country_code) == Station.country_code, col(PartyDelay.party_id) == Station.party_id),
        )
        .group_by(evses.c.station_id, *delay)
    )
    by_station = {
        station_id: from_columns(values[4:], now, Usual(*values[:4]) if values[2] else None)
        for station_id, *values in found
    }
    return {id_: by_station.get(id_, Availability()) for id_ in ids}


def _shown_evses(station_ids: list[int]) -> Subquery:
    """With the status that is shown, whoever of those that publish the charge point told it."""
    columns = (col(Evse.station_id), shown.status().label("status"), shown.status_as_of().label("status_as_of"))
    return select(*columns).where(col(Evse.station_id).in_(station_ids), shown.evse_is_shown()).subquery("evses")
