"""`emsp work`: what happens later, and the wake-ups that one of all these processes passes on."""

from __future__ import annotations

import asyncio

from emsp import hearing, jobs
from emsp.settings import settings


async def work(concurrency: int, background: int) -> None:
    """Work until cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(jobs.work(concurrency=concurrency, background=background))
        if settings().nats_url:
            group.create_task(hearing.pass_on())
