"""What is shown of the history, many stations at once: nothing where too little is known to say anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import text

from emsp.db.engine import Db
from emsp.stations.history.doubts import Reason
from emsp.stations.history.share import Share, share

SEEN_FOR_LEAST = timedelta(days=14)
"""Every hour of the week twice."""
HOURS_LEAST = 4
"""Of an hour of the week: charge points of the station, seen in it together for so many hours."""
STARTS_LEAST = 10
HOUR_S = 3600

OF_STATIONS = "(SELECT id, id AS pin_id FROM unnest(CAST(:ids AS int8[])) AS id" + (
    " UNION SELECT station_id, pin_id FROM station_twin WHERE pin_id = ANY(:ids)) p"
)
"""Stations and what they stand for on the map."""
OCCUPANCY = text(f"""
    SELECT DISTINCT ON (p.pin_id) p.pin_id, o.occupied_s, o.observed_s, o.since, o.updated_at
      FROM {OF_STATIONS} JOIN station_occupancy o ON o.station_id = p.id
     ORDER BY p.pin_id, o.updated_at - o.since DESC, o.station_id
""")
RELIABILITY = text(f"""
    SELECT p.pin_id, sum(r.starts), sum(r.failed_starts), min(r.since), max(r.last_charge_at)
      FROM {OF_STATIONS} JOIN station_reliability r ON r.station_id = p.id GROUP BY p.pin_id
""")
DOUBTS = text("""
    SELECT DISTINCT ON (1) coalesce(t.pin_evse_id, d.evse_id), d.reason, d.evidence, d.since
      FROM evse_doubt d LEFT JOIN evse_twin t ON t.evse_id = d.evse_id AND d.reason = 'FAILED_STARTS'
     WHERE d.evse_id = ANY(:ids)
        OR d.evse_id IN (SELECT evse_id FROM evse_twin WHERE pin_evse_id = ANY(:ids)) AND d.reason = 'FAILED_STARTS'
     ORDER BY 1, d.since, d.evse_id
""")
"""Starts fail at a charge point, whoever publishes it; what is said to charge for days is what one party says."""


class Occupancy(msgspec.Struct, frozen=True):
    """Which part of its charge points was in use, in each of the 168 hours of the local week from Monday 00:00 on.

    An hour of which too little was seen is None.
    """

    hours: tuple[Share | None, ...]
    since: datetime
    until: datetime


class Reliability(msgspec.Struct, frozen=True):
    """Which part of the charges that were asked for since then began, and went on; when one last did."""

    worked: Share
    since: datetime
    last_charge_at: datetime | None


class DoubtShown(msgspec.Struct, frozen=True):
    """A doubt in what is said of a charge point; see `doubts.Doubt`."""

    reason: Reason
    evidence: int
    since: datetime


async def occupancy_of(db: Db, station_ids: Sequence[int]) -> dict[int, Occupancy]:
    """Of the stations that were seen for long enough; of several that are one, by what was seen longest."""
    found = await db.execute(OCCUPANCY, {"ids": list(station_ids)})
    return {
        station_id: Occupancy(tuple(map(_hour, occupied_s, observed_s)), since, until)
        for station_id, occupied_s, observed_s, since, until in found
        if until - since >= SEEN_FOR_LEAST
    }


def _hour(occupied_s: int, observed_s: int) -> Share | None:
    """Each whole hour of a charge point counts as having been seen once."""
    return share(occupied_s / HOUR_S, observed_s / HOUR_S) if observed_s >= HOURS_LEAST * HOUR_S else None


async def reliability_of(db: Db, station_ids: Sequence[int]) -> dict[int, Reliability]:
    """Of the stations at which enough charges were asked for, whoever was asked for them."""
    found = await db.execute(RELIABILITY, {"ids": list(station_ids)})
    return {
        station_id: Reliability(share(starts - failed, starts), since, last_charge_at)
        for station_id, starts, failed, since, last_charge_at in found
        if starts >= STARTS_LEAST
    }


async def doubts_of(db: Db, evse_ids: Sequence[int]) -> dict[int, DoubtShown]:
    """Of the EVSEs that are doubted."""
    found = await db.execute(DOUBTS, {"ids": list(evse_ids)})
    return {evse_id: DoubtShown(Reason(reason), evidence, since) for evse_id, reason, evidence, since in found}
