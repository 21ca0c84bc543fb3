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

import orjson
from _plain import BROKEN, Client


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


async def _ask_all(url: str, bodies: list[bytes], rate: float, seconds: float) -> Answers:
    dice, taken, faults = random.Random(4), list[float](), Counter[str]()
    app = Client(url)

    async def one(due: float) -> None:
        try:
            answer = await app.send("POST", "/graphql", dice.choice(bodies))
            if answer.status_code != 200 or b'"errors"' in answer.content:
                faults[f"a map query: {answer.status_code} {answer.text[-200:]}"] += 1
        except BROKEN as error:
            faults[f"a map query: {type(error).__name__}"] += 1
        taken.append(perf_counter() - due)

    await at_rate(rate, seconds, one)
    app.close()
    return Answers(taken, faults)


if __name__ == "__main__":
    gc.freeze()
    arguments = sys.argv[1], sys.stdin.buffer.read().splitlines(), float(sys.argv[2]), float(sys.argv[3])
    sys.stdout.buffer.write(orjson.dumps(tuple(asyncio.run(_ask_all(*arguments)))))
