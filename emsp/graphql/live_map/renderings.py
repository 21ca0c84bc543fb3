"""Payloads for watchers: made once for all who asked the same, by the very machinery that answers one of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from strawberry.schema import BaseSchema
from strawberry.types.execution import ExecutionResult

from emsp import logs
from emsp.graphql.live_map.events import event_of, stage_for
from emsp.graphql.live_map.plans import plan_of
from emsp.graphql.live_map.states import State
from emsp.graphql.viewer import Context
from emsp.stations.geo import Box

KEPT_MAX, KEPT_S = 5000, 5.0
log = logs.log(__name__)


@dataclass(frozen=True)
class Asked:
    """What a subscriber asked: a document, its variables, and which of its operations is meant."""

    schema: BaseSchema
    query: str
    variables: Mapping[str, Any] | None
    operation_name: str | None

    @property
    def is_text(self) -> bool:
        """Whether it is made of what it should be: apps send anything."""
        return isinstance(self.query, str) and isinstance(self.operation_name, str | None)

    async def played(self, context: Context) -> AsyncGenerator[Any, None]:
        """The stream of results for who asks in `context`."""
        variables = dict(self.variables) if self.variables is not None else None
        return await self.schema.stream(
            self.query, variable_values=variables, context_value=context, operation_name=self.operation_name
        )


async def box_asked_for(asked: Asked, context: Context) -> Box | None:
    """The box of a subscription, read without watching anything; None when what was asked has an error somewhere."""
    stage = stage_for(context)
    with suppress(Exception):  # whatever it is, it comes again when the subscription is played to be answered
        async with aclosing(await asked.played(stage)) as results:
            async for _ in results:
                return None
        return stage.box
    return None


class Rendering:
    """One document with its variables, played again and again with another station in it.

    What was made is kept for a while: everybody who watches is to be told a change at the same time, and thousands of
    apps come back at once when a connection was lost for all of them.
    """

    def __init__(
        self, asked: Asked, context: Context, encode: Callable[[object], str], *, is_shared: bool = False
    ) -> None:
        self.is_shared = is_shared
        self._asked, self._context, self._encode = asked, context, encode
        self._stage = stage_for(context)
        self._plan = plan_of(asked.schema, asked.query, asked.operation_name, asked.variables)
        self._stream: AsyncGenerator[Any, None] | None = None
        self._lock = asyncio.Lock()
        self._kept: dict[int, tuple[State, float, str]] = {}

    def kept(self, state: State) -> str | None:
        """The payload of `state`, if it was made already and is not too old to be true."""
        state_then, made_at, payload = self._kept.get(state.station_id, (None, 0.0, ""))
        if state_then is state:
            return payload
        recent = time.monotonic() - made_at < KEPT_S
        return payload if state_then and recent and state.is_like(state_then) else None

    async def payload(self, state: State) -> str:
        """What a `next` message is to carry, as JSON."""
        await self.make([state])
        _, _, payload = self._kept[state.station_id]
        return payload

    async def make(self, states: Sequence[State]) -> None:
        """Have the payloads of some stations ready, a hundred at most; made together, each costs less."""
        async with self._lock:
            missing = [state for state in states if self.kept(state) is None]
            for state, payload in zip(missing, await self._payloads(missing), strict=True):
                self._keep(state, self._encode(payload))

    async def _payloads(self, states: Sequence[State]) -> list[dict[str, Any]]:
        self._stage.asker = self._context.asker
        try:
            if self._plan:
                return [{"data": told} for told in await self._plan.data(list(map(event_of, states)), self._stage)]
        except Exception as error:  # told, and logged, by graphql-core, which makes it again
            if len(states) > 1:
                return [payload for state in states for payload in await self._payloads([state])]
            log.debug("no plan tells this", reason=repr(error))
        return [_payload(await self._result(state)) for state in states]

    async def _result(self, state: State) -> ExecutionResult:
        self._stage.state, self._stage.asker = state, self._context.asker
        try:
            return await anext(await self._played())
        except StopAsyncIteration:  # it ends with the first fault, and with a task that is cancelled in mid-play
            self._stream = None
            return await anext(await self._played())

    async def _played(self) -> AsyncGenerator[Any, None]:
        if self._stream is None:
            self._stream = await self._asked.played(self._stage)
        return self._stream

    def _keep(self, state: State, payload: str) -> None:
        self._kept.pop(state.station_id, None)
        self._kept[state.station_id] = (state, time.monotonic(), payload)
        if len(self._kept) > KEPT_MAX:
            del self._kept[next(iter(self._kept))]


def _payload(result: ExecutionResult) -> dict[str, Any]:
    payload: dict[str, Any] = {"data": result.data}
    if result.errors:
        payload["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        payload["extensions"] = result.extensions
    return payload
