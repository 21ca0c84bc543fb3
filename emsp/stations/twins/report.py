"""What was matched and what was not, for whoever looks after the stations."""

from __future__ import annotations

from sqlalchemy import text

from emsp.db.engine import Db
from emsp.stations.twins.shown import EVSE_IS_SHOWN

_COUNTED = text(
    "SELECT t.matched_by, t.confidence_percent, count(*) AS twins, count(DISTINCT t.pin_evse_id) AS charge_points,"
    " count(DISTINCT s.station_id) AS stations_hidden FROM evse_twin t JOIN evse e ON e.id = t.evse_id"
    " LEFT JOIN station_twin s ON s.station_id = e.station_id GROUP BY 1, 2 ORDER BY 1, 2 DESC"
)
_DOUBTFUL = text(
    "SELECT min(e.evse_id) AS evse_id, count(*) AS charge_points, count(DISTINCT s.id) AS stations,"
    " array_agg(s.country_code || '*' || s.party_id || ' ' || s.external_id || ' ' || e.uid || ' ' || e.status"
    " ORDER BY e.id) AS published FROM evse e JOIN station s ON s.id = e.station_id AND s.shown"
    f" WHERE e.evse_key IS NOT NULL AND {EVSE_IS_SHOWN} GROUP BY e.evse_key HAVING count(*) > 1"
    " ORDER BY e.evse_key LIMIT :first"
)


async def counted(db: Db) -> list[dict[str, object]]:
    """How many twins there are, by how they are known and how surely, and how many stations are hidden by that."""
    return [dict(row._mapping) for row in await db.execute(_COUNTED)]


async def doubtful(db: Db, first: int) -> list[dict[str, object]]:
    """EVSE ids that several charge points on show have: too far apart to be one, or twice at one station."""
    return [dict(row._mapping) for row in await db.execute(_DOUBTFUL, {"first": first})]
