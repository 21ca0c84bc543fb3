"""Statuses of EVSEs, any number in a few statements, with what they were until then for the history.

Stations are locked before their EVSEs, as in `upserts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row

from emsp import clock
from emsp.db.engine import Db
from emsp.stations import log, rows, upserts, words
from emsp.stations.upserts import recordset, run
from emsp.stations.waking import wake

REMOVED = "REMOVED"
EVSE = {"country_code": "text", "party_id": "text", "external_key": "text", "uid_key": "text"}
SAID = {"id": "int8", "status": "text", "as_of": "timestamptz"}

LOCK = f"""
    SELECT s.country_code, s.party_id, s.external_key, e.uid_key, s.id AS station_id, s.longitude, s.latitude,
           e.id, e.status, e.status_as_of, e.source_updated_at
      FROM {recordset(EVSE)} JOIN station s USING (country_code, party_id, external_key)
      JOIN evse e ON e.station_id = s.id AND e.uid_key = r.uid_key
     ORDER BY s.id FOR NO KEY UPDATE OF s, e
"""
WRITE = f"""
    WITH past AS (
        INSERT INTO status_change (evse_id, station_id, status, since, until, heard_at)
        SELECT evse_id, station_id, status, since, until, :now
          FROM json_to_recordset(CAST(:past AS json))
            AS p(evse_id int8, station_id int8, status text, since timestamptz, until timestamptz)
    ), otherwise AS (
        UPDATE station SET updated_at = :now, content_hash = ''
         WHERE id = ANY(:changed) AND content_hash <> ''
    )
    UPDATE evse SET status = r.status, status_as_of = r.as_of, source_updated_at = r.as_of,
                    removed = (r.status = '{REMOVED}')
      FROM {recordset(SAID)} WHERE evse.id = r.id
"""


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    """The status that an EVSE had at a time; `status` is one of `facts.EVSE_STATUSES`."""

    country_code: str
    party_id: str
    location_id: str
    evse_uid: str
    status: str
    as_of: datetime

    @property
    def station_key(self) -> rows.ReportKey:
        return rows.folded_key(self.country_code, self.party_id, self.location_id)


class Outcome(Enum):
    """What became of a report: OLDER than what is stored, or MISSING: no such EVSE is there, or to be had at once."""

    SET = "SET"
    OLDER = "OLDER"
    MISSING = "MISSING"


class _Evse:
    """An EVSE as it is stored, and becomes by the reports."""

    def __init__(self, row: Row[Any]) -> None:
        self.id, self.station_id = row.id, row.station_id
        self.place = (row.station_id, row.longitude, row.latitude)
        self.was = self.status = row.status
        self.as_of, self.source_updated_at = row.status_as_of, row.source_updated_at
        self.past: list[dict[str, Any]] = []

    def take(self, report: StatusReport) -> Outcome:
        """Become as reported, unless something newer is known."""
        if report.as_of < self.source_updated_at:
            return Outcome.OLDER
        if self.status != report.status:
            interval = {"status": self.status, "since": self.as_of, "until": report.as_of}
            self.past.append({"evse_id": self.id, "station_id": self.station_id, **interval})
        self.status, self.as_of, self.source_updated_at = report.status, report.as_of, report.as_of
        return Outcome.SET


class Taken(NamedTuple):
    """What became of reports, in their order, and what is to be written for it."""

    outcomes: list[Outcome]
    changed: list[_Evse]


async def set_statuses(db: Db, reports: Sequence[StatusReport]) -> list[Outcome]:
    """Store statuses, those of one EVSE in the order of the reports; what became of each."""
    taken = await take(db, reports)
    await write(db, taken)
    return taken.outcomes


async def take(db: Db, reports: Sequence[StatusReport], *, waiting: bool = True) -> Taken:
    """Decide what becomes of reports, and lock what is to be written.

    Without `waiting`, EVSEs and stations that somebody else writes at the moment are MISSING.
    """
    keys = [(*report.station_key, words.key(report.evse_uid)) for report in reports]
    wanted = [dict(zip(EVSE, key, strict=True)) for key in dict.fromkeys(keys)]
    found = await run(db, LOCK if waiting else f"{LOCK} SKIP LOCKED", wanted) if wanted else []
    evses = {(row.country_code, row.party_id, row.external_key, row.uid_key): _Evse(row) for row in found}
    outcomes = [
        evses[key].take(report) if key in evses else Outcome.MISSING for key, report in zip(keys, reports, strict=True)
    ]
    changed = {key: evses[key] for key, outcome in zip(keys, outcomes, strict=True) if outcome is Outcome.SET}
    return Taken(outcomes, list(changed.values()))


async def write(db: Db, taken: Taken) -> None:
    """Write what was decided, and let everybody know."""
    evses, now = taken.changed, clock.now()
    if not evses:
        return
    changed = {evse.place for evse in evses if evse.status != evse.was}
    said = [{"id": evse.id, "status": evse.status, "as_of": evse.as_of} for evse in evses]
    past = msgspec.json.encode([interval for evse in evses for interval in evse.past]).decode()
    await run(db, WRITE, said, past=past, changed=[place[0] for place in changed], now=now)
    come_or_gone = {evse.station_id for evse in evses if (evse.status == REMOVED) != (evse.was == REMOVED)}
    for station_id in come_or_gone:
        await upserts.touch_station(db, station_id, now)
    await log.reported(db, come_or_gone)
    await log.note(db, {evse.station_id for evse in evses} - come_or_gone, whole=False)
    await wake(db, list(changed))
