"""What became of the charges that our drivers asked for, told to the history of the stations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import text

from emsp import clock
from emsp.charging.experience.outcomes import Charge, Outcome, outcome
from emsp.charging.lifecycle import State
from emsp.db.engine import Db, transaction
from emsp.stations.history import doubting, doubts, reliability
from emsp.stations.history.doubts import Start
from emsp.stations.history.reliability import Tried

REMEMBERED = timedelta(days=180)
APP = "APP"

CHARGES = text("""
    SELECT s.station_id, s.evse_id, s.origin, s.created_at, s.state, s.command_attempts, s.started_at, s.ended_at,
           s.stop_requested_at, s.energy_wh, f.source AS failed_by, f.plug_awaited
      FROM charging_session s LEFT JOIN LATERAL (
           SELECT (array_agg(e.source ORDER BY e.id DESC) FILTER (WHERE e.state = 'FAILED'))[1] AS source,
                  bool_or(e.state = 'AWAITING_PLUG') AS plug_awaited
             FROM session_event e WHERE e.session_id = s.id AND s.state = 'FAILED') f ON true
     WHERE s.created_at >= :since
""")


class Judged(NamedTuple):
    """A charge with its outcome."""

    station_id: int
    evse_id: int
    is_by_app: bool
    at: datetime
    outcome: Outcome


async def learn() -> None:
    """Job: how often charges that were asked for in the last half year began and went on, station by station."""
    now = clock.now()
    since, stations = now - REMEMBERED, defaultdict[int, Tried](Tried)
    async with transaction() as db:
        async for charge in _judged(db, since, now):
            tried = stations[charge.station_id]
            worked = charge.outcome is Outcome.WORKED
            if charge.is_by_app and charge.outcome in (Outcome.WORKED, Outcome.FAILED):
                tried.starts += 1
                tried.failed_starts += not worked
            if worked:
                tried.last_charge_at = max(filter(None, [tried.last_charge_at, charge.at]))
        await reliability.put(db, {id_: tried for id_, tried in stations.items() if tried.starts}, since, now)


async def doubt_what_cannot_be() -> None:
    """Job: which charge points are said to be free or in use, and cannot well be."""
    now = clock.now()
    starts = defaultdict[int, list[Start]](list)
    async with transaction() as db:
        async for charge in _judged(db, now - doubts.LOOKED_BACK, now):
            if charge.outcome in (Outcome.WORKED, Outcome.FAILED):
                starts[charge.evse_id].append(Start(charge.at, charge.outcome is Outcome.WORKED))
        await doubting.decide(db, starts, now)


async def _judged(db: Db, since: datetime, now: datetime) -> AsyncIterator[Judged]:
    async for row in await db.stream(CHARGES, {"since": since}):
        yield Judged(row.station_id, row.evse_id, row.origin == APP, row.created_at, outcome(_charge(row), now))


def _charge(row: Any) -> Charge:
    return Charge(
        state=State(row.state),
        attempts=row.command_attempts if row.origin == APP else 1,
        failed_by=row.failed_by,
        plug_awaited=bool(row.plug_awaited),
        started_at=row.started_at,
        ended_at=row.ended_at,
        stop_requested_at=row.stop_requested_at,
        energy_wh=row.energy_wh,
    )
