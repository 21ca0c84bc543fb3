"""Which charge points are doubted now, by what operators say and by what became of our starts.

Starts that failed are few, and `doubts` decides about them. What is said to charge for days may be every fourth charge
point of a continent, when the feed of a large operator stands still: PostgreSQL decides, and writes what is new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import col, select

from emsp.db.engine import Db
from emsp.stations.history import doubts
from emsp.stations.history.doubts import Doubt, Reason, Seen, Start
from emsp.stations.history.tables import EvseDoubt
from emsp.stations.history.timeline import IN_USE
from emsp.stations.upserts import listed, recordset, run

STUCK = """
    SELECT e.id AS evse_id, coalesce(b.until, e.status_as_of) AS since
      FROM evse e LEFT JOIN LATERAL (
           SELECT max(c.until) AS until FROM status_change c
            WHERE c.station_id = e.station_id AND c.evse_id = e.id AND c.status <> 'CHARGING') b ON true
     WHERE e.status = 'CHARGING' AND NOT e.removed AND coalesce(b.until, e.status_as_of) <= :since
       AND NOT EXISTS (SELECT 1 FROM evse_in_use u WHERE u.evse_id = e.id)
"""
"""Said to charge since then without a break, and not by a driver of ours."""
FREE = text("""
    SELECT e.id, (
           SELECT max(c.until) FROM status_change c
            WHERE c.station_id = e.station_id AND c.evse_id = e.id AND c.status = ANY(:in_use)) AS used_at
      FROM evse e WHERE e.id = ANY(:evse_ids) AND e.status = 'AVAILABLE' AND NOT e.removed
""")
DECIDED = {
    "evse_id": "int8",
    "reason": "text",
    "evidence": "int4",
    "since": "timestamptz",
    "decided_at": "timestamptz",
}
ON_CONFLICT = """
    ON CONFLICT (evse_id) DO UPDATE SET reason = excluded.reason, evidence = excluded.evidence, since = excluded.since,
       decided_at = CASE WHEN evse_doubt.reason = excluded.reason THEN evse_doubt.decided_at
                         ELSE excluded.decided_at END
"""
WRITE = f"""
    INSERT INTO evse_doubt ({listed(DECIDED)}) SELECT {listed(DECIDED)} FROM {recordset(DECIDED)}
    {ON_CONFLICT}
"""
DOUBT_STUCK = text(f"""
    WITH stuck AS MATERIALIZED ({STUCK}),
         freed AS (DELETE FROM evse_doubt d
                    WHERE d.reason = 'STUCK' AND NOT EXISTS (SELECT 1 FROM stuck s WHERE s.evse_id = d.evse_id))
    INSERT INTO evse_doubt ({listed(DECIDED)})
    SELECT s.evse_id, 'STUCK', extract(epoch FROM CAST(:now AS timestamptz) - s.since)::int4, s.since, :now FROM stuck s
     WHERE NOT EXISTS (SELECT 1 FROM evse_doubt d
                        WHERE d.evse_id = s.evse_id AND d.reason = 'STUCK' AND d.since = s.since)
    {ON_CONFLICT}
""")
NESTED_LOOPS = text("SELECT set_config('enable_nestloop', :are, true)")
FORGET = text("DELETE FROM evse_doubt WHERE evse_id = ANY(:evse_ids)")


async def decide(db: Db, starts: Mapping[int, Sequence[Start]], now: datetime) -> None:
    """Doubt what is to be doubted, and nothing else; `starts` are those of the last day, by EVSE."""
    await _doubt_stuck(db, now)
    failed = select(EvseDoubt).where(col(EvseDoubt.reason) == Reason.FAILED_STARTS)
    before = {row.evse_id: _doubt(row) for row in await db.scalars(failed)}
    seen = await _free(db, starts, before)
    decided = {id_: doubts.doubt(each, now, before.get(id_)) for id_, each in seen.items()}
    standing = {id_: found for id_, found in decided.items() if found}
    if standing:
        await run(db, WRITE, [_document(id_, found, now) for id_, found in sorted(standing.items())])
    await db.execute(FORGET, {"evse_ids": sorted(before.keys() - standing.keys())})


async def _doubt_stuck(db: Db, now: datetime) -> None:
    """Tables that have just grown look empty to PostgreSQL, which would then go through all of one for each row."""
    await db.execute(NESTED_LOOPS, {"are": "off"})
    await db.execute(DOUBT_STUCK, {"since": now - doubts.STUCK_AFTER, "now": now})
    await db.execute(NESTED_LOOPS, {"are": "on"})


async def _free(db: Db, starts: Mapping[int, Sequence[Start]], before: Mapping[int, Doubt]) -> dict[int, Seen]:
    """Only those where starts failed can be doubted."""
    failing = {id_ for id_, each in starts.items() if len(doubts.failed_in_a_row(each)) >= doubts.FAILED_IN_A_ROW}
    evse_ids = sorted(failing | before.keys())
    found = await db.execute(FREE, {"evse_ids": evse_ids, "in_use": sorted(IN_USE)})
    return {id_: Seen("AVAILABLE", used_at, tuple(starts.get(id_, ()))) for id_, used_at in found}


def _doubt(row: EvseDoubt) -> Doubt:
    return Doubt(Reason(row.reason), row.evidence, row.since)


def _document(evse_id: int, found: Doubt, now: datetime) -> dict[str, Any]:
    return {
        "evse_id": evse_id,
        "reason": found.reason.value,
        "evidence": found.evidence,
        "since": found.since,
        "decided_at": now,
    }
