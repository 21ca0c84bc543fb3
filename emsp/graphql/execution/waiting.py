"""Many coroutines at once, without a task for each that need not wait."""

from __future__ import annotations

import asyncio
import sys
import types
from collections.abc import Coroutine, Generator, Iterable, Sequence
from contextvars import Context, copy_context
from typing import Any

Started = Any  # what a coroutine gave at once, or the task in which it goes on


EAGER = sys.version_info >= (3, 12)


class Tasks:
    """The tasks of one request."""

    def __init__(self) -> None:
        self._all = list[asyncio.Task[Any]]()

    def start(self, coroutines: Iterable[Coroutine[Any, Any, Any]]) -> list[Started]:
        """Run each until it first waits: its result when it never does, else the task in which it goes on.

        All are begun before any goes on, so that what they load is loaded in one batch.
        """
        context = copy_context()
        return context.run(self._begun, coroutines, context)

    def _begun(self, coroutines: Iterable[Coroutine[Any, Any, Any]], context: Context) -> list[Started]:
        begun = list[Started]()
        for coroutine in coroutines:
            begun.append(self._eager(coroutine) if EAGER else self._by_hand(coroutine, context))
            if isinstance(begun[-1], asyncio.Task):
                self._all.append(begun[-1])
        return begun

    def _eager(self, coroutine: Coroutine[Any, Any, Any]) -> Started:
        given: dict[str, Any] = {"loop": asyncio.get_running_loop(), "eager_start": True}
        task = asyncio.Task(coroutine, **given)
        return task.result() if task.done() else task

    def _by_hand(self, coroutine: Coroutine[Any, Any, Any], context: Context) -> Started:
        """What `eager_start` does, for the Python before it."""
        try:
            waited = _marked(coroutine.send(None), False)
        except StopIteration as done:
            return done.value
        return asyncio.get_running_loop().create_task(_resumed(coroutine, waited), context=context)

    async def settle(self) -> None:
        """Wait for all of them, whatever comes of it; a task that is cancelled would take what it loads from others."""
        await asyncio.gather(*self._all, return_exceptions=True)


async def results(started: Sequence[Started]) -> list[Any]:
    """What was started, when all of it is done. Raises what one of them raised."""
    tasks = [one for one in started if isinstance(one, asyncio.Task)]
    if not tasks:
        return list(started)
    await asyncio.gather(*tasks)
    return [one.result() if isinstance(one, asyncio.Task) else one for one in started]


async def _resumed(coroutine: Coroutine[Any, Any, Any], waited: Any) -> Any:
    return await _rest(coroutine, waited)


@types.coroutine
def _rest(coroutine: Coroutine[Any, Any, Any], waited: Any) -> Generator[Any, Any, Any]:
    """The rest of a coroutine that was begun elsewhere and waits for `waited`."""
    _marked(waited, True)
    while True:
        try:
            step, given = coroutine.send, (yield waited)
        except BaseException as error:
            step, given = coroutine.throw, error
        try:
            waited = step(given)
        except StopIteration as done:
            return done.value


def _marked(waited: Any, is_awaited: bool) -> Any:
    """What a coroutine waits for, with or without the mark that tells a task that it came from an `await`.

    Between the two steps others wait for the same, and they must not find the mark.
    """
    if waited is not None:
        waited._asyncio_future_blocking = is_awaited
    return waited
