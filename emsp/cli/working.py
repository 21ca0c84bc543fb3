"""`emsp work`: what happens later, and the wake-ups that one of all these processes passes on."""

from __future__ import annotations

import asyncio
import gc
import os

from emsp import hearing, jobs
from emsp.settings import settings

GIVES_WAY = 5
"""How much nicer than a server a worker is: a long job beside it does not hold up who waits for a short answer."""


async def work(concurrency: int, background: int) -> None:
    """Work until cancelled."""
    gc.freeze()  # what is loaded stays: looking through it takes a fifth of a second each time
    gc.set_threshold(50_000, 20, 50)  # a page that is pulled makes thousands of objects, none of them garbage yet
    if hasattr(os, "nice"):
        os.nice(GIVES_WAY)
    async with asyncio.TaskGroup() as group:
        group.create_task(jobs.work(concurrency=concurrency, background=background))
        if settings().nats_url:
            group.create_task(hearing.pass_on())
