"""Statuses of EVSEs, any number in a few statements, with what they were until then for the history.

Stations are locked before their EVSEs, as in `upserts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from emsp import clock
from emsp.db.driver import Rows, Statement, as_array, as_json, driver_of, execute, run
from emsp.db.engine import Db
from emsp.stations import log, upserts, words
from emsp.stations.waking import waking

REMOVED = "REMOVED"

LOCK = """
    SELECT s.country_code, s.party_id, s.external_key, e.uid_key, s.id, s.longitude, s.latitude,
           e.id, e.status, e.status_as_of, e.source_updated_at
      FROM json_to_recordset(%(keys)s)
             AS k(country_code text, party_id text, external_key text, uid_key text)
      JOIN station s USING (country_code, party_id, external_key)
      JOIN evse e ON e.station_id = s.id AND e.uid_key = k.uid_key
     ORDER BY s.id FOR NO KEY UPDATE OF s, e
"""
LOCK_FREE = f"{LOCK} SKIP LOCKED"
WRITE = f"""
    WITH past AS (
        INSERT INTO status_change (evse_id, station_id, status, since, until, heard_at)
        SELECT evse_id, station_id, status, since, until, %(now)s::timestamptz
          FROM json_to_recordset(%(past)s)
            AS p(evse_id int8, station_id int8, status text, since timestamptz, until timestamptz)
    ), otherwise AS (
        UPDATE station SET updated_at = %(now)s, content_hash = ''
         WHERE id = ANY(%(changed)s::int8[]) AND content_hash <> ''
    )
    UPDATE evse SET status = r.status, status_as_of = r.as_of, source_updated_at = r.as_of,
                    removed = (r.status = '{REMOVED}')
      FROM json_to_recordset(%(said)s) AS r(id int8, status text, as_of timestamptz) WHERE evse.id = r.id
"""


class EvseKey(NamedTuple):
    """Which EVSE: the codes of its party in upper case, the ids of its station and its own folded."""

    country_code: str
    party_id: str
    external_key: str
    uid_key: str

    @classmethod
    def of(cls, country_code: str, party_id: str, location_id: str, evse_uid: str) -> EvseKey:
        """However the parts are written."""
        return cls(country_code.upper(), party_id.upper(), words.key(location_id), words.key(evse_uid))


class Outcome(Enum):
    """What became of a report: OLDER than what is stored, or MISSING: no such EVSE is there."""

    SET = "SET"
    OLDER = "OLDER"
    MISSING = "MISSING"


class _Evse:
    """An EVSE as it is stored, and becomes by the reports."""

    __slots__ = ("as_of", "id", "past", "place", "source_updated_at", "status", "was")

    def __init__(self, row: Sequence[Any]) -> None:
        self.place: tuple[int, float, float] = (row[0], row[1], row[2])
        self.id: int = row[3]
        self.was = self.status = row[4]
        self.as_of, self.source_updated_at = row[5], row[6]
        self.past: list[dict[str, Any]] = []

    @property
    def station_id(self) -> int:
        return self.place[0]

    def take(self, status: str, as_of: datetime) -> Outcome:
        """Become as reported, unless something newer is known."""
        if as_of < self.source_updated_at:
            return Outcome.OLDER
        if self.status != status:
            interval = {"status": self.status, "since": self.as_of, "until": as_of}
            self.past.append({"evse_id": self.id, "station_id": self.station_id, **interval})
        self.status, self.as_of, self.source_updated_at = status, as_of, as_of
        return Outcome.SET


class Locked:
    """EVSEs that nobody else can change until the transaction ends, and what they become."""

    def __init__(self, found: Rows) -> None:
        self._evses = {EvseKey(*row[:4]): _Evse(row[4:]) for row in found}
        self._changed: dict[int, _Evse] = {}

    def take(self, key: EvseKey, status: str, as_of: datetime) -> Outcome:
        """What becomes of a status (one of `facts.EVSE_STATUSES`) that an EVSE had at a time; `write` stores it."""
        evse = self._evses.get(key)
        if evse is None:
            return Outcome.MISSING
        outcome = evse.take(status, as_of)
        if outcome is Outcome.SET:
            self._changed[evse.id] = evse
        return outcome

    def stays(self, key: EvseKey, status: str) -> bool:
        """Whether an EVSE is there, and neither comes nor goes by a status: that would be more than a status."""
        evse = self._evses.get(key)
        return evse is not None and REMOVED not in (evse.status, status)

    async def write(self, db: Db) -> None:
        """Write what became of them, and let everybody know."""
        await run(db, *self.writing())
        come_or_gone = self._come_or_gone()
        for station_id in come_or_gone:
            await upserts.touch_station(db, station_id, clock.now())
        await log.reported(db, come_or_gone)

    def writing(self) -> list[Statement]:
        """The statements of `write`, where all EVSEs stay."""
        evses = list(self._changed.values())
        if not evses:
            return []
        changed = {evse.place for evse in evses if evse.status != evse.was}
        parameters = {
            "said": as_json([{"id": evse.id, "status": evse.status, "as_of": evse.as_of} for evse in evses]),
            "past": as_json([interval for evse in evses for interval in evse.past]),
            "changed": as_array(place[0] for place in changed),
            "now": clock.now().isoformat(),
        }
        stayed = {evse.station_id for evse in evses} - self._come_or_gone()
        noting = [log.noting(stayed, whole=False)] if stayed else []
        return [Statement(WRITE, parameters), *noting, *waking(list(changed))]

    def _come_or_gone(self) -> set[int]:
        evses = self._changed.values()
        return {evse.station_id for evse in evses if (evse.status == REMOVED) != (evse.was == REMOVED)}


async def set_status(db: Db, key: EvseKey, status: str, as_of: datetime) -> Outcome:
    """Store the status that an EVSE had at a time; what became of it."""
    found = await execute(await driver_of(db), LOCK, keys=_keys([key]))
    locked = Locked(await found.fetchall())
    outcome = locked.take(key, status, as_of)
    await locked.write(db)
    return outcome


def locking(keys: Iterable[EvseKey]) -> Statement:
    """Looks up EVSEs and locks them, but for those that somebody else writes at the moment; `Locked` takes the rows."""
    return Statement(LOCK_FREE, {"keys": _keys(keys)})


def _keys(keys: Iterable[EvseKey]) -> str:
    return as_json([key._asdict() for key in keys])
