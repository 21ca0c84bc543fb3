"""The map query over HTTP, random viewports over a continent, against servers that hold or ask for the same stations.

All servers of a phase run at once and are asked in turns; wrk shares the two cores with the one that is asked. Before
that, all of them must give the same stations, EVSEs and connectors for forty viewports.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import _load
import _map
import _servers
import httpx
import psutil
from _database import continent, scratch
from _questions import Row, viewports
from _report import Report, options, tell
from rivals import node_servers

LOCATIONS, QUICK_LOCATIONS = 400_000, 20_000
OURS, FLOOR, POSTGRAPHILE = "emsp", "SQL JSON over ASGI", "PostGraphile 5"
APOLLO, MERCURIUS = "Apollo", "mercurius + graphql-jit"
TARGETS = ((POSTGRAPHILE, 5.0), (FLOOR, 1.5), (APOLLO, 4.0), (MERCURIUS, 1.0))
VIEWPORTS, COMPARED, CONNECTIONS = 2000, 40, 32
WARM_S = 10
"""So that everybody has seen the viewports once, or nearly."""


class Server(NamedTuple):
    """A server that runs: its address, its bodies in a file, what it is asked for a box, and its process."""

    name: str
    url: str
    bodies: Path
    ask: Any
    process: psutil.Process


def main() -> int:
    """Plays both phases and prints the table."""
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="how long a server is asked each time")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="processes a server (default: 1 and 2)")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.seconds, chosen.rounds = 2, 1
    report = Report("The map query over HTTP, 32 connections", chosen)
    if not _load.installed():
        report.miss("wrk is not here and could not be installed")
        return report.finish()
    with continent(QUICK_LOCATIONS if chosen.quick else LOCATIONS, own=True) as url:
        _servers.prepare()
        boxes = viewports(url, 5, VIEWPORTS)
        for workers in chosen.workers:
            with ExitStack() as stack:
                servers = start(stack, url, boxes, workers, report)
                compare(servers, boxes[:COMPARED], report)
                _play(servers, workers, report)
    for workers in chosen.workers:
        row = _row(workers, "requests a second")
        for rival, limit in TARGETS:
            name = f"requests a second, {_told(workers)} / {rival}"
            report.promise(name, (row, OURS), (row, (rival,)), at_least=limit, better="high")
    return report.finish()


def start(stack: ExitStack, url: str, boxes: list[Row], workers: int, report: Report) -> list[Server]:
    """All servers of a phase, ready; they get ready side by side."""
    servers, waits = list[Server](), list[Callable[[], None]]()

    def add(name: str, command: list[str], path: str, ask: Any, port: int, **environment: str) -> None:
        bodies = _load.write_bodies(scratch() / f"bodies-{name.replace(' ', '-')}", [ask(box) for box in boxes])
        first = bodies.read_bytes().partition(b"\n")[0].decode()
        process, wait = stack.enter_context(
            _servers.starting(name, command, port, f"{path} {first}", WORKERS=str(workers), **environment)
        )
        waits.append(wait)
        servers.append(Server(name, f"http://127.0.0.1:{port}{path}", bodies, ask, process))

    where, process = stack.enter_context(_servers.emsp(workers=workers))
    bodies = _load.write_bodies(scratch() / "bodies-emsp", [_map.asked(box) for box in boxes])
    servers.append(Server(OURS, f"{where}/graphql", bodies, _map.asked, process))
    rivals = Path(__file__).with_name("rivals")
    packages = scratch() / "python"
    if _asyncpg(packages):
        environment = {"PYTHONPATH": f"{packages}:{rivals}", "DATABASE": url}
        add(FLOOR, [sys.executable, str(rivals / "bare.py")], "/", list, _servers.free_port(), **environment)
    else:
        report.miss("asyncpg could not be installed")
    if folder := node_servers.installed():
        file = _stations(url)
        _map_schema(url)
        for name, script in ((APOLLO, "apollo"), (MERCURIUS, "mercurius")):
            command = node_servers.command(folder, script)
            port = _servers.free_port()
            add(name, command, "/graphql", _map.asked, port, STATIONS=str(file), NODE_ENV="production")
        command = node_servers.command(folder, "postgraphile")
        environment = {"DATABASE": url, "NODE_ENV": "production", "GRAPHILE_ENV": "production"}
        add(POSTGRAPHILE, command, "/graphql", _map.asked_postgraphile, _servers.free_port(), **environment)
    else:
        report.miss("npm is not here, or could not install its servers")
    for wait in waits:
        wait()
    return servers


def compare(servers: list[Server], boxes: list[Row], report: Report) -> None:
    """Ends the bench unless all servers answer the same."""
    size = 0
    with httpx.Client(timeout=30) as client:
        for box in boxes:
            answers = [client.post(server.url, json=server.ask(box)) for server in servers]
            rows = [_map.told(answer.json()) for answer in answers]
            size += len(answers[0].content)
            for server, row in zip(servers, rows, strict=True):
                if row != rows[0]:
                    raise SystemExit(f"{server.name} answers {box} otherwise: {_map_difference(rows[0], row)}")
    report.remark(f"Viewports: {VIEWPORTS:,} of {size // len(boxes) / 1000:,.1f} kB each, asked in turns.")


def _map_difference(left: Any, right: Any) -> str:
    if left[0] != right[0]:
        return f"{left[0]} and {right[0]} stations"
    return str(next((pair for pair in zip(left[1], right[1], strict=False) if pair[0] != pair[1]), ""))[:800]


def _play(servers: list[Server], workers: int, report: Report) -> None:
    for server in servers:  # caches and just-in-time compilers
        tell(f"first look, {_told(workers)}: {server.name}")
        seconds = 2 if report.chosen.quick else WARM_S
        found = _load.run(server.url, server.bodies, connections=CONNECTIONS, seconds=seconds)
        report.add(_row(workers, "first look, requests a second"), server.name, found.rate, "1/s")
    for number in range(report.chosen.rounds):
        for server in servers:
            tell(f"round {number + 1}, {_told(workers)}: {server.name}")
            found = _load.run(
                server.url, server.bodies, connections=CONNECTIONS, seconds=report.chosen.seconds, seed=number
            )
            report.add(_row(workers, "requests a second"), server.name, found.rate, "1/s")
            report.add(_row(workers, "p50"), server.name, found.p50_ms, "ms")
            report.add(_row(workers, "p99"), server.name, found.p99_ms, "ms")
            if found.errors:
                report.miss(f"{server.name}, {_told(workers)}: {found.errors} requests failed")
    for server in servers:
        memory = sum(each.memory_info().rss for each in _servers.family(server.process)) / 2**20
        report.add(_row(workers, "memory"), server.name, memory, "MiB")


def _asyncpg(folder: Path) -> bool:
    if (folder / "asyncpg").exists():
        return True
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(folder)]
    return subprocess.run([*pip, "asyncpg>=0.30"], check=False).returncode == 0


@cache
def _stations(url: str) -> Path:
    """All stations in a file, which both phases read."""
    file = scratch() / "stations.jsonl"
    node_servers.write_stations(url, file)
    return file


def _map_schema(url: str) -> None:
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute(node_servers.MAP)


def _row(workers: int, what: str) -> str:
    return f"{what}, {_told(workers)}"


def _told(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"


if __name__ == "__main__":
    sys.exit(main())
