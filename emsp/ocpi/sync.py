"""Pulling a partner's data: tariffs, locations, sessions and CDRs, and how far each has come.

A page is one transaction. The watermark moves when a crawl is complete, so that one that was broken off
begins again: what it brought is known by its content and costs little.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from emsp import clock, logs
from emsp.db.engine import Db, transaction
from emsp.errors import EmspError, PartnerFailed
from emsp.ocpi import connections, inbox
from emsp.ocpi.apply import take_in
from emsp.ocpi.connections import REGISTERED, Peer
from emsp.ocpi.pages import Page, pages
from emsp.ocpi.tables import Connection, SyncRun
from emsp.partners.tables import Partner
from emsp.settings import settings

MODULES = ("tariffs", "locations", "sessions", "cdrs")
OVERLAP = timedelta(minutes=10)
FIRST_SESSIONS = timedelta(days=31)
Progress = Callable[[str, int, int | None], None]
log = logs.log(__name__)


class PullCounts(msgspec.Struct, kw_only=True):
    """What a pull of one module brought. `reasons` counts why objects were kept apart."""

    seen: int = 0
    changed: int = 0
    unchanged: int = 0
    older: int = 0
    apart: int = 0
    seconds: float = 0.0
    reasons: dict[str, int] = {}
    failure: str | None = None


async def pull(
    connection_id: UUID,
    *,
    modules: Iterable[str] = MODULES,
    full: bool = False,
    progress: Progress | None = None,
) -> dict[str, PullCounts]:
    """Pull modules of one partner, in order; `full` asks for everything instead of what is new.

    `progress` is told (module, objects seen, objects there are or None) after each page. A module that fails
    says so in its counts and the next one is pulled. Raises PartnerFailed when the partner is not connected.
    """
    async with transaction() as db:
        peer = await connections.peer(db, connection_id)
    return {
        module: await _pull_module(peer, module, full, progress or _silent)
        for module in modules
        if peer.find(module, "SENDER")
    }


def _silent(module: str, seen: int, total: int | None) -> None:
    """Nobody watches."""


async def _pull_module(peer: Peer, module: str, full: bool, progress: Progress) -> PullCounts:
    started_at, started = clock.now(), time.perf_counter()
    watermark = await _begin(peer, module, started_at)
    counts = PullCounts(reasons={})
    try:
        latest = await _crawl(peer, module, _date_from(module, watermark, started_at, full), counts, progress)
    except EmspError as failed:
        log.warning("a pull failed", partner=peer.name, module=module, reason=str(failed))
        counts.failure, latest = str(failed), None
    counts.seconds = round(time.perf_counter() - started, 2)
    reached = [moment for moment in (watermark, latest and min(latest, started_at)) if moment]
    await _end(peer, module, counts, max(reached, default=None))
    return counts


def _date_from(module: str, watermark: datetime | None, started_at: datetime, full: bool) -> datetime | None:
    """From when on objects are asked for; sessions must not be asked for without saying so."""
    if watermark and not full:
        return watermark - OVERLAP
    return started_at - FIRST_SESSIONS if module == "sessions" else None


async def _crawl(
    peer: Peer, module: str, date_from: datetime | None, counts: PullCounts, progress: Progress
) -> datetime | None:
    """Take in every page; the latest `last_updated` among the objects."""
    latest: datetime | None = None
    async with aclosing(pages(peer, module, date_from)) as crawl:
        async for page in crawl:
            latest = max(filter(None, [latest, await _take_in_page(peer, module, page, counts)]), default=None)
            progress(module, counts.seen, page.total)
    return latest


async def _take_in_page(peer: Peer, module: str, page: Page, counts: PullCounts) -> datetime | None:
    owner = None if peer.hub else peer.party
    items = [inbox.item_of(body, peer.version, owner) for body in page.items]
    async with transaction() as db:
        connection = await db.get_one(Connection, peer.id)
        news = await inbox.news(db, peer.id, module, items)
        applied = await take_in(db, connection, module, news.fresh)
    counts.seen += len(items)
    counts.changed += applied.changed
    counts.unchanged += news.unchanged + applied.unchanged + len(items) - len({item.key for item in items})
    counts.older += news.older + applied.older
    counts.apart += len(applied.reasons)
    counts.reasons = dict(Counter(counts.reasons) + Counter(applied.reasons.values()))
    return max((item.updated_at for item in items if item.updated_at), default=None)


async def _begin(peer: Peer, module: str, started_at: datetime) -> datetime | None:
    async with transaction() as db:
        row = {"connection_id": peer.id, "module": module, "started_at": started_at, "counts": {}}
        change = insert(SyncRun).values(row)
        await db.execute(
            change.on_conflict_do_update(index_elements=["connection_id", "module"], set_={"started_at": started_at})
        )
        return (await db.get_one(SyncRun, (peer.id, module))).watermark


async def _end(peer: Peer, module: str, counts: PullCounts, watermark: datetime | None) -> None:
    async with transaction() as db:
        run = await db.get_one(SyncRun, (peer.id, module))
        run.counts, run.failure = msgspec.to_builtins(counts), counts.failure
        if counts.failure is None:
            run.succeeded_at, run.watermark = clock.now(), watermark


async def pull_all() -> None:
    """Job: pull every connected partner whose last pull is longer ago than the settings ask for."""
    due_before = clock.now() - timedelta(hours=settings().pull_every_h)
    async with transaction() as db:
        due = await _due(db, due_before)
    for connection_id in due:
        try:
            await pull(connection_id)
        except PartnerFailed as failed:
            log.warning("a partner could not be pulled", connection=str(connection_id), reason=str(failed))


async def _due(db: Db, before: datetime) -> Sequence[UUID]:
    begun = select(col(SyncRun.connection_id)).where(col(SyncRun.started_at) >= before)
    query = select(col(Connection.id)).where(col(Connection.state) == REGISTERED, col(Connection.id).not_in(begun))
    return (await db.execute(query.order_by(col(Connection.created_at)))).scalars().all()


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
        runs = (await db.execute(select(SyncRun))).scalars().all()
    return [
        _status(connection, partner, [run for run in runs if run.connection_id == connection.id])
        for connection, partner in rows
    ]


def _status(connection: Connection, partner: Partner, runs: list[SyncRun]) -> PartnerStatus:
    begun = [run.started_at for run in runs if run.started_at]
    return PartnerStatus(
        name=partner.name,
        connection_id=connection.id,
        state=connection.state,
        version=connection.version,
        parties=[f"{role['country_code']} {role['party_id']}" for role in connection.roles],
        modules={run.module: _run_facts(run) for run in sorted(runs, key=lambda run: MODULES.index(run.module))},
        next_pull_at=max(begun) + timedelta(hours=settings().pull_every_h) if begun else None,
    )


def _run_facts(run: SyncRun) -> dict[str, Any]:
    return {
        **run.counts,
        "watermark": run.watermark,
        "started_at": run.started_at,
        "succeeded_at": run.succeeded_at,
        "failure": run.failure,
    }
