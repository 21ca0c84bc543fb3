"""Looking for twins: at what was just reported, and now and then at everything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

from sqlalchemy import text

from emsp import logs
from emsp.db.engine import Db, transaction
from emsp.stations.twins import keep, nameless, read
from emsp.stations.twins.rules import same_by_id

AT_ONCE = 5_000
"""So many EVSE ids, or stations, are looked at in one transaction of a look at everything."""

_ALONE = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('station twins', 0)),"
    " set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)"
)
log = logs.log(__name__)


async def match_reported(station_ids: list[int]) -> None:
    """Job: find the twins of what stands at these stations, and let go of those that are none any more."""
    async with transaction() as db:
        await match_stations(db, station_ids)


async def match_all() -> None:
    """Job: look at everything, also at what no report told of."""
    changed = sum([count async for count in looks_at_everything()])
    log.info("looked at everything for twins", changed=changed)


async def looks_at_everything() -> AsyncIterator[int]:
    """Look at everything, a part at a time, each in a transaction of its own; gives how many twins each changed."""
    async with transaction() as db:
        yield await match_stations(db, await read.broken(db))
    key = ""
    while keys := await _next_keys(key):
        key = keys[-1]
        async with transaction() as db:
            yield await _match(db, keys, [])
    station_id = 0
    while station_ids := await _next_nameless(station_id):
        station_id = station_ids[-1]
        async with transaction() as db:
            yield await match_stations(db, station_ids)


async def match_stations(db: Db, station_ids: Collection[int]) -> int:
    """Decide anew about whatever stands, or stood, at these stations; how many twins changed by it."""
    if not station_ids:
        return 0
    await db.execute(_ALONE)
    return await _match(db, await read.keys_at(db, station_ids), station_ids)


async def _next_keys(key: str) -> list[str]:
    async with transaction() as db:
        return await read.keys_after(db, key, AT_ONCE)


async def _next_nameless(station_id: int) -> list[int]:
    async with transaction() as db:
        return await read.nameless_after(db, station_id, AT_ONCE)


async def _match(db: Db, keys: Collection[str], station_ids: Collection[int]) -> int:
    """One after the other: nothing is decided on what somebody else is about to decide."""
    await db.execute(_ALONE)
    by_id = same_by_id(await read.with_keys(db, keys))
    decided = await read.evses_concerned(db, keys, station_ids)
    without_id, by_place = await nameless.match(db, station_ids, decided, by_id)
    return await keep.replace(db, decided | without_id, [*by_id, *by_place], station_ids)
