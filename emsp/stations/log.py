"""The change log of the stations: every transaction that writes some notes which, and wakes whoever keeps a copy."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import timedelta

import msgspec
from sqlalchemy import text

from emsp import events
from emsp.db.driver import Statement, as_array, run
from emsp.db.engine import Db, transaction
from emsp.hearing import CHANNEL
from emsp.stations.happened import StationsReported
from emsp.stations.twins.shown import PIN_STATIONS

TOPIC = "station_change"
"""Woken by every note, whatever it is about; what changed is in the log."""
HERE_FOR_S = 1.0
"""So long after a note of this process, its transaction may be about to commit or just have."""
KEPT = timedelta(days=1)
MOST_IN_AN_EVENT = 2_000
_WAKE = msgspec.json.encode({"topic": TOPIC, "ids": []}).decode()

_NOTE = f"""
    WITH changed AS (SELECT unnest(%(station_ids)s::int8[]) AS station_id UNION {PIN_STATIONS}),
         noted AS (
        INSERT INTO station_change (station_ids, whole)
        SELECT array_agg(station_id ORDER BY station_id), %(whole)s::boolean FROM changed
    )
    SELECT pg_notify(%(channel)s, %(wake)s)
"""
_PRUNE = text("DELETE FROM station_change WHERE created_at < now() - CAST(:kept AS interval)")


_noted_at = -HERE_FOR_S


def was_noted_here() -> bool:
    """Whether this process noted something a moment ago, which it may be asked about before it is told of it."""
    return time.monotonic() - _noted_at < HERE_FOR_S


async def note(db: Db, station_ids: Collection[int], whole: bool) -> None:
    """Note that this transaction changed these stations; not `whole` where only statuses of EVSEs and their times did.

    Called by whoever writes rows of stations, EVSEs or connectors, in the same transaction. Those that stand for one
    of them on the map are noted with them.
    """
    if station_ids:
        await db.flush()
        await run(db, noting(station_ids, whole))


def noting(station_ids: Collection[int], whole: bool) -> Statement:
    """The statement of `note`."""
    global _noted_at
    _noted_at = time.monotonic()
    ids = as_array(station_ids)
    return Statement(_NOTE, {"station_ids": ids, "whole": str(whole), "channel": CHANNEL, "wake": _WAKE})


async def reported(db: Db, station_ids: Collection[int]) -> None:
    """Note that stations were written whole, and let follow what follows from that."""
    await note(db, station_ids, whole=True)
    ids = sorted(set(station_ids))
    for start in range(0, len(ids), MOST_IN_AN_EVENT):
        await events.emit(db, StationsReported(station_ids=ids[start : start + MOST_IN_AN_EVENT]))


async def prune() -> None:
    """Job: what was noted more than a day ago is known everywhere, or is read anew."""
    async with transaction() as db:
        await db.execute(_PRUNE, {"kept": KEPT})
