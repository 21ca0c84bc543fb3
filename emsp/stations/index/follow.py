"""An index is kept true: the change log tells which stations changed, and they are read again.

A position in the log is a snapshot of PostgreSQL's transactions. What changed since are the rows of transactions that
were not over then: none is missed, whatever the order in which transactions end, and none is read twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple, cast

import psycopg

from emsp import logs
from emsp.db.engine import database_url
from emsp.stations.index import codes, load
from emsp.stations.index.columns import Segment
from emsp.stations.index.kept import EvseStatus, StationIndex
from emsp.stations.index.snapshot import Standing
from emsp.stations.log import KEPT
from emsp.stations.twins import shown

log = logs.log(__name__)
CONNECT_WITHIN_S = 5
AT_ONCE = 5_000
"""So many stations are read at a time."""
REACHES_BACK_S = KEPT.total_seconds() * 0.9
"""What is older may have been pruned from the log."""

LOOK = """
    SELECT pg_current_snapshot()::text, extract(epoch FROM clock_timestamp())::float8, c.station_ids, c.whole
      FROM (SELECT 1) AS always LEFT JOIN (
        SELECT station_ids, whole FROM station_change
         WHERE transaction_id >= pg_snapshot_xmin(%(position)s::pg_snapshot)
           AND NOT pg_visible_in_snapshot(transaction_id, %(position)s::pg_snapshot)) c ON true
"""
_WORDS = ", ".join(f"'{word}'" for word in codes.STATUS_WORDS)
STATUSES = f"""
    SELECT e.id, e.station_id,
           coalesce(array_position(ARRAY[{_WORDS}]::text[], coalesce(f.status, e.status)) - 1, {codes.STATUS_UNKNOWN}),
           (extract(epoch FROM coalesce(f.status_as_of, e.status_as_of)) * 1000000)::int8,
           (extract(epoch FROM s.source_updated_at) * 1000000)::int8
      FROM evse e JOIN station s ON s.id = e.station_id
      LEFT JOIN ({shown.FRESHEST_OF.replace(":station_ids", "%(ids)s")}) f ON f.pin_evse_id = e.id
     WHERE e.station_id = ANY(%(ids)s) AND {shown.EVSE_IS_SHOWN}
"""


class TooOld(Exception):
    """The log may not reach back to where the index stands."""


class Changes(NamedTuple):
    """What changed up to a position: stations as a whole, and stations with EVSEs whose statuses did."""

    position: str
    at: float
    whole: set[int]
    statuses: set[int]


class Told(NamedTuple):
    """Stations that are not what they were."""

    station_ids: list[int]
    whole: bool


class Follower:
    """An index with the position that it is true for. `catch_up` is not called twice at a time."""

    def __init__(self, standing: Standing) -> None:
        self.index = StationIndex(standing.segment)
        self.position = standing.position
        self.made_at = self.taken_at = standing.taken_at
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def catch_up(self) -> list[Told]:
        """Let the index know all that was committed when this was called; gives what that changed.

        Raises TooOld, and psycopg.OperationalError when the database is away: then the index is as it was.
        """
        try:
            changes = await self._look()
            told = [Told(await self._take_statuses(changes.statuses - changes.whole), False)]
            told += [Told(ids, True) for ids in await self._take_whole(changes.whole)]
        except psycopg.OperationalError:
            await self._hang_up()
            raise
        self.position, self.taken_at = changes.position, changes.at
        return [one for one in told if one.station_ids]

    async def close(self) -> None:
        """Search it no more."""
        self.index.close()
        await self._hang_up()

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            await connection.close()

    async def _look(self) -> Changes:
        rows = await self._rows(LOOK, position=self.position)
        position, at = rows[0][:2]
        if at - self.taken_at > REACHES_BACK_S:
            raise TooOld(f"the index is {at - self.taken_at:.0f} s old")
        whole, statuses = set[int](), set[int]()
        for _, _, station_ids, is_whole in rows:
            (whole if is_whole else statuses).update(station_ids or ())
        return Changes(position, at, whole, statuses)

    async def _rows(self, statement: str, **arguments: Any) -> list[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                database_url(), autocommit=True, connect_timeout=CONNECT_WITHIN_S
            )
        found = await self._connection.execute(cast(Any, statement), arguments)
        return await found.fetchall()

    async def _take_statuses(self, ids: set[int]) -> list[int]:
        changed: list[int] = []
        for some in _bunches(ids):
            found = await self._rows(STATUSES, ids=some)
            changed += self.index.set_statuses([EvseStatus(*row) for row in found])
        return changed

    async def _take_whole(self, ids: set[int]) -> list[list[int]]:
        bunches = _bunches(ids)
        for some in bunches:
            self.index.next_generation()
            self.index.replace(some, await asyncio.to_thread(self._read, some))
        return bunches

    def _read(self, ids: list[int]) -> tuple[Segment, ...]:
        with load.connect() as connection:
            fresh = load.read(connection, self.index.segments[0].books, ids, version=self.index.generation).segment
        return self.index.prepared(fresh, ids)


def _bunches(ids: Iterable[int]) -> list[list[int]]:
    ordered = sorted(ids)
    return [ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE)]
