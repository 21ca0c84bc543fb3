"""Apps that ask for the map at a fixed rate, answered or not, in a process of their own: what a driver waits for.

Started as `_asker.py URL RATE SECONDS`, with a request's body on each line of standard input; prints JSON: seconds that
each answer took, counted from when it should have been asked for, and what went wrong.
"""

from __future__ import annotations

import asyncio
import gc
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import NamedTuple

import httpx
import orjson

JSON = {"content-type": "application/json"}
CALM_S = 3
"""Connections are given up before the server does."""


class Answers(NamedTuple):
    """Seconds of every answer, and faults by what was wrong."""

    taken: list[float]
    faults: dict[str, int]


async def ask(url: str, bodies: list[bytes], rate: float, seconds: float) -> Answers:
    """The same in another process, which shares neither event loop nor memory with the rest of a bench."""
    command = (sys.executable, __file__, url, str(rate), str(seconds))
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate(b"\n".join(bodies))
    return Answers(*orjson.loads(said))


async def at_rate(rate: float, seconds: float, story: Callable[[float], Awaitable[None]]) -> None:
    """Begin a story so many times a second, each with the time at which it is due; what was begun is ended."""
    started, tasks = perf_counter(), set[asyncio.Task[None]]()
    try:
        for number in range(int(rate * seconds)):
            due = started + number / rate
            await asyncio.sleep(max(0.0, due - perf_counter()))
            task = asyncio.ensure_future(story(due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
    finally:
        await asyncio.gather(*tasks)


def client(url: str, **headers: str) -> httpx.AsyncClient:
    """Connections to a server."""
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200, keepalive_expiry=CALM_S)
    return httpx.AsyncClient(base_url=url, timeout=30, trust_env=False, limits=limits, headers=headers)


async def _ask_all(url: str, bodies: list[bytes], rate: float, seconds: float) -> Answers:
    dice, taken, faults = random.Random(4), list[float](), Counter[str]()
    async with client(url) as app:

        async def one(due: float) -> None:
            try:
                answer = await app.post("/graphql", content=dice.choice(bodies), headers=JSON)
                if answer.status_code != 200 or b'"errors"' in answer.content:
                    faults[f"a map query: {answer.status_code} {answer.text[-200:]}"] += 1
            except httpx.HTTPError as error:
                faults[f"a map query: {type(error).__name__}"] += 1
            taken.append(perf_counter() - due)

        await at_rate(rate, seconds, one)
    return Answers(taken, faults)


if __name__ == "__main__":
    gc.freeze()
    arguments = sys.argv[1], sys.stdin.buffer.read().splitlines(), float(sys.argv[2]), float(sys.argv[3])
    sys.stdout.buffer.write(orjson.dumps(tuple(asyncio.run(_ask_all(*arguments)))))
