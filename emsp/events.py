"""What happened: events for jobs (kept with the transaction) and wake-ups for whoever is watching.

`emit` defers, in the same transaction, every job that the timetable lists for the event.
`wake` tells other processes that something changed (PostgreSQL NOTIFY): a hint, never the truth.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, fields
from typing import Any

import msgspec

from emsp import hearing, jobs
from emsp.db.driver import Statement, run
from emsp.db.engine import Db
from emsp.hearing import CHANNEL

MAX_PAYLOAD_BYTES = 7000
NOTIFY = "SELECT pg_notify(%(channel)s, %(payload)s)"


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened. Its fields are the arguments of the jobs that follow."""

    @property
    def lock(self) -> str | None:
        """Jobs of events with the same lock run one after the other."""
        return None


_followers: dict[type[Event], list[jobs.Job]] = defaultdict(list)


def whenever(event: type[Event], function: jobs.Job) -> None:
    """Let `function` follow every `event`."""
    jobs.register(function)
    if function not in _followers[event]:
        _followers[event].append(function)


async def emit(db: Db, event: Event) -> None:
    """Defer the jobs that follow `event`, in this transaction."""
    arguments = {field.name: getattr(event, field.name) for field in fields(event)}
    for function in _followers[type(event)]:
        await jobs.defer(db, function, lock=event.lock, **arguments)


async def wake(db: Db, topic: str, ids: Iterable[Any]) -> None:
    """Tell the watchers of `topic`, once this transaction has committed, that `ids` changed."""
    await run(db, *waking(topic, ids))


def waking(topic: str, ids: Iterable[Any]) -> list[Statement]:
    """The statements of `wake`."""
    payloads = _payloads(topic, [msgspec.to_builtins(item) for item in ids])
    return [Statement(NOTIFY, {"channel": CHANNEL, "payload": payload}) for payload in payloads]


def _payloads(topic: str, ids: list[Any]) -> list[str]:
    payload = msgspec.json.encode({"topic": topic, "ids": ids}).decode()
    if len(payload) <= MAX_PAYLOAD_BYTES or len(ids) == 1:
        return [payload]
    half = len(ids) // 2
    return _payloads(topic, ids[:half]) + _payloads(topic, ids[half:])


class Wakes:
    """This process's ear: one connection, any number of watchers.

    A watcher that cannot keep up loses nothing it needs: its pending ids are merged, and after a lost
    connection every watcher is woken with `None`, which means "look again at everything".
    """

    def __init__(self) -> None:
        self._watchers: dict[str, set[Watch]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self.is_listening = False

    @asynccontextmanager
    async def watch(self, topic: str) -> AsyncIterator[Watch]:
        """A stream of sets of changed ids of `topic`, for the length of the block."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())
        watch = Watch()
        self._watchers[topic].add(watch)
        try:
            yield watch
        finally:
            self._watchers[topic].discard(watch)

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self.is_listening = False

    async def _listen(self) -> None:
        async for payload in hearing.heard():
            self.is_listening = payload != hearing.DEAF
            if payload == hearing.MISSED:
                self._look_again()
            elif self.is_listening:
                self._hear(payload)

    def _look_again(self) -> None:
        for watchers in self._watchers.values():
            for watch in watchers:
                watch.add(None)

    def _hear(self, payload: bytes) -> None:
        heard = msgspec.json.decode(payload)
        for watch in self._watchers.get(heard["topic"], ()):
            watch.add(heard["ids"])


class Watch:
    """What one watcher has not looked at yet."""

    def __init__(self) -> None:
        self._pending: set[Any] = set()
        self._everything = False
        self._bell = asyncio.Event()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing was told since the last call of `changed`."""
        return not self._bell.is_set()

    def add(self, ids: list[Any] | None) -> None:
        if ids is None:
            self._everything = True
        else:
            self._pending.update(tuple(item) if isinstance(item, list) else item for item in ids)
        self._bell.set()

    async def changed(self, timeout_s: float | None = None) -> set[Any] | None:
        """The ids that changed since the last call; None means any may have. Waits for the first one.

        With `timeout_s`, an empty set is given when nothing changed in that time.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._bell.wait()
        ids, everything = self._pending, self._everything
        self._pending, self._everything = set(), False
        self._bell.clear()
        return None if everything else ids


wakes = Wakes()
