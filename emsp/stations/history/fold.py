"""What was heard of charge points becomes the history of their stations, hour by hour of the week, and is forgotten."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text

from emsp import clock, logs
from emsp.db.engine import Db, transaction
from emsp.stations.history.timeline import IN_USE, Heard, count, timeline
from emsp.stations.upserts import recordset, run

SETTLED_AFTER = timedelta(hours=2)
"""By then what happened is heard; what comes later is lost to the history."""
KEPT = timedelta(days=1)
"""So long what was heard is kept for the usual delays of parties."""
AT_ONCE = 200
log = logs.log(__name__)

WAITING = text(
    "SELECT DISTINCT c.station_id FROM status_change c LEFT JOIN station_occupancy o USING (station_id)"
    " WHERE c.until <= :until AND (o.updated_at IS NULL OR c.until > o.updated_at) ORDER BY 1"
)
BEGIN = text(
    "INSERT INTO station_occupancy (station_id, occupied_s, observed_s, since, updated_at)"
    " SELECT c.station_id, array_fill(CAST(0 AS int8), ARRAY[168]), array_fill(CAST(0 AS int8), ARRAY[168]),"
    "        min(c.until), min(c.until)"
    "   FROM status_change c JOIN station s ON s.id = c.station_id"
    "  WHERE c.station_id = ANY(:ids) AND c.until <= :until GROUP BY c.station_id"
    " ON CONFLICT DO NOTHING"
)
KNOWN = text(
    "SELECT o.station_id, o.occupied_s, o.observed_s, o.updated_at, s.time_zone"
    "  FROM station_occupancy o JOIN station s ON s.id = o.station_id"
    " WHERE o.station_id = ANY(:ids) AND o.updated_at < :until FOR UPDATE OF o"
)
EVSES = text(
    "SELECT e.station_id, e.id, e.status FROM evse e"
    " WHERE e.station_id = ANY(:ids) AND NOT EXISTS"
    "       (SELECT 1 FROM evse_doubt d WHERE d.evse_id = e.id AND d.reason = 'STUCK')"
)
HEARD = text(
    "SELECT c.evse_id, c.status, c.until FROM status_change c JOIN station_occupancy o USING (station_id)"
    " WHERE c.station_id = ANY(:ids) AND c.until > o.updated_at"
)
FOLDED = {"station_id": "int8", "occupied_s": "int8[]", "observed_s": "int8[]"}
WRITE = f"""
    UPDATE station_occupancy o SET occupied_s = r.occupied_s, observed_s = r.observed_s, updated_at = :until
      FROM {recordset(FOLDED)} WHERE o.station_id = r.station_id
"""
PRUNE = text("""
    DELETE FROM status_change c USING station_occupancy o, evse e
     WHERE o.station_id = c.station_id AND e.id = c.evse_id AND c.until <= o.updated_at AND c.heard_at < :heard_before
       AND (e.status <> ALL(:in_use) OR c.status = e.status OR EXISTS (
            SELECT 1 FROM status_change n WHERE n.station_id = c.station_id AND n.evse_id = c.evse_id
               AND n.until > c.until AND n.status <> e.status))
""")
"""All but what a charge point was before it came into use: from when on it has been is told by that."""


async def fold() -> None:
    """Job: add what was heard to the hours of the week, and forget it when it is a day old.

    Each station remembers until when it was added, so that running twice adds nothing twice.
    """
    until = clock.now() - SETTLED_AFTER
    async with transaction() as db:
        waiting = list((await db.scalars(WAITING, {"until": until})).all())
    for start in range(0, len(waiting), AT_ONCE):
        async with transaction() as db:
            await _fold(db, waiting[start : start + AT_ONCE], until)
    async with transaction() as db:
        gone = await db.execute(PRUNE, {"heard_before": clock.now() - KEPT, "in_use": sorted(IN_USE)})
    log.info("history folded", stations=len(waiting), forgotten=gone.rowcount)  # type: ignore[attr-defined]


async def _fold(db: Db, station_ids: Sequence[int], until: datetime) -> None:
    ids = {"ids": list(station_ids)}
    await db.execute(BEGIN, {**ids, "until": until})
    stations = (await db.execute(KNOWN, {**ids, "until": until})).all()
    heard = defaultdict[int, list[Heard]](list)
    for evse_id, status, end in await db.execute(HEARD, ids):
        heard[evse_id].append(Heard(status, end))
    evses = defaultdict[int, list[tuple[int, str]]](list)
    for station_id, evse_id, status in await db.execute(EVSES, ids):
        evses[station_id].append((evse_id, status))
    written = [_folded(station, evses[station.station_id], heard, until) for station in stations]
    if written:
        await run(db, WRITE, written, until=until)


def _folded(
    station: Row[Any], evses: Sequence[tuple[int, str]], heard: dict[int, list[Heard]], until: datetime
) -> dict[str, Any]:
    occupied_s, observed_s = list(station.occupied_s), list(station.observed_s)
    for evse_id, status in evses:
        intervals = timeline(heard.get(evse_id, ()), status, station.updated_at, until)
        count(intervals, station.time_zone, occupied_s, observed_s)
    return {"station_id": station.station_id, "occupied_s": occupied_s, "observed_s": observed_s}
