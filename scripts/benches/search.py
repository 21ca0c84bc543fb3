"""The station index against spatial databases: streets, the nearest that fit, clusters near and far, words.

Each size of the continent has a process of its own, and they take turns. In a round every question is put to every
side, one after the other in an order that changes, and answers are compared before anything is timed. Rivals have
their counts beside the station and need not count all that fits; ours does both, counts and keeps them true.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import shutil
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import cache
from inspect import isawaitable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any

from _database import continent, scratch, server, use
from _questions import CLUSTER_FILTER, CONTINENT_ZOOM, COUNTRY_ZOOM, Questions, middle, questions
from _report import Report, options, quantile, tell
from rivals import pins, postgis, sqlite

from emsp.settings import settings

SIZES, QUICK_SIZES = (20_000, 100_000, 400_000), (2_000, 20_000)
OURS = "emsp"
MEMORY = "memory of a further process, all filters used"
KINDS = ("street", "nearest 20, filtered", "country clusters", "continent clusters",
         "country clusters, filtered", "continent clusters, filtered", "text")  # fmt: skip
Ask = Callable[[], Any | Awaitable[Any]]
Times = dict[str, dict[str, list[float]]]


def main() -> int:
    """Plays the rounds and prints the table."""
    parser = options(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", help="locations (default: 20,000, 100,000 and 400,000)")
    chosen = parser.parse_args()
    chosen.sizes = chosen.sizes or list(QUICK_SIZES if chosen.quick else SIZES)
    report = Report("Station search, microseconds", chosen)
    with ExitStack() as stack:
        if postgis.embedded_can(server()):
            report.remark("The embedded PostgreSQL can load PostGIS by now: compare with it instead.")
        there = stack.enter_context(postgis.server()) if postgis.installed() else None
        if there is None:
            report.remark("PostGIS is not here and could not be installed: compared with SQLite only.")
        urls = [stack.enter_context(continent(count)) for count in chosen.sizes]
        sides: list[_Size] = []
        try:
            for count, url in zip(chosen.sizes, urls, strict=True):
                side = _Size(count, url, there, chosen)
                sides.append(side)
                for row, (value, unit) in side.told().items():  # one begins when the one before it is there
                    report.add(f"{count // 1000}k {row}", OURS, value, unit)
            for number in range(chosen.rounds):
                for side in sides:
                    tell(f"round {number + 1}, {side.count:,} locations")
                    side.play(number, report)
        finally:
            for side in sides:
                side.end()
    _promise(report, chosen.sizes)
    return report.finish()


class _Size:
    """A process that holds one size of the continent, its index and its rivals."""

    def __init__(self, count: int, url: str, there: str | None, chosen: Namespace) -> None:
        self.count = count
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, url, there, chosen.quick), daemon=True)
        self.process.start()
        theirs.close()

    def told(self) -> Any:
        """The next thing that it says. Ends the bench where a side answers otherwise."""
        said = self.pipe.recv()
        if isinstance(said, str):
            raise SystemExit(f"{self.count:,} locations: {said}")
        return said

    def play(self, number: int, report: Report) -> None:
        """One round; its figures go to the report."""
        self.pipe.send(number)
        for kind, sides in self.told().items():
            for side, times in sides.items():
                for name, share in (("p50", 0.5), ("p99", 0.99))[: 1 if "clusters" in kind else 2]:
                    report.add(f"{self.count // 1000}k {kind} {name}", side, quantile(times, share) * 1e6, "us")

    def end(self) -> None:
        """No more rounds."""
        if self.process.is_alive():
            self.pipe.send(None)
            self.process.join(30)


def _serve(pipe: Connection, url: str, there: str | None, quick: bool) -> None:
    try:
        use(url)
        asyncio.run(_play(pipe, url, there, quick))
        shutil.rmtree(scratch() / f"index-{os.getpid()}", ignore_errors=True)
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")


async def _play(pipe: Connection, url: str, there: str | None, quick: bool) -> None:
    from _ours import Ours

    from emsp.db.engine import transaction

    starts, before_mib = await _starts()
    async with transaction() as db:
        ours = Ours(db)
        starts[MEMORY] = (await _used_mib(ours, url, quick) - before_mib, "MiB")
        rivals = _rivals(url, there)
        await _agree(ours, rivals, questions(url, 99, quick=True))
        pipe.send(starts)
        while (number := await asyncio.to_thread(pipe.recv)) is not None:
            pipe.send(await _round(ours, rivals, questions(url, number, quick=quick), random.Random(number)))


async def _starts() -> tuple[dict[str, tuple[float, str]], float]:
    """How long the index takes to be there, without a file of it and with one; the process's memory before it."""
    from _ours import load, own_mib

    from emsp.stations.index import live

    os.environ["EMSP_DATA_DIR"] = str(scratch() / f"index-{os.getpid()}")
    settings.cache_clear()
    read_s, _ = await load()
    await live.stop()
    gc.collect()
    before_mib = own_mib()
    mapped_s, _ = await load()
    return {"index from the database": (read_s, "s"), "index from its file": (mapped_s, "s")}, before_mib


async def _used_mib(ours: Any, url: str, quick: bool) -> float:
    """The memory that this process shares with nobody once every question of a round was asked, with all filters."""
    from _ours import own_mib

    for _, ask in _asks(ours, questions(url, 98, quick=quick)):
        await ask()
    gc.collect()
    return own_mib()


def _rivals(url: str, there: str | None) -> list[Any]:
    name = url.partition("?")[0].rsplit("/", 1)[1]
    file = scratch() / f"{name}.sqlite"
    copies = cache(lambda: pins.copied(url))
    found: list[Any] = [sqlite.Sqlite(sqlite.Sqlite.fill(file, copies))]
    return [postgis.PostGis(postgis.PostGis.fill(there, name, copies)), *found] if there else found


def _asks(side: Any, asked: Questions) -> list[tuple[str, Ask]]:
    """Every question to a side, by its kind."""
    ours = side.name == OURS
    asks: list[tuple[str, Ask]] = [
        *(("street", lambda box=box: side.street(box, middle(box))) for box in asked.streets),
        *(("nearest 20, filtered", lambda q=q: side.nearest(q[:2], q[2])) for q in asked.nearest),
        *(("text", lambda words=words: side.text(words)) for words in asked.texts),
    ]
    for zoom, name, boxes in (
        (COUNTRY_ZOOM, "country", asked.countries),
        (CONTINENT_ZOOM, "continent", asked.continents),
    ):
        for suffix, wanted in (("", None), (", filtered", CLUSTER_FILTER)):
            grain: Any = zoom if ours else 360 / 2**zoom / 4
            asks += [
                (f"{name} clusters{suffix}", lambda b=box, g=grain, w=wanted: side.clusters(b, g, w)) for box in boxes
            ]
    return asks


async def _round(ours: Any, rivals: list[Any], asked: Questions, dice: random.Random) -> Times:
    times: Times = {kind: {} for kind in KINDS}
    sides = [ours, *rivals]
    columns = [(side.name, _asks(side, asked)) for side in sides]
    for number in range(len(columns[0][1])):
        for name, asks in dice.sample(columns, len(columns)):
            kind, ask = asks[number]
            started = perf_counter()
            answer = ask()
            if isawaitable(answer):
                await answer
            times[kind].setdefault(name, []).append(perf_counter() - started)
    return times


async def _agree(ours: Any, rivals: list[Any], asked: Questions) -> None:
    """Raises ValueError unless every side gives the same rows."""
    mine = [(kind, await ask()) for kind, ask in _asks(ours, asked)]
    for rival in rivals:
        for (kind, answer), (_, ask) in zip(mine, _asks(rival, asked), strict=True):
            left, right = _compared(kind, answer, ours=True), _compared(kind, ask(), ours=False)
            if left != right:
                raise ValueError(f"{kind}: emsp and {rival.name} differ: {_difference(left, right)}")


def _compared(kind: str, answer: list[Any], *, ours: bool) -> Any:
    if "clusters" in kind:
        where = slice(0, 6) if ours else slice(2, 8)
        cells = [row[where] for row in answer]
        return sorted(row[2:] if ours else (row[0], row[1], row[2], row[5]) for row in cells)
    if kind == "text":
        return len(answer)
    return sorted((*row[:2], round(row[2], 6), round(row[3], 6), *row[4:6]) for row in answer)


def _difference(left: Any, right: Any) -> str:
    if isinstance(left, int):
        return f"{left} and {right} rows"
    only, other = [row for row in left if row not in right], [row for row in right if row not in left]
    return f"{len(left)} and {len(right)} rows; {only[:2]} against {other[:2]}"


def _promise(report: Report, sizes: list[int]) -> None:
    rivals = ("PostGIS", "SQLite R*Tree")
    large = f"{max(sizes) // 1000}k"
    for kind, which, limit in (("street", "p50", 0.5), ("nearest 20, filtered", "p99", 0.2)):
        row = f"{large} {kind} {which}"
        report.promise(f"{row} / better rival", (row, OURS), (row, rivals), at_most=limit)
    for kind in KINDS[2:6]:
        row = f"{large} {kind} p50"
        report.promise(f"{row} / better rival", (row, OURS), (row, rivals), at_most=0.05)
    for row, limit in (("from the database", 30.0), ("from its file", 3.0)):
        report.within(f"{large} index {row}", OURS, limit)
    report.within(f"{large} {MEMORY}", OURS, 60)
    for kind in KINDS[:6] if min(sizes) < max(sizes) else ():
        small, grown = (f"{size // 1000}k {kind} p50" for size in (min(sizes), max(sizes)))
        limit = 3.0 if "clusters, filtered" in kind else 1.5
        report.promise(f"{kind}: {max(sizes) // min(sizes)}x data", (grown, OURS), (small, (OURS,)), at_most=limit)


if __name__ == "__main__":
    sys.exit(main())
