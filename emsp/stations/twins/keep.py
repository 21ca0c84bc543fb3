"""Twins as they are kept: what was decided replaces what was, and whoever keeps a copy of the stations is told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec
from sqlalchemy import text

from emsp import clock
from emsp.db.engine import Db
from emsp.stations import log, waking
from emsp.stations.twins.rules import Twin
from emsp.stations.upserts import recordset, run

TWIN = {"evse_id": "int8", "pin_evse_id": "int8", "matched_by": "text", "confidence_percent": "int4"}

_KEPT = text(
    "SELECT evse_id, pin_evse_id, matched_by, confidence_percent FROM evse_twin WHERE evse_id = ANY(:ids)"
    " OR pin_evse_id = ANY(:ids)"
)
_PUT = f"""
    INSERT INTO evse_twin (evse_id, pin_evse_id, matched_by, confidence_percent, decided_at)
    SELECT evse_id, pin_evse_id, matched_by, confidence_percent, :now FROM {recordset(TWIN)} ORDER BY evse_id
    ON CONFLICT (evse_id) DO UPDATE SET pin_evse_id = excluded.pin_evse_id, matched_by = excluded.matched_by,
       confidence_percent = excluded.confidence_percent, decided_at = excluded.decided_at
"""
_HIDDEN = """
    SELECT e.station_id, mode() WITHIN GROUP (ORDER BY p.station_id) AS pin_id
      FROM evse e JOIN station s ON s.id = e.station_id AND s.shown
      LEFT JOIN evse_twin t ON t.evse_id = e.id LEFT JOIN evse p ON p.id = t.pin_evse_id
     WHERE e.station_id = ANY(:ids) AND NOT e.removed GROUP BY e.station_id HAVING count(*) = count(t.evse_id)
"""
_HIDE = text(f"""
    INSERT INTO station_twin (station_id, pin_id, decided_at) SELECT station_id, pin_id, :now FROM ({_HIDDEN}) h
    ORDER BY station_id ON CONFLICT (station_id)
    DO UPDATE SET pin_id = excluded.pin_id, decided_at = excluded.decided_at
    WHERE station_twin.pin_id <> excluded.pin_id
    RETURNING station_id, pin_id
""")
_SHOW = text(f"""
    DELETE FROM station_twin WHERE station_id = ANY(:ids) AND station_id NOT IN (SELECT station_id FROM ({_HIDDEN}) h)
    RETURNING station_id, pin_id
""")


_TOLD = text("SELECT id, longitude, latitude FROM station WHERE id = ANY(:ids) ORDER BY id")


async def replace(db: Db, decided: Collection[int], twins: Iterable[Twin], station_ids: Collection[int] = ()) -> int:
    """Of the charge points `decided` about, exactly `twins` are some; how many are new, of another pin, or none now.

    What was matched with one that is no pin any more is let go of too. A station all of whose charge points are twins
    is hidden behind its pin, which is looked at for `station_ids` as well.
    """
    wanted = {twin.evse_id: twin for twin in twins}
    kept = {row[0]: Twin(*row) for row in await db.execute(_KEPT, {"ids": list(decided)})}
    gone = _gone(kept.values(), frozenset(decided), wanted)
    new = [twin for twin in wanted.values() if kept.get(twin.evse_id) != twin]
    before = [kept[twin.evse_id] for twin in new if twin.evse_id in kept]
    concerned = await _stations_of(db, [*gone, *new, *before])
    await _lock(db, {*station_ids, *concerned})
    await _delete(db, gone)
    await _put(db, new)
    await _tell(db, {*concerned, *await _hide_and_show(db, {*station_ids, *concerned})})
    return len(gone) + len(new)


def _gone(kept: Iterable[Twin], decided: frozenset[int], wanted: Mapping[int, Twin]) -> list[Twin]:
    return [
        twin for twin in kept if (twin.evse_id not in wanted if twin.evse_id in decided else twin.pin_evse_id in wanted)
    ]


async def _stations_of(db: Db, twins: Iterable[Twin]) -> set[int]:
    evse_ids = {evse_id for twin in twins for evse_id in (twin.evse_id, twin.pin_evse_id)}
    query = text("SELECT DISTINCT station_id FROM evse WHERE id = ANY(:ids)")
    return set((await db.execute(query, {"ids": list(evse_ids)})).scalars()) if evse_ids else set()


async def _lock(db: Db, station_ids: Collection[int]) -> None:
    """In the order in which reports lock them, so that neither waits for the other for ever."""
    query = text("SELECT 1 FROM station WHERE id = ANY(:ids) ORDER BY id FOR KEY SHARE")
    await db.execute(query, {"ids": list(station_ids)})


async def _delete(db: Db, twins: Collection[Twin]) -> None:
    if twins:
        query = text("DELETE FROM evse_twin WHERE evse_id = ANY(:ids)")
        await db.execute(query, {"ids": [twin.evse_id for twin in twins]})


async def _put(db: Db, twins: Collection[Twin]) -> None:
    if twins:
        await run(db, _PUT, [msgspec.structs.asdict(twin) for twin in twins], now=clock.now())


async def _hide_and_show(db: Db, station_ids: Collection[int]) -> set[int]:
    """Which stations are shown again or no longer, and the pins of those."""
    ids = {"ids": list(station_ids)}
    shown = (await db.execute(_SHOW, ids)).all()
    hidden = (await db.execute(_HIDE, {**ids, "now": clock.now()})).all()
    return {id_ for row in (*shown, *hidden) for id_ in row}


async def _tell(db: Db, station_ids: Collection[int]) -> None:
    await log.note(db, station_ids, whole=True)
    if station_ids:
        found = await db.execute(_TOLD, {"ids": list(station_ids)})
        await waking.wake(db, [(row.id, row.longitude, row.latitude) for row in found])
