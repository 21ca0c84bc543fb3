"""The index of this process: made at its start, kept true by the change log, replaced without stopping."""

from __future__ import annotations

import asyncio
import gc
import math
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec
import psycopg
from sqlalchemy.exc import DBAPIError

from emsp import clock, events, logs
from emsp.db.engine import transaction
from emsp.stations.history.delays import usual_delays
from emsp.stations.index import load, snapshot, views
from emsp.stations.index.follow import Follower, Told, TooOld
from emsp.stations.index.kept import StationIndex
from emsp.stations.log import TOPIC, was_noted_here

log = logs.log(__name__)
Listener = Callable[[list[int], bool], None]
listeners: list[Listener] = []
"""Called in the event loop after the index changed, with the stations that did, and whether they did as a whole.
No station at all means: look again at everything."""

LOOK_AGAIN = Told([], True)
"""Another index took over: what changed is not told one by one."""
FEW_ROWS = 100_000
"""A database with no more rows is read by the process itself; of more, another one makes the file that is mapped."""
LOOK_EVERY_S = 5.0
"""A wake-up may be lost; the log is not."""
PACE_S = 0.05
"""What changes so soon after a look shares the next one."""
QUIET_S = 1.0
"""So long a look holds while nothing is told of changes: a network may have been cut without a word."""
WAIT_S = 0.25
"""So long a question waits for a look at the log; changes that take longer to read are seen by a later one."""
AGAIN_S, RENEW_EVERY_S = 10.0, 30.0
DELAYS_EVERY_S = 300.0
RENEWED = "renewed"
"""The id that wakes whoever follows when the kept file was written anew."""


class _Progress(msgspec.Struct):
    """How far a reading is, in rows."""

    done: int = 0
    expected: int = 0


class _Live:
    """One follower, one task that follows, and at times one that makes its successor."""

    def __init__(self) -> None:
        self.follower: Follower | None = None
        self.progress = _Progress()
        self._looking: asyncio.Task[None] | None = None
        self._looked_at = 0.0
        """When the newest look began; one that is yet to begin is newer than any."""
        self._watch: events.Watch | None = None
        self._coming: asyncio.Task[None] | None = None
        self._begun_at = 0.0
        self._missed = False
        self._may_be_newer = True
        """Whether the kept file may have been written after what this index was made of."""
        self._delays_read_at = -DELAYS_EVERY_S

    async def run(self) -> None:
        """Load, then follow for ever."""
        await self._load(newer_than=0.0)
        async with events.wakes.watch(TOPIC) as watch:
            self._watch = watch
            while True:
                changed = await watch.changed(LOOK_EVERY_S)
                await asyncio.wait([self.looking()])
                self._may_be_newer |= changed is None or RENEWED in changed
                await self._take_newer()
                await self._know_delays()
                await asyncio.sleep(PACE_S)

    async def _take_newer(self) -> None:
        """Change over to the kept file where it is newer: whether that was told, or may have been told to deaf ears."""
        follower = self.follower
        is_loading = self._coming is not None and not self._coming.done()
        if self._may_be_newer and follower and not is_loading:
            with suppress(psycopg.OperationalError):
                if await asyncio.to_thread(snapshot.usable, follower.made_at):
                    self._renew(newer_than=0.0)
                self._may_be_newer = False

    async def _know_delays(self) -> None:
        """How soon parties tell of changes, by which the age of what they said is judged."""
        if time.monotonic() - self._delays_read_at > DELAYS_EVERY_S:
            self._delays_read_at = time.monotonic()
            with suppress(DBAPIError):
                async with transaction() as db:
                    await usual_delays(db)

    def has_looked(self, within_s: float) -> bool:
        """Whether it caught up with the log no longer ago, or has been told of nothing since, and is not about to."""
        is_idle = self._looking is None or self._looking.done()
        holds_s = max(within_s, QUIET_S) if self._has_heard_nothing() else within_s
        return is_idle and time.monotonic() - self._looked_at <= holds_s

    def _has_heard_nothing(self) -> bool:
        """What other processes commit is told within milliseconds, what this one does may be asked for before."""
        return bool(self._watch and self._watch.is_quiet and events.wakes.is_listening and not was_noted_here())

    def looking(self, within_s: float = 0.0) -> asyncio.Task[None]:
        """A look at the log that began no longer ago, or begins now: one for all who ask meanwhile."""
        before = self._looking if self._looking and not self._looking.done() else None
        if self._looking is None or before is None or self._looked_at < time.monotonic() - within_s:
            self._looked_at = math.inf
            self._looking = asyncio.create_task(self._look(before))
        return self._looking

    async def _look(self, before: asyncio.Task[None] | None) -> None:
        if before:
            await asyncio.gather(before, return_exceptions=True)
        self._looked_at = time.monotonic()
        follower = self.follower
        if follower is None:
            return
        try:
            told = await follower.catch_up()
        except psycopg.OperationalError as error:
            log.warning("the index of stations cannot look at the database", error=str(error))
            self._missed = True
        except Exception as error:  # what is not known to be true must not answer
            log.warning(
                "the index of stations is made anew", reason=repr(error), exc_info=not isinstance(error, TooOld)
            )
            self.follower = None
            await follower.close()
            self._renew(newer_than=0.0)
        else:
            _tell([LOOK_AGAIN] if self._missed else told)
            self._missed = False
            if follower.index.is_worn() and time.monotonic() - self._begun_at > RENEW_EVERY_S:
                self._renew(newer_than=follower.taken_at)

    def _renew(self, newer_than: float) -> None:
        """Make another index beside this one, which answers until then."""
        if self._coming is None or self._coming.done():
            self._coming = asyncio.create_task(self._load(newer_than))

    async def _load(self, newer_than: float) -> None:
        """Replace the follower by one of the kept file, where that is newer than a time by the database's clock."""
        while True:
            try:
                begun = self._begun_at = time.monotonic()
                coming = Follower(await self._standing(newer_than))
                await coming.catch_up()
                await asyncio.to_thread(_prepare, coming.index)
                break
            except Exception:  # searches are answered by PostgreSQL until it works
                log.exception("the index of stations cannot be loaded; trying again")
                await asyncio.sleep(AGAIN_S)
        before, self.follower = self.follower, coming
        if before:
            await before.close()
        _tell([LOOK_AGAIN])
        gc.collect()
        gc.freeze()
        took_s = round(time.monotonic() - begun, 1)
        log.info("the index of stations is ready", stations=coming.index.stations(), took_s=took_s)

    async def _standing(self, newer_than: float) -> snapshot.Standing:
        found = await asyncio.to_thread(snapshot.usable, newer_than)
        if found is None and await asyncio.to_thread(load.expected_rows) <= FEW_ROWS:
            return await asyncio.to_thread(snapshot.from_database)
        if found is None:
            await self._made_beside(newer_than)
            found = await asyncio.to_thread(snapshot.usable, newer_than)
        if found is None:
            raise RuntimeError("the file of the index was made, and cannot be used")
        return found

    async def _made_beside(self, newer_than: float) -> None:
        """By a process of its own: reading a million rows here would hold up every answer."""
        command = (sys.executable, "-m", "emsp", "stations", "snapshot", "--newer-than", str(newer_than), "--progress")
        making = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        try:
            assert making.stdout is not None
            async for line in making.stdout:
                self.progress = msgspec.json.decode(line, type=_Progress)
                log.info("loading stations", done=self.progress.done, expected=self.progress.expected)
            if await making.wait():
                raise RuntimeError(f"the index could not be made: exit status {making.returncode}")
        finally:
            if making.returncode is None:
                making.kill()
                await making.wait()

    async def close(self) -> None:
        for task in (self._coming, self._looking):
            if task and not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        if self.follower:
            await self.follower.close()


_live: _Live | None = None
_task: asyncio.Task[None] | None = None


async def start() -> None:
    """Make the index, in the background, and follow. Until it is ready, PostgreSQL answers."""
    global _live, _task
    await stop()
    _live = _Live()
    _task = asyncio.create_task(_live.run())


async def stop() -> None:
    """Follow no more."""
    global _live, _task
    live, task, _live, _task = _live, _task, None, None
    if task:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    if live:
        await live.close()


def current() -> StationIndex | None:
    """The index, once it is ready."""
    return _live.follower.index if _live and _live.follower else None


async def caught_up(within_s: float = 0.02) -> None:
    """Let the index know what was committed up to `within_s` ago; a database that is away leaves it as it is.

    Many who ask at the same time cost one look at the log. Changes that take long to read are waited for shortly.
    """
    if _live and _live.follower and not _live.has_looked(within_s):
        await asyncio.wait([_live.looking(within_s)], timeout=WAIT_S)


def state() -> str:
    """For people: "off", "ready", or how far the loading is."""
    if _live is None:
        return "off"
    if _live.follower:
        return "ready"
    return f"loading {_live.progress.done} of {_live.progress.expected}" if _live.progress.expected else "loading"


def _prepare(index: StationIndex) -> None:
    """Make what nearly everybody asks for, while nobody does yet."""
    for segment in index.segments:
        views.prepare(segment, clock.now())


def _tell(changes: list[Told]) -> None:
    for change in changes:
        for listener in listeners:
            listener(change.station_ids, change.whole)
