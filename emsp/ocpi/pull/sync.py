"""Staying in sync with every partner: all it has when it is connected, what is new every few hours, each partner by
itself, so that a slow one delays nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import ColumnElement, select
from sqlmodel import col

from emsp import clock, jobs, logs
from emsp.db.engine import Db, database_url, transaction
from emsp.errors import PartnerFailed
from emsp.ocpi import connections
from emsp.ocpi.connections import REGISTERED, Peer
from emsp.ocpi.keep import inbox
from emsp.ocpi.pull import schedule
from emsp.ocpi.pull.crawl import Progress, PullCounts, pull_module
from emsp.ocpi.pull.schedule import ALL_MODULES, MODULES
from emsp.ocpi.tables import Connection, SyncRun
from emsp.partners.tables import Partner

LOOK_EVERY_S = 0.5
TURN_S = 15.0
"""How long a job pulls before others get its place among the workers."""
JOB_WAITS_S = 5.0
"""A job waits so long for another pull of its partner: a database notices in moments that a process was killed."""
Waiting = Callable[[], None]
log = logs.log(__name__)


async def pull(
    connection_id: UUID,
    *,
    modules: Iterable[str] | None = None,
    full: bool = False,
    withdraw: bool = False,
    since: datetime | None = None,
    progress: Progress | None = None,
    waiting: Waiting | None = None,
) -> dict[str, PullCounts]:
    """Pull modules of one partner, in order; `full` asks for everything instead of what is new.

    What another process pulls at the same time is waited for, and what was pulled after `since` (the start of this
    call if unset) is not pulled again. `progress` is told (module, objects seen, objects there are or None) after
    each page, `waiting` once when another process is waited for. A module that fails says so in its counts and the
    next one is pulled. `withdraw` lets go of whatever a whole list does not have, however much that is. Raises
    PartnerFailed when the partner is not connected.
    """
    since, tell = since or clock.now(), progress or _silent
    async with _alone(connection_id) as free:
        if waiting and not await free():
            waiting()
        while not await free():
            await _tell_of_the_other(connection_id, tell)
            await asyncio.sleep(LOOK_EVERY_S)
        peer, runs = await _standing(connection_id)
        wanted = [module for module in modules_of(peer) if modules is None or module in modules]
        return {
            module: _done_since(runs.get(module), since, full=full)
            or await pull_module(peer, module, full=full, withdraw=withdraw, progress=tell)
            for module in wanted
        }


def _silent(module: str, seen: int, total: int | None) -> None:
    """Nobody watches."""


def modules_of(peer: Peer) -> list[str]:
    """What can be pulled at a partner, in the order of what needs what."""
    wanted = ALL_MODULES if peer.hub else MODULES
    return [module for module in wanted if peer.find(module, "SENDER")]


def _done_since(run: SyncRun | None, since: datetime, *, full: bool) -> PullCounts | None:
    done_at = run and (run.complete_at if full else run.succeeded_at)
    return msgspec.convert(run.counts, PullCounts) if run and done_at and done_at >= since else None


async def _standing(connection_id: UUID) -> tuple[Peer, dict[str, SyncRun]]:
    async with transaction() as db:
        peer = await connections.peer(db, connection_id)
        return peer, await _runs(db, connection_id)


async def _runs(db: Db, connection_id: UUID) -> dict[str, SyncRun]:
    found = await db.execute(select(SyncRun).where(col(SyncRun.connection_id) == connection_id, _is_scheduled()))
    return {run.module: run for run in found.scalars()}


def _is_scheduled() -> ColumnElement[bool]:
    """A module's pull, not a question about single charges (`ask`)."""
    return col(SyncRun.module).in_(ALL_MODULES)


async def _tell_of_the_other(connection_id: UUID, tell: Progress) -> None:
    """How far the process has come that pulls this partner now."""
    async with transaction() as db:
        runs = await _runs(db, connection_id)
    for run in runs.values():
        if run.resume:
            tell(run.module, run.counts.get("seen", 0), run.counts.get("total"))


@asynccontextmanager
async def _alone(connection_id: UUID) -> AsyncIterator[Any]:
    """A question that is answered with True once nobody else pulls the partner; it stays so for the block.

    The lock belongs to a database connection of its own, and goes with it when the process is killed.
    """
    async with await psycopg.AsyncConnection.connect(database_url(), autocommit=True) as own:

        async def free() -> bool:
            question = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
            answer = await (await own.execute(question, [f"pull {connection_id}"])).fetchone()
            return bool(answer and answer[0])

        yield free


async def pull_all() -> None:
    """Job: let every partner that is due be pulled, each by a job of its own."""
    async with transaction() as db:
        query = select(col(Connection.id)).where(col(Connection.state) == REGISTERED)
        connected = (await db.execute(query.order_by(col(Connection.created_at)))).scalars().all()
        for connection_id in connected:
            if await _due(db, connection_id):
                await _defer(db, connection_id)


async def pull_connected(connection_id: UUID) -> None:
    """Job, after a partner was connected: let it be pulled at once."""
    async with transaction() as db:
        await _defer(db, connection_id)


async def _defer(db: Db, connection_id: UUID) -> None:
    await jobs.defer(db, pull_partner, lock=f"pull {connection_id}", alone=True, connection_id=connection_id)


async def _due(db: Db, connection_id: UUID, asked_for: list[str] | None = None) -> list[str]:
    """What of a partner is to be pulled now: what was asked for, or what was not since it was connected and what is
    due; nothing while it cannot be called."""
    try:
        peer = await connections.peer(db, connection_id)
    except PartnerFailed:
        return []
    if asked_for is not None:
        return [module for module in modules_of(peer) if module in asked_for]
    connection = await db.get_one(Connection, connection_id)
    runs = await _runs(db, connection_id)
    current = {module: run for module, run in runs.items() if not _is_of_before(connection, run)}
    return schedule.due(modules_of(peer), current, clock.now())


def _is_of_before(connection: Connection, run: SyncRun) -> bool:
    registered_at = connection.registered_at
    return bool(registered_at and (run.started_at is None or run.started_at < registered_at))


async def pull_partner(connection_id: UUID, modules: list[str] | None = None, turn_s: float = TURN_S) -> None:
    """Job: pull what is due at a partner, or these modules, unless somebody else does so already.

    What is not done when its turn is over goes to the end of the queue: a hub with a continent of locations holds up
    nobody who has few, however many such hubs there are.
    """
    async with _alone(connection_id) as free:
        for _ in range(int(JOB_WAITS_S / LOOK_EVERY_S)):
            if await free():
                break
            await asyncio.sleep(LOOK_EVERY_S)
        else:
            log.info("a partner is being pulled already", connection=str(connection_id))
            return
        async with transaction() as db:
            due = await _due(db, connection_id, modules)
        rest = await _pull_for_a_turn(connection_id, due, turn_s) if due else []
    if rest:
        async with transaction() as db:
            lock = f"pull {connection_id}"
            await jobs.defer(db, pull_partner, lock=lock, connection_id=connection_id, modules=rest, turn_s=turn_s)


async def _pull_for_a_turn(connection_id: UUID, modules: list[str], turn_s: float) -> list[str]:
    """Pull modules in order; those that are left when the turn is over, the first of which may be under way."""
    peer, _ = await _standing(connection_id)
    until = time.monotonic() + turn_s
    for position, module in enumerate(modules):
        if position and time.monotonic() >= until:
            return modules[position:]
        if (await pull_module(peer, module, progress=_silent, until=until)).paused:
            return modules[position:]
    return []


class PartnerStatus(msgspec.Struct, kw_only=True):
    """A partner's connection and its last pulls, by module."""

    name: str
    connection_id: UUID
    state: str
    version: str
    parties: list[str]
    modules: dict[str, dict[str, Any]]
    next_pull_at: datetime | None


async def status() -> list[PartnerStatus]:
    """Every partner with its connection and what the last pull of each module brought."""
    async with transaction() as db:
        query = select(Connection, Partner).join(Partner, col(Partner.id) == Connection.partner_id)
        rows = (await db.execute(query.order_by(Partner.name))).all()
        runs = (await db.execute(select(SyncRun).where(_is_scheduled()))).scalars().all()
        waiting = await inbox.count_apart(db)
    return [
        _status(connection, partner, [run for run in runs if run.connection_id == connection.id], waiting)
        for connection, partner in rows
    ]


def _status(
    connection: Connection, partner: Partner, runs: Sequence[SyncRun], waiting: Mapping[tuple[UUID, str], int]
) -> PartnerStatus:
    connected = connection.state == REGISTERED
    facts = {
        run.module: _run_facts(run, connected) | {"waiting_apart": waiting.get((connection.id, run.module), 0)}
        for run in sorted(runs, key=lambda run: ALL_MODULES.index(run.module))
    }
    upcoming = [fact["next_at"] for fact in facts.values() if fact["next_at"]]
    return PartnerStatus(
        name=partner.name,
        connection_id=connection.id,
        state=connection.state,
        version=connection.version,
        parties=[f"{role['country_code']} {role['party_id']}" for role in connection.roles],
        modules=facts,
        next_pull_at=min(upcoming, default=None),
    )


def _run_facts(run: SyncRun, connected: bool) -> dict[str, Any]:
    """What the last pull brought, and `lag_s`: how long ago everything until then was here."""
    return {
        **run.counts,
        "watermark": run.watermark,
        "started_at": run.started_at,
        "succeeded_at": run.succeeded_at,
        "complete_at": run.complete_at,
        "lag_s": round((clock.now() - run.succeeded_at).total_seconds()) if run.succeeded_at else None,
        "under_way": run.resume is not None and run.failure is None,
        "next_at": schedule.next_at(run) if connected else None,
        "failure": run.failure,
    }
