"""What is asked at the same time is done in one transaction, and each is answered once that has committed.

The first one starts at once; what comes while a transaction is under way shares the next one. Under load, the cost of
a commit is divided among all who wait for it; without load, nobody waits for company.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class _Queue(Generic[Question, Answer]):
    """What waits in one event loop."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[Question, asyncio.Future[Answer]]] = deque()
        self.workers = set[asyncio.Task[None]]()


class Together(Generic[Question, Answer]):
    """Questions that `do` answers many at a time, in their order; an error of it is everybody's."""

    def __init__(
        self, do: Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]], *, most: int = 200, at_once: int = 1
    ) -> None:
        """`at_once` is how many transactions there may be: with two, one is worked out while the other is written."""
        self._do, self._most, self._at_once = do, most, at_once
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue[Question, Answer]] = WeakKeyDictionary()

    async def ask(self, question: Question) -> Answer:
        """The answer, once the transaction that it was found in has committed."""
        loop = asyncio.get_running_loop()
        queue = self._queues.get(loop) or self._queues.setdefault(loop, _Queue())
        future: asyncio.Future[Answer] = loop.create_future()
        queue.waiting.append((question, future))
        if len(queue.workers) < self._at_once:
            worker = loop.create_task(self._work(queue), context=Context())
            queue.workers.add(worker)
        return await future

    async def _work(self, queue: _Queue[Question, Answer]) -> None:
        try:
            while queue.waiting:
                await self._answer(queue)
        finally:  # at once, so that who asks next finds no worker that has ended
            queue.workers = {worker for worker in queue.workers if worker is not asyncio.current_task()}

    async def _answer(self, queue: _Queue[Question, Answer]) -> None:
        """Answer those who wait, or tell them what failed."""
        batch = [queue.waiting.popleft() for _ in range(min(self._most, len(queue.waiting)))]
        try:
            answers = await self._do([question for question, _ in batch])
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        finally:
            for _, future in batch:
                future.cancel()  # whom nobody answered, as this was cancelled
