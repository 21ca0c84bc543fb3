"""Charge points at which drivers of ours charge: their statuses are kept true by that (`override` has the rules)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, text

from emsp import clock
from emsp.db.engine import Db
from emsp.stations import log
from emsp.stations.history import override
from emsp.stations.history.override import Kept, Word
from emsp.stations.history.tables import EvseInUse
from emsp.stations.upserts import listed, recordset, run
from emsp.stations.waking import wake

ALONE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('charge points in use', 0))")
LOCK = text(
    "SELECT id FROM station WHERE id IN (SELECT station_id FROM evse WHERE id = ANY(:evse_ids))"
    " ORDER BY id FOR NO KEY UPDATE"
)
EVSES = text(
    "SELECT e.id, e.station_id, e.status, e.status_as_of, s.longitude, s.latitude"
    "  FROM evse e JOIN station s ON s.id = e.station_id WHERE e.id = ANY(:evse_ids) AND NOT e.removed"
)
SAID = {"id": "int8", "status": "text", "as_of": "timestamptz", "told_at": "timestamptz"}
SAY = f"""
    WITH past AS (
        INSERT INTO status_change (evse_id, station_id, status, since, until, heard_at)
        SELECT e.id, e.station_id, e.status, e.status_as_of, r.told_at, :now
          FROM {recordset(SAID)} JOIN evse e ON e.id = r.id WHERE e.status <> r.status
    ), otherwise AS (
        UPDATE station SET updated_at = :now, content_hash = ''
         WHERE id IN (SELECT e.station_id FROM {recordset(SAID)} JOIN evse e ON e.id = r.id)
    )
    UPDATE evse SET status = r.status, status_as_of = r.as_of, source_updated_at = r.as_of
      FROM {recordset(SAID)} WHERE evse.id = r.id
"""
KEPT = {
    "evse_id": "int8",
    "charge_id": "uuid",
    "said_status": "text",
    "said_as_of": "timestamptz",
    "heard_at": "timestamptz",
    "since": "timestamptz",
}
KEEP = f"""
    INSERT INTO evse_in_use ({listed(KEPT)}) SELECT {listed(KEPT)} FROM {recordset(KEPT)}
    ON CONFLICT (evse_id) DO UPDATE SET {", ".join(f"{column} = excluded.{column}" for column in KEPT)}
"""
FORGET = text("DELETE FROM evse_in_use WHERE evse_id = ANY(:evse_ids)")


class Running(msgspec.Struct, frozen=True):
    """A charge that runs at a charge point since `since`; its operator last told of it at `heard_at`."""

    charge_id: UUID
    evse_id: int
    since: datetime
    heard_at: datetime


class _Step(NamedTuple):
    """What is to stand at an EVSE, and to be kept beside it while a charge runs."""

    evse: Row[Any]
    word: Word
    charge: Running | None
    kept: Kept | None


async def follow(db: Db, running: Iterable[Running]) -> None:
    """`running` are all charges of our drivers that run now: their charge points are in use, and others no longer.

    Nothing happens while somebody else does the same. Only stations where something changes are locked.
    """
    if not await db.scalar(ALONE):
        return
    charges = {charge.evse_id: charge for charge in sorted(running, key=lambda charge: charge.heard_at)}
    kept = {row.evse_id: _kept(row) for row in await db.scalars(select(EvseInUse))}
    now = clock.now()
    steps = await _steps(db, charges.keys() | kept.keys(), charges, kept, now)
    if steps:
        concerned = [step.evse.id for step in steps]
        await db.execute(LOCK, {"evse_ids": concerned})
        await _take(db, await _steps(db, concerned, charges, kept, now), now)
    if over := sorted(kept.keys() - charges.keys()):
        await db.execute(FORGET, {"evse_ids": over})


async def _steps(
    db: Db, evse_ids: Collection[int], charges: Mapping[int, Running], kept: Mapping[int, Kept], now: datetime
) -> list[_Step]:
    """Where something changes."""
    steps = []
    for evse in await db.execute(EVSES, {"evse_ids": sorted(evse_ids)}) if evse_ids else ():
        stands, charge, before = Word(evse.status, evse.status_as_of), charges.get(evse.id), kept.get(evse.id)
        if charge:
            word, after = override.runs(stands, before, min(charge.heard_at, now), now)
            if (word, after) != (stands, before):
                steps.append(_Step(evse, word, charge, after))
        elif before and (word := override.is_over(stands, before)) != stands:
            steps.append(_Step(evse, word, None, None))
    return steps


async def _take(db: Db, steps: Sequence[_Step], now: datetime) -> None:
    if keep := [_document(step.charge, step.kept) for step in steps if step.charge and step.kept]:
        await run(db, KEEP, keep)
    if said := [step for step in steps if step.word != Word(step.evse.status, step.evse.status_as_of)]:
        await run(db, SAY, [_said(step, now) for step in said], now=now)
        await log.note(db, {step.evse.station_id for step in said}, whole=False)
        changed = {step.evse for step in said if step.word.status != step.evse.status}
        await wake(db, sorted({(evse.station_id, evse.longitude, evse.latitude) for evse in changed}))


def _said(step: _Step, now: datetime) -> dict[str, Any]:
    told_at = step.word.as_of if step.charge else now
    return {"id": step.evse.id, "status": step.word.status, "as_of": step.word.as_of, "told_at": told_at}


def _kept(row: EvseInUse) -> Kept:
    return Kept(Word(row.said_status, row.said_as_of), row.heard_at)


def _document(charge: Running, kept: Kept) -> dict[str, Any]:
    return {
        "evse_id": charge.evse_id,
        "charge_id": charge.charge_id,
        "said_status": kept.said.status,
        "said_as_of": kept.said.as_of,
        "heard_at": kept.ours_as_of,
        "since": charge.since,
    }
