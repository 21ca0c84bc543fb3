"""Stations that a partner no longer has: not shown any more, kept for the charges that happened there."""

from __future__ import annotations

from collections.abc import Iterable

from emsp import clock
from emsp.db.engine import Db
from emsp.stations import log, upserts, waking
from emsp.stations.rows import folded_key

KEY = {"country_code": "text", "party_id": "text", "external_key": "text"}

WITHDRAW = f"""
    WITH gone AS (
        SELECT s.id FROM station s JOIN {upserts.recordset(KEY)} USING (country_code, party_id, external_key)
         WHERE s.shown OR s.content_hash <> '' ORDER BY s.id FOR UPDATE OF s
    )
    UPDATE station SET shown = false, content_hash = '', source_updated_at = to_timestamp(0), updated_at = :now
      FROM gone WHERE station.id = gone.id
    RETURNING station.id, station.longitude, station.latitude
"""


async def withdraw_stations(db: Db, stations: Iterable[tuple[str, str, str]]) -> int:
    """Show stations no longer, given by country code, party id and the partner's id; how many were there.

    Whatever is reported of one later, be it what was known, is taken as new.
    """
    rows = [dict(zip(KEY, folded_key(*station), strict=True)) for station in stations]
    found = await upserts.run(db, WITHDRAW, rows, now=clock.now())
    withdrawn = [(row.id, row.longitude, row.latitude) for row in found]
    await log.reported(db, [row[0] for row in withdrawn])
    await waking.wake(db, withdrawn)
    return len(withdrawn)
