"""Live maps: a thousand and five thousand apps that watch streets of towns while statuses change.

Statuses are written to PostgreSQL by this process, as a push of an operator writes them, a hundred a second; the
servers hear of them and tell whoever watches the place. The rival is strawberry's own handler, which is given what
changed and for whom. Both send the same messages; what is measured is their processor time for each, and how long after
the write was begun a subscriber has it. The clients run in this process, on the other core.
"""

from __future__ import annotations

import asyncio
import random
import resource
import sys
from contextlib import ExitStack
from datetime import datetime, timedelta
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
CHANGES_A_SECOND, CALM_S = 100, 3
SUBSCRIPTION = """subscription Map($box: BoxInput!) { stationAvailabilityChanged(box: $box) {
  station { name } availability { available occupied total asOf } } }"""
WATCHED = """
    SELECT s.id, s.name, s.longitude, s.latitude, s.country_code, s.party_id, s.external_id,
           array_agg(e.uid ORDER BY e.id), array_agg(e.status ORDER BY e.id)
      FROM station s JOIN evse e ON e.station_id = s.id GROUP BY s.id
"""


class Place(NamedTuple):
    """A station that is watched, and the statuses of its EVSEs, which change."""

    row: tuple[Any, ...]
    statuses: list[str]


class Run:
    """What subscribers heard."""

    def __init__(self) -> None:
        self.begun: dict[str, float] = {}
        self.latencies: list[float] = []
        self.messages = 0
        self.bytes = 0

    def heard(self, _: Subscriber, payload: bytes) -> None:
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
    watched = [place for place in places if any(_holds(box, place) for box in boxes)]
    clock = [_continent.MADE_AT + timedelta(days=40)]  # later than what is stored, which would be refused
    for count in report.chosen.subscribers:
        for number in range(report.chosen.rounds):
            for name, (port, process) in sides.items():
                tell(f"{count:,} subscribers, round {number + 1}: {name}")
                await _round(report, name, port, process, count, boxes, watched, clock, dice)
    await engine.dispose()


async def _round(
    report: Report, name: str, port: int, process: psutil.Process, count: int, boxes: list[Row], watched: list[Place],
    clock: list[datetime], dice: random.Random,
) -> None:  # fmt: skip
    run = Run()
    subscribers = await _subscribe(port, count, boxes, run)
    states = run.messages
    before = sum(_busy_s(each) for each in _servers.family(process))
    run.messages = run.bytes = 0
    expected = 0
    started = perf_counter()
    for step in range(int(report.chosen.seconds * CHANGES_A_SECOND)):
        await asyncio.sleep(max(0.0, started + step / CHANGES_A_SECOND - perf_counter()))
        place = dice.choice(watched)
        await _change(place, run, clock)
        at = sum(_holds(box, place) * (count // len(boxes)) for box in boxes)
        expected += at
    wrote_s = perf_counter() - started
    await _quiet(run)
    busy_s = sum(_busy_s(each) for each in _servers.family(process)) - before
    failed = [each.failed for each in subscribers if each.failed]
    if failed:
        report.miss(f"{name}, {count:,}: {len(failed)} subscribers were lost: {failed[0]}")
    for each in subscribers:
        each.transport.abort()
    await asyncio.sleep(1)
    if not run.messages or not run.latencies:
        report.miss(f"{name}, {count:,}: nothing was heard ({states} messages at the beginning)")
        return
    report.add(f"{count:,}: processor time a message", name, busy_s / run.messages * 1e6, "us")
    report.add(f"{count:,}: p50", name, quantile(run.latencies, 0.5) * 1e3, "ms")
    report.add(f"{count:,}: p99", name, quantile(run.latencies, 0.99) * 1e3, "ms")
    report.add(f"{count:,}: messages of those expected", name, run.messages / expected * 100, "%")
    report.add(f"{count:,}: messages a second", name, run.messages / wrote_s, "1/s")
    report.add(f"{count:,}: bytes a message", name, run.bytes / run.messages, "B")
    report.add(
        f"{count:,}: memory", name, sum(each.memory_info().rss for each in _servers.family(process)) / 2**20, "MiB"
    )
    report.add(f"{count:,}: states at the beginning", name, states, "")


async def _subscribe(port: int, count: int, boxes: list[Row], run: Run) -> list[Subscriber]:
    loop, subscribers = asyncio.get_running_loop(), []
    for number in range(count - count % len(boxes) if count >= len(boxes) else count):
        box = dict(zip(("west", "south", "east", "north"), boxes[number % len(boxes)], strict=True))
        asked = {"query": SUBSCRIPTION, "variables": {"box": box}}
        _, subscriber = await loop.create_connection(lambda a=asked: Subscriber(a, run.heard), "127.0.0.1", port)
        subscribers.append(subscriber)
        if number % 50 == 49:
            await asyncio.sleep(0.05)
    await _quiet(run)
    return subscribers


async def _quiet(run: Run) -> None:
    """Until nothing more comes."""
    calm_s = 0
    for _ in range(120):
        heard = run.messages
        await asyncio.sleep(1)
        calm_s = calm_s + 1 if run.messages == heard else 0
        if calm_s == CALM_S:
            return


async def _change(place: Place, run: Run, clock: list[datetime]) -> None:
    """Another status of one EVSE, written as a push writes it, and told to the rival in the same transaction."""
    from sqlalchemy import text

    from emsp.db.engine import transaction
    from emsp.stations import changes

    id_, name, _, _, country_code, party_id, external_id, uids, _ = place.row
    clock[0] += timedelta(milliseconds=1)
    as_of = clock[0]
    status = "CHARGING" if place.statuses[0] == "AVAILABLE" else "AVAILABLE"
    place.statuses[0] = status
    counts = [place.statuses.count("AVAILABLE"), sum(each in ("CHARGING", "BLOCKED") for each in place.statuses)]
    told = [id_, name, *counts, len(place.statuses), as_of.isoformat()]
    run.begun[as_of.isoformat(timespec="milliseconds")[:23]] = perf_counter()
    async with transaction() as db:
        await changes.set_evse_status(db, country_code, party_id, external_id, uids[0], status, as_of)
        await db.execute(text("SELECT pg_notify('bench', :told)"), {"told": orjson.dumps(told).decode()})


def _places(url: str) -> list[Place]:
    with psycopg.connect(url) as connection:
        return [Place(row, list(row[8])) for row in connection.execute(WATCHED).fetchall()]


def _box(place: Place) -> Row:
    longitude, latitude = place.row[2:4]
    return (longitude - WIDTH_DEG / 2, latitude - HEIGHT_DEG / 2, longitude + WIDTH_DEG / 2, latitude + HEIGHT_DEG / 2)


def _holds(box: Row, place: Place) -> bool:
    return box[0] <= place.row[2] <= box[2] and box[1] <= place.row[3] <= box[3]


def _busy_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    sys.exit(main())
