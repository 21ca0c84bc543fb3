"""Live maps: a thousand and five thousand apps that watch streets of towns while statuses change.

Statuses are written to PostgreSQL by this process, as a push of an operator writes them, a hundred a second; the
server hears of them and tells whoever watches the place. The rival is strawberry's own handler on the same server; for
it one row is written, and what changed is in the notice. Both send the same messages; what is measured is their
processor time for each, and how long after the write was begun a subscriber has it. The clients run in this process, on
the other core; they connect to both sides once, which then take turns.
"""

from __future__ import annotations

import asyncio
import gc
import random
import resource
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import _continent
import _servers
import orjson
import psutil
import psycopg
from _database import continent
from _questions import Row
from _report import Report, options, quantile, tell
from _sockets import Subscriber

OURS, STOCK = "emsp", "strawberry's handler"
LOCATIONS, BOXES = 20_000, 200
WIDTH_DEG, HEIGHT_DEG = 0.014, 0.008
CHANGES_A_SECOND, CALM_S = 100, 2
BESIDE = "bench_beside"
SUBSCRIPTION = """subscription Map($box: BoxInput!) { stationAvailabilityChanged(box: $box) {
  station { name } availability { available occupied total asOf } } }"""
WATCHED = """
    SELECT s.id, s.name, s.longitude, s.latitude, s.country_code, s.party_id, s.external_id,
           array_agg(e.uid ORDER BY e.id), array_agg(e.status ORDER BY e.id)
      FROM station s JOIN evse e ON e.station_id = s.id GROUP BY s.id
"""


class Place(NamedTuple):
    """A station that is watched, and the statuses of its EVSEs, which change; each side has its own."""

    row: tuple[Any, ...]
    statuses: list[str]


Write = Callable[[Place, datetime], Awaitable[None]]


class Run:
    """What subscribers heard."""

    def __init__(self) -> None:
        self.begun: dict[str, float] = {}
        self.latencies: list[float] = []
        self.messages = 0
        self.bytes = 0

    def forget(self) -> None:
        """Begin anew."""
        self.begun, self.latencies, self.messages, self.bytes = {}, [], 0, 0

    def heard(self, subscriber: Subscriber, payload: bytes) -> None:
        """A message, at the time it is here."""
        self.messages += 1
        self.bytes += len(payload)
        _, found, rest = payload.partition(b'"asOf":')
        as_of = rest.lstrip(b' "')[:26].decode() if found else ""
        if began := self.begun.get(as_of[:23]):
            self.latencies.append(perf_counter() - began)


def main() -> int:
    """Plays the rounds and prints the table."""
    parser = options(__doc__)
    parser.add_argument("--subscribers", type=int, nargs="+", default=[1000, 5000], help="how many (1,000 and 5,000)")
    parser.add_argument("--seconds", type=float, default=10, help="how long each time")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.subscribers, chosen.seconds, chosen.rounds = [200], 4, 2
    report = Report(f"Subscribers of the map, {CHANGES_A_SECOND} status changes a second", chosen)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with continent(2_000 if chosen.quick else LOCATIONS, own=True) as url, ExitStack() as stack:
        _servers.prepare()
        where, ours = stack.enter_context(_servers.emsp())
        port = _servers.free_port()
        script = Path(__file__).with_name("rivals") / "stock_subscriptions.py"
        stock = stack.enter_context(
            _servers.running("stock subscriptions", [sys.executable, str(script)], port, "/readyz", DATABASE=url)
        )
        sides = {OURS: (int(where.rpartition(":")[2]), ours), STOCK: (port, stock)}
        asyncio.run(_play(report, url, sides))
    for count in chosen.subscribers:
        for what, limit in (("processor time a message", 0.4), ("p99", 0.6)):
            row = f"{count:,}: {what}"
            report.promise(f"{row} / {STOCK}", (row, OURS), (row, (STOCK,)), at_most=limit)
    return report.finish()


async def _play(report: Report, url: str, sides: dict[str, tuple[int, psutil.Process]]) -> None:
    from emsp.db import engine

    places = _places(url)
    dice = random.Random(3)
    boxes = [_box(dice.choice(places)) for _ in range(BOXES)]
    inside = [place for place in places if any(_holds(box, place) for box in boxes)]
    watched = {name: [Place(place.row, list(place.statuses)) for place in inside] for name in sides}
    clock = [_continent.MADE_AT + timedelta(days=40)]  # later than what is stored, which would be refused
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as plain:
        await plain.execute(f"CREATE TABLE {BESIDE} (id bigint PRIMARY KEY, told text NOT NULL)")
        writers: dict[str, Write] = {OURS: _write_status, STOCK: partial(_write_beside, plain)}
        for count in report.chosen.subscribers:
            connected = {
                name: await _connected(report, name, port, process, count, boxes)
                for name, (port, process) in sides.items()
            }
            for number in range(report.chosen.rounds):
                for name, watchers in connected.items():
                    tell(f"{count:,} subscribers, round {number + 1}: {name}")
                    await _round(report, name, watchers, writers[name], count, boxes, watched[name], clock, dice)
            for watchers in connected.values():
                watchers.leave(report)
    await engine.dispose()


class Watchers(NamedTuple):
    """Subscribers of one side, and its processes."""

    subscribers: list[Subscriber]
    heard: Run
    process: psutil.Process

    def busy_s(self) -> float:
        """Processor time of the side."""
        return sum(times.user + times.system for each in _servers.family(self.process) if (times := each.cpu_times()))

    def memory_mib(self) -> float:
        """Of the side."""
        return float(sum(each.memory_info().rss for each in _servers.family(self.process)) / 2**20)

    def leave(self, report: Report) -> None:
        """Nobody watches any more; who was lost before is told."""
        lost = [each.failed for each in self.subscribers if each.failed]
        if lost:
            report.miss(f"{len(lost)} of {len(self.subscribers):,} subscribers were lost: {lost[0]}")
        for each in self.subscribers:
            each.transport.abort()


async def _connected(
    report: Report, name: str, port: int, process: psutil.Process, count: int, boxes: list[Row]
) -> Watchers:
    """Everybody watches, and was told how it is at the beginning."""
    loop, watchers = asyncio.get_running_loop(), Watchers([], Run(), process)
    tell(f"{count:,} subscribers arrive: {name}")
    before_s, began = watchers.busy_s(), perf_counter()
    for number in range(count - count % len(boxes) if count >= len(boxes) else count):
        box = dict(zip(("west", "south", "east", "north"), boxes[number % len(boxes)], strict=True))
        asked = {"query": SUBSCRIPTION, "variables": {"box": box}}
        made = partial(Subscriber, asked, watchers.heard.heard)
        watchers.subscribers.append((await loop.create_connection(made, "127.0.0.1", port))[1])
        if number % 10 == 9:
            await asyncio.sleep(0.01)
    await _quiet(watchers.heard)
    report.add(f"{count:,}: until all have arrived", name, perf_counter() - began - CALM_S, "s")
    report.add(f"{count:,}: processor time an arrival", name, (watchers.busy_s() - before_s) / count * 1e3, "ms")
    report.add(f"{count:,}: states at the beginning", name, watchers.heard.messages, "")
    return watchers


async def _round(
    report: Report, name: str, watchers: Watchers, write: Write, count: int, boxes: list[Row], watched: list[Place],
    clock: list[datetime], dice: random.Random,
) -> None:  # fmt: skip
    run, before_s, expected = watchers.heard, watchers.busy_s(), 0
    run.forget()
    gc.collect()
    started = perf_counter()
    for step in range(int(report.chosen.seconds * CHANGES_A_SECOND)):
        await asyncio.sleep(max(0.0, started + step / CHANGES_A_SECOND - perf_counter()))
        place = dice.choice(watched)
        await _change(place, run, clock, write)
        expected += sum(_holds(box, place) * (count // len(boxes)) for box in boxes)
    wrote_s = perf_counter() - started
    await _quiet(run)
    busy_s = watchers.busy_s() - before_s
    if not run.messages or not run.latencies:
        report.miss(f"{name}, {count:,}: nothing was heard")
        return
    report.add(f"{count:,}: processor time a message", name, busy_s / run.messages * 1e6, "us")
    report.add(f"{count:,}: p50", name, quantile(run.latencies, 0.5) * 1e3, "ms")
    report.add(f"{count:,}: p99", name, quantile(run.latencies, 0.99) * 1e3, "ms")
    report.add(f"{count:,}: messages of those expected", name, run.messages / expected * 100, "%")
    report.add(f"{count:,}: messages a second", name, run.messages / wrote_s, "1/s")
    report.add(f"{count:,}: bytes a message", name, run.bytes / run.messages, "B")
    report.add(f"{count:,}: memory", name, watchers.memory_mib(), "MiB")


async def _quiet(run: Run) -> None:
    """Until nothing more comes."""
    calm_s = 0
    for _ in range(120):
        heard = run.messages
        await asyncio.sleep(1)
        calm_s = calm_s + 1 if run.messages == heard else 0
        if calm_s == CALM_S:
            return


async def _change(place: Place, run: Run, clock: list[datetime], write: Write) -> None:
    """Another status of one EVSE."""
    clock[0] += timedelta(milliseconds=1)
    status = "CHARGING" if place.statuses[0] == "AVAILABLE" else "AVAILABLE"
    place.statuses[0] = status
    run.begun[clock[0].isoformat(timespec="milliseconds")[:23]] = perf_counter()
    await write(place, clock[0])


async def _write_status(place: Place, as_of: datetime) -> None:
    """As a push writes it."""
    from emsp.db.engine import transaction
    from emsp.stations import changes

    _, _, _, _, country_code, party_id, external_id, uids, _ = place.row
    async with transaction() as db:
        await changes.set_evse_status(db, country_code, party_id, external_id, uids[0], place.statuses[0], as_of)


async def _write_beside(connection: psycopg.AsyncConnection[Any], place: Place, as_of: datetime) -> None:
    """One row, and a notice with all that the rival is to know."""
    counts = [place.statuses.count("AVAILABLE"), sum(each in ("CHARGING", "BLOCKED") for each in place.statuses)]
    told = orjson.dumps([*place.row[:2], *counts, len(place.statuses), as_of.isoformat()]).decode()
    await connection.execute(
        f"WITH written AS (INSERT INTO {BESIDE} VALUES (%(id)s, %(told)s)"
        " ON CONFLICT (id) DO UPDATE SET told = excluded.told) SELECT pg_notify('bench', %(told)s)",
        {"id": place.row[0], "told": told},
    )


def _places(url: str) -> list[Place]:
    with psycopg.connect(url) as connection:
        return [Place(row, list(row[8])) for row in connection.execute(WATCHED).fetchall()]


def _box(place: Place) -> Row:
    longitude, latitude = place.row[2:4]
    return (longitude - WIDTH_DEG / 2, latitude - HEIGHT_DEG / 2, longitude + WIDTH_DEG / 2, latitude + HEIGHT_DEG / 2)


def _holds(box: Row, place: Place) -> bool:
    return box[0] <= place.row[2] <= box[2] and box[1] <= place.row[3] <= box[3]


if __name__ == "__main__":
    sys.exit(main())
