"""One watcher of the map: what it was told, and what it is still to be told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError

from emsp import logs
from emsp.graphql.live_map import states
from emsp.graphql.live_map.renderings import Rendering
from emsp.graphql.live_map.states import State
from emsp.stations.asking import Network
from emsp.stations.geo import Box

Send = Callable[[str], Awaitable[None]]
"""Sends a payload; waits while the other side takes nothing."""
AT_A_TIME, TRY_AGAIN_S = 50, 1.0
log = logs.log(__name__)


class Subscriber:
    """Coalesces: however slow the other side is, no more than one state of each station of its box waits for it."""

    def __init__(self, box: Box, rendering: Rendering, network: Network | None = None) -> None:
        self.box, self.rendering, self.network = box, rendering, network
        self._told: dict[int, int] = {}
        self._waiting: dict[int, State] = {}
        self._asked_about: set[int] = set()
        self._heard_meanwhile: set[int] | None = None
        self._is_behind = False
        self._bell = asyncio.Event()

    def offer(self, state: State) -> None:
        """A station of the box was found like this, after whatever was offered before."""
        if self.network and not self._is_of_the_network(state.station_id):
            return
        if self._heard_meanwhile is not None:
            self._heard_meanwhile.add(state.station_id)
        self._take(state)

    def look_again(self) -> None:
        """Any station of the box may have changed."""
        self._is_behind = True
        self._bell.set()

    async def look_around(self) -> None:
        """Take every station of the box as it is now. Raises Invalid when they are too many."""
        self._is_behind = False
        self._heard_meanwhile = heard = set[int]()
        try:
            async for batch in states.in_box(self.box, self.network):
                for state in batch:
                    if state.station_id not in heard:  # what was offered meanwhile may be newer
                        self._take(state)
        finally:
            self._heard_meanwhile = None

    def _is_of_the_network(self, station_id: int) -> bool:
        """One that was never seen may be new: that is asked once, by another look at the box."""
        if station_id in self._told or station_id in self._waiting:
            return True
        if station_id not in self._asked_about:
            self._asked_about.add(station_id)
            self.look_again()
        return False

    async def tell(self, send: Send) -> None:
        """Send what waits, and whatever comes, until the task is cancelled or `send` fails."""
        while True:
            for _ in range(AT_A_TIME):
                if not self._waiting:
                    break
                await self._tell_one(send)
            else:
                await asyncio.sleep(0)  # the others' turn
                continue
            await self._bell.wait()
            self._bell.clear()
            if self._is_behind:
                await self._catch_up()

    async def _tell_one(self, send: Send) -> None:
        station_id = next(iter(self._waiting))
        state = self._waiting.pop(station_id)
        self._told[station_id] = state.fingerprint
        await send(self.rendering.kept(state) or await self.rendering.payload(state))

    async def _catch_up(self) -> None:
        try:
            await self.look_around()
        except SQLAlchemyError as error:
            log.warning("the map could not be looked at", error=str(error))
            await asyncio.sleep(TRY_AGAIN_S)
            self.look_again()

    def _take(self, state: State) -> None:
        if self._told.get(state.station_id) == state.fingerprint:
            self._waiting.pop(state.station_id, None)  # back to what was told last
        else:
            self._waiting[state.station_id] = state
            self._bell.set()
