"""One module of one partner, pulled: page by page, each with the point from which a killed crawl goes on.

A page is taken in together with the point after it, so that whatever happens nothing is missed and little is done
twice. The watermark moves when a crawl is at its end.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from emsp import clock, logs
from emsp.db.engine import Db, transaction
from emsp.errors import EmspError
from emsp.ocpi.client import PeerRefused
from emsp.ocpi.connections import Peer
from emsp.ocpi.keep import inbox, unseen
from emsp.ocpi.keep.apply import Applied, take_in
from emsp.ocpi.pull import schedule
from emsp.ocpi.pull.ahead import ahead
from emsp.ocpi.pull.pages import Position, first_url, is_a_fault, pages
from emsp.ocpi.pull.slices import Slice, slices
from emsp.ocpi.serve.hub import take_in_client_info
from emsp.ocpi.tables import Connection, SyncRun

RESUMED_WITHIN = timedelta(days=1)
Progress = Callable[[str, int, int | None], None]
log = logs.log(__name__)


class PullCounts(msgspec.Struct, kw_only=True):
    """What a pull of one module brought. `reasons` counts why objects were kept apart."""

    seen: int = 0
    total: int | None = None
    """How many there are, where the partner says so."""
    changed: int = 0
    unchanged: int = 0
    older: int = 0
    apart: int = 0
    withdrawn: int = 0
    held_back: int = 0
    """Objects that a whole list did not have, too many of them to be withdrawn without a look."""
    complete: bool = False
    """Whether everything that was asked for came."""
    paused: bool = False
    """Whether its turn was over before that, so that it is to go on where it is."""
    resumed_at: int = 0
    """After how many objects a crawl that was broken off went on, the last time that happened."""
    seconds: float = 0.0
    reasons: dict[str, int] = {}
    failure: str | None = None

    def add(self, applied: Applied) -> None:
        """Count what became of some objects."""
        self.changed += applied.changed
        self.unchanged += applied.unchanged
        self.older += applied.older
        self.apart += len(applied.reasons)
        self.reasons = dict(Counter(self.reasons) + Counter(applied.reasons.values()))


class Crawl(msgspec.Struct, kw_only=True):
    """What is asked for, and how far it came; kept with each page."""

    first: str
    date_from: datetime | None
    begun_at: datetime
    newest: int
    """The id of the newest document that was known when the crawl began."""
    at: Position
    latest: datetime | None = None
    """The latest `last_updated` among the objects."""

    def lists_all(self, module: str) -> bool:
        """Whether what is not seen at its end is gone."""
        return self.date_from is None and module in unseen.WAYS


async def pull_module(
    peer: Peer,
    module: str,
    *,
    full: bool = False,
    withdraw: bool = False,
    progress: Progress,
    until: float | None = None,
) -> PullCounts:
    """Pull one module of a partner, going on where an earlier crawl was broken off; a failure is in the counts.

    `full` asks for everything. `withdraw` lets go of whatever a whole list does not have, however much that is.
    After `until`, by the clock of `time.monotonic`, it pauses when a page is taken in.
    """
    started = time.perf_counter()
    crawl, counts = await _begin(peer, module, full)
    before_s = counts.seconds
    try:
        try:
            counts.paused = await _walk(peer, module, crawl, counts, progress, until)
        except PeerRefused as refused:
            if not _is_place_lost(refused, crawl, counts):
                raise
            log.warning("a crawl cannot go on where it was; it begins anew", partner=peer.name, module=module)
            crawl, counts = await _begin(peer, module, full, anew=True)
            counts.paused = await _walk(peer, module, crawl, counts, progress, until)
    except EmspError as failed:
        log.warning("a pull failed", partner=peer.name, module=module, reason=str(failed))
        counts.failure = str(failed)
    counts.seconds = round(before_s + time.perf_counter() - started, 2)
    if counts.paused:
        async with transaction() as db:
            await _keep_place(db, peer, module, crawl, counts)
    else:
        await _end(peer, module, crawl, counts, withdraw)
    return counts


def _is_place_lost(refused: PeerRefused, crawl: Crawl, counts: PullCounts) -> bool:
    """Whether the partner no longer knows the page that a broken off crawl was to go on with."""
    not_now = is_a_fault(refused) or refused.http_status == 401
    return 0 < counts.resumed_at == crawl.at.seen and not not_now


async def _begin(peer: Peer, module: str, full: bool, *, anew: bool = False) -> tuple[Crawl, PullCounts]:
    """The crawl that was broken off, if it asks for what is wanted now, else a new one."""
    now, endpoint = clock.now(), peer.url(module, "SENDER")
    async with transaction() as db:
        run = await _run(db, peer, module)
        run.started_at = now
        date_from = schedule.date_from(run, now, full=full)
        crawl = None if anew else _broken_off(run, endpoint, date_from, now)
        if crawl:
            counts = msgspec.convert(run.counts, PullCounts)
            counts.resumed_at, counts.failure, counts.paused = crawl.at.seen, None, False
            return crawl, counts
        await unseen.forget(db, peer.id, module)
        newest = await unseen.newest(db, peer.id, module)
        first = first_url(endpoint, date_from)
        crawl = Crawl(first=first, date_from=date_from, begun_at=now, newest=newest, at=Position(url=first))
        counts = PullCounts(reasons={})
        run.resume, run.counts = msgspec.to_builtins(crawl), msgspec.to_builtins(counts)
    return crawl, counts


async def _run(db: Db, peer: Peer, module: str) -> SyncRun:
    row = {"connection_id": peer.id, "module": module, "counts": {}}
    await db.execute(insert(SyncRun).values(row).on_conflict_do_nothing())
    return await db.get_one(SyncRun, (peer.id, module), with_for_update=True)


def _broken_off(run: SyncRun, endpoint: str, date_from: datetime | None, now: datetime) -> Crawl | None:
    """The crawl to go on with: of this day, by the same address, and of all that is wanted."""
    if run.resume is None:
        return None
    crawl = msgspec.convert(run.resume, Crawl)
    same = crawl.first == first_url(endpoint, crawl.date_from)
    enough = crawl.date_from is None or (date_from is not None and crawl.date_from <= date_from)
    return crawl if same and enough and now - crawl.begun_at < RESUMED_WITHIN else None


async def _walk(
    peer: Peer, module: str, crawl: Crawl, counts: PullCounts, progress: Progress, until: float | None
) -> bool:
    """Whether it paused on the way."""
    if counts.resumed_at:
        progress(module, counts.seen, counts.total)
    listed = slices(peer, module, pages(peer, crawl.first, crawl.at))
    async with aclosing(ahead(listed)) as walk:
        async for part in walk:
            await _take_in_slice(peer, module, part, crawl, counts)
            if part.after:
                progress(module, counts.seen, counts.total)
                if part.after.url and until is not None and time.monotonic() >= until:
                    return True
    return False


async def _take_in_slice(peer: Peer, module: str, part: Slice, crawl: Crawl, counts: PullCounts) -> None:
    """A part of a page; with the last one, the point after it."""
    async with transaction() as db:
        if part.bodies:
            await _take_in(db, peer, module, part, crawl, counts)
        if part.after:
            crawl.at, counts.total = part.after, part.after.total
            await _keep_place(db, peer, module, crawl, counts)


async def _take_in(db: Db, peer: Peer, module: str, part: Slice, crawl: Crawl, counts: PullCounts) -> None:
    counts.seen += len(part.bodies)
    connection = await db.get_one(Connection, peer.id)
    if module == schedule.HUB_MODULE:
        counts.add(await take_in_client_info(db, connection, part.bodies))
        return
    items = part.items
    news = await inbox.news(db, peer.id, module, items)
    if crawl.lists_all(module):
        await unseen.note(db, peer.id, module, (item.key for item in items))
    if news.fresh:
        counts.add(await take_in(db, connection, module, news.fresh, part.prepared))
    counts.unchanged += news.unchanged + len(items) - len({item.key for item in items})
    counts.older += news.older
    times = [item.updated_at for item in items if item.updated_at]
    crawl.latest = max([*times, *([crawl.latest] if crawl.latest else [])], default=None)


async def _keep_place(db: Db, peer: Peer, module: str, crawl: Crawl, counts: PullCounts) -> None:
    place = {"resume": msgspec.to_builtins(crawl), "counts": msgspec.to_builtins(counts)}
    await db.execute(update(SyncRun).where(*_this(peer, module)).values(place))


def _this(peer: Peer, module: str) -> tuple[Any, Any]:
    return col(SyncRun.connection_id) == peer.id, col(SyncRun.module) == module


async def _end(peer: Peer, module: str, crawl: Crawl, counts: PullCounts, anyway: bool) -> None:
    """What the crawl came to: what is gone is withdrawn, and the next one asks for what comes after."""
    async with transaction() as db:
        run = await _run(db, peer, module)
        run.failure = counts.failure
        if counts.failure is None:
            counts.complete = crawl.at.complete
            await _withdraw(db, peer, module, crawl, counts, anyway)
            run.watermark = _reached(run, crawl)
            run.succeeded_at, run.resume = clock.now(), None
            if schedule.looks_back(module, crawl.date_from, crawl.begun_at):
                run.complete_at = crawl.begun_at
            await unseen.forget(db, peer.id, module)
        run.counts = msgspec.to_builtins(counts)


async def _withdraw(db: Db, peer: Peer, module: str, crawl: Crawl, counts: PullCounts, anyway: bool) -> None:
    if counts.complete and crawl.lists_all(module):
        gone = await unseen.withdraw(db, peer.id, module, crawl.newest, crawl.begun_at, anyway=anyway)
        counts.withdrawn, counts.held_back = gone.withdrawn, gone.held_back
        if gone.held_back:
            log.warning("too much is gone to be withdrawn", partner=peer.name, module=module, gone=gone.held_back)


def _reached(run: SyncRun, crawl: Crawl) -> datetime | None:
    """The partner's own time up to which everything is here; one that is ahead of ours is not believed."""
    reached = [run.watermark, crawl.latest and min(crawl.latest, crawl.begun_at)]
    return max((moment for moment in reached if moment), default=None)
