"""Hears of changed stations, once for this process, and offers each to those in whose box it stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any
from weakref import WeakValueDictionary

import orjson
from graphql import GraphQLSchema
from sqlalchemy.exc import SQLAlchemyError

from emsp import logs
from emsp.events import wakes
from emsp.graphql.live_map import states
from emsp.graphql.live_map.cells import Cells
from emsp.graphql.live_map.documents import Documents
from emsp.graphql.live_map.renderings import Asked, Rendering, box_asked_for
from emsp.graphql.live_map.states import State
from emsp.graphql.live_map.subscriber import Subscriber
from emsp.graphql.viewer import Context
from emsp.graphql.wanted import network_of
from emsp.stations.index import live
from emsp.stations.waking import MANY, TOPIC

TRY_AGAIN_S = 1.0
log = logs.log(__name__)


class Hub:
    """The watchers of this process. It listens as long as there are any."""

    def __init__(self, schema: GraphQLSchema, encode: Callable[[object], str]) -> None:
        self._documents, self._encode = Documents(schema), encode
        self._renderings: WeakValueDictionary[bytes, Rendering] = WeakValueDictionary()
        self._subscribers: set[Subscriber] = set()
        self._cells: Cells[Subscriber] = Cells()
        self._changed: set[int] = set()
        self._bell = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def subscriber(self, asked: Asked, context: Context) -> Subscriber | None:
        """Whoever asked this, if it is nothing but to watch the map, without a mistake in it."""
        watched = self._documents.watched(asked.query, asked.operation_name) if asked.is_text else None
        box = await box_asked_for(asked, context) if watched else None
        if watched is None or box is None:
            return None
        network = network_of(context.asker.brand)
        if not watched.public:
            return Subscriber(box, Rendering(asked, context, self._encode), network)
        variables = {name: value for name, value in (asked.variables or {}).items() if name in watched.variables}
        key = orjson.dumps([asked.query, asked.operation_name, variables], option=orjson.OPT_SORT_KEYS)
        rendering = self._renderings.get(key) or Rendering(asked, context, self._encode, is_shared=True)
        self._renderings[key] = rendering
        return Subscriber(box, rendering, network)

    @asynccontextmanager
    async def watching(self, subscriber: Subscriber) -> AsyncIterator[None]:
        """For the length of the block, `subscriber` is offered what changes in its box."""
        self._start()
        self._subscribers.add(subscriber)
        self._cells.add(subscriber, subscriber.box)
        try:
            yield
        finally:
            self._cells.remove(subscriber, subscriber.box)
            self._subscribers.discard(subscriber)
            if not self._subscribers:
                self._stop()

    def _start(self) -> None:
        if self._tasks and not any(task.done() for task in self._tasks):
            return
        self._stop()
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._offer_all())]
        live.listeners.append(self._index_changed)

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        with suppress(ValueError):
            live.listeners.remove(self._index_changed)

    def _index_changed(self, station_ids: Collection[int], whole: bool) -> None:
        """Called when the index of this process has taken in a change; it names no station when it was made anew."""
        if station_ids:
            self._note(station_ids)
        else:
            self._everybody_looks_again()

    async def _listen(self) -> None:
        """The database's own wake-ups, which come before the index knows: they count while there is none."""
        async with wakes.watch(TOPIC) as watch:
            while True:
                changed = await watch.changed()
                if live.current() is None:
                    self._heard(changed)

    def _heard(self, changed: set[Any] | None) -> None:
        if changed is None or MANY in changed:
            self._everybody_looks_again()
        else:
            self._note(id_ for id_, longitude, latitude in changed if self._cells.holding(longitude, latitude))

    def _everybody_looks_again(self) -> None:
        for subscriber in self._subscribers:
            subscriber.look_again()

    def _note(self, station_ids: Iterable[int]) -> None:
        self._changed.update(station_ids)
        if self._changed:
            self._bell.set()

    async def _offer_all(self) -> None:
        """What changes while others are being told waits here, each station once."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            changed, self._changed = self._changed, set()
            try:
                async for batch in states.of_stations(changed):
                    await self._offer(batch)
                    await asyncio.sleep(0)  # the others' turn
            except SQLAlchemyError as error:
                log.warning("changed stations could not be looked at", error=str(error))
                await asyncio.sleep(TRY_AGAIN_S)
                self._note(changed)
            except Exception:
                log.exception("changed stations could not be told")

    async def _offer(self, batch: list[State]) -> None:
        """Made before it is offered, so that those who are told the same find it ready."""
        told = [(state, self._cells.holding(state.row.longitude, state.row.latitude)) for state in batch]
        shared: dict[Rendering, list[State]] = {}
        for state, watchers in told:
            for rendering in {watcher.rendering for watcher in watchers if watcher.rendering.is_shared}:
                shared.setdefault(rendering, []).append(state)
        for rendering, wanted in shared.items():
            await rendering.make(wanted)
        for state, watchers in told:
            for watcher in watchers:
                watcher.offer(state)
