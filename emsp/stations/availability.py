"""How many charge points are free, and how old that knowledge is. What is not known is never counted as free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, func, select
from sqlmodel import col

from emsp import clock
from emsp.db.engine import Db
from emsp.stations.tables import Evse

LIVE_WITHIN = timedelta(minutes=15)
RECENT_WITHIN = timedelta(hours=24)


class Freshness(StrEnum):
    """How old the newest known status is."""

    LIVE = "LIVE"
    """At most 15 minutes."""
    RECENT = "RECENT"
    """At most 24 hours."""
    STALE = "STALE"
    """More than 24 hours."""
    UNKNOWN = "UNKNOWN"
    """No status is known."""


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


def freshness(as_of: datetime | None, now: datetime) -> Freshness:
    """By the age of the newest known status."""
    if as_of is None:
        return Freshness.UNKNOWN
    if now - as_of <= LIVE_WITHIN:
        return Freshness.LIVE
    return Freshness.RECENT if now - as_of <= RECENT_WITHIN else Freshness.STALE


def counted() -> list[ColumnElement[Any]]:
    """Columns of a query over EVSEs that are not removed, in the order in which `from_columns` takes them."""
    counts = [func.count().filter(col(Evse.status).in_(statuses)).label(name) for name, statuses in STATUSES.items()]
    as_of = func.max(col(Evse.status_as_of)).filter(col(Evse.status) != "UNKNOWN")
    return [*counts, func.count().label("total"), as_of.label("as_of")]


def from_columns(values: Sequence[Any], now: datetime) -> Availability:
    """From what the columns of `counted` gave, or sums of them."""
    *counts, as_of = values
    named = {name: int(count or 0) for name, count in zip((*STATUSES, "total"), counts, strict=True)}
    return Availability(**named, as_of=as_of, freshness=freshness(as_of, now))


async def availability(db: Db, station_ids: Iterable[int]) -> dict[int, Availability]:
    """Of every station that is asked for, in one query; one without charge points has a total of 0."""
    ids = list(station_ids)
    found = await db.execute(
        select(col(Evse.station_id), *counted())
        .where(col(Evse.station_id).in_(ids), ~col(Evse.removed))
        .group_by(col(Evse.station_id))
    )
    now = clock.now()
    by_station = {station_id: from_columns(values, now) for station_id, *values in found}
    return {id_: by_station.get(id_, Availability()) for id_ in ids}
