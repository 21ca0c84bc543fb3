"""The sign-ins behind open WebSockets: a connection ends with the token that it came with."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from emsp import clock, logs
from emsp.accounts.tokens import TOPIC, good_until
from emsp.db.engine import transaction
from emsp.events import wakes

LOOK_EVERY_S, TRY_AGAIN_S = 15.0, 1.0
log = logs.log(__name__)


class Signed(Protocol):
    """A connection."""

    @property
    def access_token(self) -> str | None:
        """The token that says who is connected; None for nobody."""

    async def forbid(self) -> None:
        """End it."""


class OpenSignIns:
    """Looks at all tokens together: when one ends, when one is revoked, and now and then."""

    def __init__(self) -> None:
        self._open: set[Signed] = set()
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    def add(self, connection: Signed) -> None:
        """Look after `connection` from now on."""
        self._open.add(connection)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_after())

    def discard(self, connection: Signed) -> None:
        """It is closed."""
        self._open.discard(connection)
        if self._task and not self._open:
            self._task.cancel()
            self._task = None

    async def _look_after(self) -> None:
        async with wakes.watch(TOPIC) as watch:
            while True:
                await watch.changed(timeout_s=await self._looked())

    async def _looked(self) -> float:
        """End what is to end; in how many seconds to look again."""
        tokens = {token for connection in self._open if (token := connection.access_token)}
        if not tokens:
            return LOOK_EVERY_S
        try:
            async with transaction() as db:
                ends = await good_until(db, tokens)
        except SQLAlchemyError as error:  # whoever cannot be asked about stays
            log.warning("open sign-ins could not be looked at", error=str(error))
            return TRY_AGAIN_S
        for connection in self._open:
            if connection.access_token in tokens and connection.access_token not in ends:
                self._end(connection)
        return _seconds_until(min(ends.values(), default=None))

    def _end(self, connection: Signed) -> None:
        """Nobody else waits for a connection that is slow to close."""
        task = asyncio.create_task(connection.forbid())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


def _seconds_until(moment: datetime | None) -> float:
    return LOOK_EVERY_S if moment is None else min(LOOK_EVERY_S, max(0.01, (moment - clock.now()).total_seconds()))
