"""How soon parties tell of what changed at their charge points."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select, text

from emsp import clock
from emsp.db.engine import Db, transaction
from emsp.stations.freshness import Usual
from emsp.stations.history.tables import PartyDelay

OVER = timedelta(days=1)
PartyKey = tuple[str, str]
"""Country code and party id."""

MEASURE = text("""
    INSERT INTO party_delay (country_code, party_id, sample, median_s, p95_s, updated_at)
    SELECT s.country_code, s.party_id, count(*),
           percentile_disc(0.5) WITHIN GROUP (ORDER BY d.delay_s),
           percentile_disc(0.95) WITHIN GROUP (ORDER BY d.delay_s), max(d.heard_at)
      FROM (SELECT station_id, heard_at, greatest(0, extract(epoch FROM heard_at - until))::int AS delay_s
              FROM status_change WHERE heard_at > :since AND heard_at <> until) d
      JOIN station s ON s.id = d.station_id
     GROUP BY s.country_code, s.party_id
    ON CONFLICT (country_code, party_id) DO UPDATE SET sample = excluded.sample, median_s = excluded.median_s,
           p95_s = excluded.p95_s, updated_at = excluded.updated_at
""")
"""A clock that is ahead tells of what is to come: that is no delay. What ends as we hear of it, we ended ourselves."""

_known: Mapping[PartyKey, Usual] = {}


async def measure_delays() -> None:
    """Job: how soon each party told of the changes of the last day; one that told of none keeps what was known."""
    async with transaction() as db:
        await db.execute(MEASURE, {"since": clock.now() - OVER})


async def usual_delays(db: Db) -> Mapping[PartyKey, Usual]:
    """Of every party of which it is known, remembered for `known`."""
    global _known
    found = await db.scalars(select(PartyDelay))
    _known = {
        (row.country_code, row.party_id): Usual(row.median_s, row.p95_s, row.sample, row.updated_at) for row in found
    }
    return _known


def known() -> Mapping[PartyKey, Usual]:
    """What this process last read."""
    return _known
