"""A day in little: map queries, statuses and running charges at once, against the same map queries with nothing else.

Two workers of `emsp serve`, two of `emsp work`, the sandbox's operator and card processor. Apps ask for the map at a
fixed rate, whether or not they are answered, from a process of their own: what they wait for is the service, not the
bench. First windows in which they ask alone, then two hundred charges that run all the time (a car that is full makes
room for the next one) and status PATCHes of another operator. All share the machine's cores, so that the rates are what
two cores can do with room to spare: what is measured is what a driver waits for, not how much can be done.

Cars charge twenty times as fast as on the road, so that charges begin and end all the time, and their operator reports
each of them every fifteen seconds, some four times as often as operators do. The windows begin when the drivers have
arrived. Whoever only loads the service does so with a plain client (`_plain`), as httpx took a third of a core.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sys
import tempfile
from argparse import Namespace
from collections import Counter
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any

import _asker
import _map
import _partner
import _servers
import httpx
import orjson
import psutil
from _database import continent
from _plain import BROKEN, Answer, Client
from _questions import viewports
from _report import Report, options, quantile, tell

LOCATIONS = 400_000
OURS, IDLE, FIRST, LAST = "mixed", "idle", "at the beginning", "at the end"
MEMORY = "memory of the service"
MAPS_A_SECOND, PATCHES_A_SECOND, CHARGES = 40, 50, 200
SPEED, UPDATE_EVERY_S = 20, 15
"""Cars charge so many times as fast as on the road, and the operator reports each of them so often."""
LOOK_EVERY_S = 5
WARM_S, WARM_RATE = 30, 4
ARRIVING = 10
CONNECTORS = """
    SELECT c.id, e.evse_id FROM connector c JOIN evse e ON e.id = c.evse_id JOIN station s ON s.id = e.station_id
     WHERE s.external_id LIKE 'SBX%' AND cardinality(c.tariff_keys) > 0 AND e.status = 'AVAILABLE'
       AND 'REMOTE_START_STOP_CAPABLE' = ANY(e.capabilities) AND c.position = 0 ORDER BY c.id"""
RUNNING = "SELECT count(*) FROM charging_session WHERE state = 'CHARGING'"


def main() -> int:
    """Plays both parts and prints the table."""
    parser = options(__doc__)
    parser.add_argument("--minutes", type=float, default=6, help="how long everything runs (default: %(default)s)")
    parser.add_argument("--charges", type=int, default=CHARGES, help="how many run at once (default: %(default)s)")
    parser.add_argument("--idle-s", type=float, default=15, help="seconds of an idle window (default: %(default)s)")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.minutes, chosen.charges, chosen.idle_s, chosen.rounds = 0.75, 10, 5, 2
    report = Report(f"{MAPS_A_SECOND} map queries a second, 2 workers, milliseconds", chosen)
    os.environ["EMSP_SECRET_KEY"] = "a key for chaos only"
    folder = Path(tempfile.mkdtemp(prefix="emsp-mixed-"))
    with continent(20_000 if chosen.quick else LOCATIONS, own=True) as url:
        asyncio.run(_play(report, chosen, url, folder))
    report.promise(f"p99 / {IDLE}", ("p99", OURS), ("p99", (IDLE,)), at_most=2)
    for row in [row for row in report.figures if row == MEMORY or row.startswith("resident")]:
        sides = report.figures[row]
        sides[FIRST], sides[LAST] = sides[OURS][:1], sides[OURS][-1:]
    report.promise("memory, end / beginning", (MEMORY, LAST), (MEMORY, (FIRST,)), at_most=1.1)
    if not report.missing:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        report.remark(f"Logs are in {folder / 'logs'}.")
    return report.finish()


async def _play(report: Report, chosen: Namespace, url: str, folder: Path) -> None:
    from tests.chaos.stage import Stage

    class Two(Stage):
        def _arguments(self, name: str) -> list[str]:
            more = {"api": ["--workers", "2"], "operator": ["--update-every-s", str(UPDATE_EVERY_S)]}
            return [*super()._arguments(name), *more.get(name, [])]

    stage = Two(folder, url, SPEED, max(chosen.charges, 60) * 2)
    faults = Counter[str]()
    try:
        tell("setting up")
        await asyncio.to_thread(stage.set_up)
        await asyncio.to_thread(_index_ready, stage.url("api"))
        bodies = [orjson.dumps(_map.asked(box)) for box in viewports(url, 5, 2_000)]
        await _ask(stage.url("api"), bodies, WARM_S, faults, MAPS_A_SECOND * WARM_RATE)  # what is made once is made
        for number in range(chosen.rounds):
            tell(f"idle, window {number + 1}")
            _tell(report, IDLE, await _ask(stage.url("api"), bodies, chosen.idle_s, faults))
        await _everything(report, chosen, stage, bodies, faults)
    finally:
        stage.stop()
    for what, times in faults.items():
        report.miss(f"{what}: {times} times")
    for name, times in stage.ended_by_themselves.items():
        report.miss(f"{name} ended by itself {times} times")


async def _everything(report: Report, chosen: Namespace, stage: Any, bodies: list[bytes], faults: Counter[str]) -> None:
    tell("the operator that sends statuses, and the drivers, arrive")
    token = await asyncio.to_thread(_partner.connect)
    evses = await asyncio.to_thread(_partner.push, stage.url("api"), token, range(100))
    done = Counter[str]()
    patches = asyncio.create_task(_patch(stage.url("api"), token, evses, done, faults))
    charges = asyncio.create_task(_charge_all(stage, chosen.charges, done, faults))
    try:
        if not await _until_running(stage, chosen.charges, chosen.minutes * 30):
            faults["so many charges never ran at once"] += 1
        _weigh(report, stage)
        window_s = chosen.minutes * 60 / chosen.rounds
        for number in range(chosen.rounds):
            running = stage.rows(RUNNING)[0][0]
            tell(f"everything, window {number + 1}: {running} charges run")
            _tell(report, OURS, await _ask(stage.url("api"), bodies, window_s, faults))
            _weigh(report, stage)
            report.add("charges that run", OURS, float(running), "")
        report.add("charges begun", OURS, float(done["charges"]), "")
        report.add("statuses sent", OURS, float(done["patches"]), "")
    finally:
        for task in (patches, charges):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _weigh(report: Report, stage: Any) -> None:
    """What belongs to each process alone, without the index that they share, and with it."""
    processes = _servers.family(psutil.Process(stage.running["api"].pid))
    report.add(MEMORY, OURS, sum(each.memory_full_info().uss for each in processes) / 2**20, "MiB")
    serving = [each for each in processes if "spawn_main" in " ".join(each.cmdline())]
    working = [psutil.Process(process.pid) for name, process in stage.running.items() if name.startswith("worker")]
    for kind, some in (("serve", serving), ("work", working)):
        for number, each in enumerate(some):
            report.add(f"resident, {kind} {number + 1}", OURS, each.memory_info().rss / 2**20, "MiB")


def _tell(report: Report, side: str, taken: list[float]) -> None:
    report.add("p50", side, quantile(taken, 0.5) * 1e3, "ms")
    report.add("p99", side, quantile(taken, 0.99) * 1e3, "ms")
    report.add("most", side, max(taken) * 1e3, "ms")


async def _ask(
    url: str, bodies: list[bytes], seconds: float, faults: Counter[str], rate: float = MAPS_A_SECOND
) -> list[float]:
    answers = await _asker.ask(url, bodies, rate, seconds)
    faults.update(answers.faults)
    return answers.taken


async def _patch(url: str, token: str, evses: list[_partner.Place], done: Counter[str], faults: Counter[str]) -> None:
    dice, seconds = random.Random(6), 0
    client = Client(url, authorization=f"Token {token}")

    async def one(_: float) -> None:
        nonlocal seconds
        seconds += 1
        status = dice.choice(("AVAILABLE", "CHARGING", "OUTOFORDER"))
        body = {"status": status, "last_updated": _partner.moment(seconds)}
        try:
            answer = await client.send("PATCH", dice.choice(evses).path, orjson.dumps(body))
            if answer.status_code != 200:
                faults[f"a PATCH: {answer.status_code} {answer.text[:200]}"] += 1
        except BROKEN as error:
            faults[f"a PATCH: {type(error).__name__}"] += 1
        done["patches"] += 1

    while True:
        await _asker.at_rate(PATCHES_A_SECOND, 5, one)


async def _charge_all(stage: Any, count: int, done: Counter[str], faults: Counter[str]) -> None:
    """So many drivers, each of whom charges again when the car is full."""
    from emsp.graphql.ids import encode
    from tests.chaos.app import Codes

    places = [(encode("Connector", row[0]), row[1]) for row in stage.rows(CONNECTORS)]
    random.Random(2).shuffle(places)
    codes, few = Codes(stage.log_of("api")), asyncio.Semaphore(ARRIVING)
    free = asyncio.Queue[tuple[str, str]]()
    for place in places:
        free.put_nowait(place)
    await asyncio.gather(*(_driver(stage, number, codes, few, free, done, faults) for number in range(count)))


async def _driver(
    stage: Any, number: int, codes: Any, few: asyncio.Semaphore, free: asyncio.Queue[tuple[str, str]],
    done: Counter[str], faults: Counter[str],
) -> None:  # fmt: skip
    from tests.chaos.app import App, GaveUp
    from tests.chaos.wishes import LOOK, QUOTE, START

    app = App(stage.url("api"), stage.url("cards"), codes, Counter())
    app._http = Phone()
    try:
        async with few:
            await app.sign_in(f"mixed{number}@example.com")
            await app.add_card("pm_card_visa")
        for turn in range(1_000):
            connector, _ = await free.get()
            async with few:
                wanted = {"connectorId": connector, "energyWh": 60_000}
                quote = (await app.ask(QUOTE, input=wanted))["quoteCharge"]["quote"]
                if not quote or not quote["total"]:
                    continue
                wish = {"quoteId": quote["id"], "connectorId": connector, "idempotencyKey": f"mixed {number} {turn}"}
                answer = (await app.ask(START, input=wish))["startCharging"]
            if answer["errors"]:
                done[f"refused: {answer['errors'][0]['code']}"] += 1
                continue
            done["charges"] += 1
            state = "REQUESTED"
            while state not in ("ENDED", "SETTLED", "FAILED", "PAYMENT_DUE", "IN_REVIEW"):
                await asyncio.sleep(LOOK_EVERY_S)
                state = (await app.ask(LOOK, id=answer["session"]["id"]))["chargingSession"]["state"]
            if state == "FAILED":
                done["failed"] += 1
    except GaveUp as error:
        faults[f"a driver: {error}"] += 1
    finally:
        await app.close()


class Phone:
    """As much of httpx's client as a driver's app uses, for a tenth of its CPU."""

    def __init__(self) -> None:
        self._clients = dict[str, Client]()

    async def post(self, url: str, *, json: Any, headers: dict[str, str] | None = None, **_: Any) -> Answer:
        """The answer. Raises httpx.TransportError."""
        host, path = url[: (end := url.index("/", 8))], url[end:]
        client = self._clients.setdefault(host, Client(host))
        try:
            return await client.send("POST", path, orjson.dumps(json), headers)
        except BROKEN as error:
            raise httpx.TransportError(str(error)) from error

    async def aclose(self) -> None:
        """Close what is open."""
        for client in self._clients.values():
            client.close()


async def _until_running(stage: Any, count: int, within_s: float) -> bool:
    """Whether most of the charges run by then."""
    for _ in range(int(within_s)):
        if stage.rows(RUNNING)[0][0] >= count * 0.9:
            return True
        await asyncio.sleep(1)
    return False


def _index_ready(url: str) -> None:
    deadline = perf_counter() + 180
    while perf_counter() < deadline:
        with suppress(httpx.HTTPError):
            if b"loading" not in httpx.get(f"{url}/readyz", timeout=10).content:
                return
        asyncio.run(asyncio.sleep(0.5))


if __name__ == "__main__":
    sys.exit(main())
