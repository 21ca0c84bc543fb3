"""PATCHes of EVSE statuses over HTTP, each answered when it is on the disk: ours against a session a request.

Ours is `emsp serve` with all that it does: the token, the kept document, the history, the change log, whoever watches.
The rival is what one writes first: a route with an SQLModel async session that looks up the token and its party, loads
the EVSE, sets its status unless it is older, and commits. Both write to the same PostgreSQL, with fsync, and both must
store what is sent before anything is timed.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import _load
import _partner
import _servers
import orjson
import psycopg
from _database import continent, scratch
from _report import Report, options, tell

OURS, RIVAL = "emsp", "SQLModel session a request"
LOCATIONS, PATCHED, CONNECTIONS = 20_000, 1_000, 32
MOST = 150_000
"""So many are there to be sent in a round; each is later than the one before at its EVSE."""
STATUSES = ("AVAILABLE", "CHARGING", "OUTOFORDER", "RESERVED")


def main() -> int:
    """Plays the rounds and prints the table."""
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="how long a side is sent to each time")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.seconds, chosen.rounds = 2, 2
    report = Report(f"EVSE status PATCHes over HTTP, {CONNECTIONS} connections, durable", chosen)
    if not _load.installed():
        report.miss("wrk is not here and could not be installed")
        return report.finish()
    with continent(2_000 if chosen.quick else LOCATIONS, own=True) as url:
        _durable(url)
        _servers.prepare()
        token = _partner.connect()
        with _servers.emsp() as (where, process):
            places = _partner.push(where, token, range(PATCHED if not chosen.quick else 100))
            with _servers.running("sqlmodel", *_rival(url)) as rival:
                port = rival.environ()["PORT"]
                _play(report, url, where, f"http://127.0.0.1:{port}", token, places)
                report.add("memory", OURS, process.memory_info().rss / 2**20, "MiB")
                report.add("memory", RIVAL, rival.memory_info().rss / 2**20, "MiB")
    row = "PATCHes a second"
    report.promise(f"{row} / {RIVAL}", (row, OURS), (row, (RIVAL,)), at_least=8, better="high")
    return report.finish()


def _durable(url: str) -> None:
    with psycopg.connect(url) as connection:
        for name in ("fsync", "synchronous_commit"):
            row = connection.execute(f"SHOW {name}").fetchone()  # type: ignore[call-overload]
            if row != ("on",):
                raise SystemExit(f"{name} is {row}")


def _rival(url: str) -> tuple[list[str], int, str]:
    port = _servers.free_port()
    os.environ["DATABASE"] = url.replace("postgresql://", "postgresql+psycopg://", 1)
    return [sys.executable, str(Path(__file__).with_name("rivals") / "sqlmodel_patch.py")], port, "/ready"


def _play(report: Report, url: str, ours: str, rival: str, token: str, places: list[_partner.Place]) -> None:
    _alike(url, ours, rival, token, places)
    sides = {OURS: (ours, places), RIVAL: (rival, places)}
    for number in range(report.chosen.rounds):
        for name, (where, targets) in sides.items():
            tell(f"round {number + 1}: {name}")
            lines = _requests(targets, number, token)
            file = _load.write_lines(scratch() / "patches", lines)
            found = _load.run(where, file, connections=CONNECTIONS, seconds=report.chosen.seconds, seed=0)
            report.add("PATCHes a second", name, found.rate, "1/s")
            report.add("p50", name, found.p50_ms, "ms")
            report.add("p99", name, found.p99_ms, "ms")
            if found.errors:
                report.miss(f"{name}: {found.errors} PATCHes failed")


def _requests(places: list[_partner.Place], number: int, token: str) -> list[str]:
    """A path, the token and a body a line; an EVSE's times only move forwards, as wrk sends them in this order."""
    dice = random.Random(number)
    lines = []
    for step in range(MOST // len(places) + 1):
        for place in places:
            body = {"status": dice.choice(STATUSES), "last_updated": _partner.moment(number * 10_000 + step)}
            lines.append(f"{place.path}\t{token}\t{orjson.dumps(body).decode()}")
    return lines


def _alike(url: str, ours: str, rival: str, token: str, places: list[_partner.Place]) -> None:
    """Ends the bench unless both sides store what is sent."""
    import httpx

    for number, where in enumerate((ours, rival)):
        for place in places[:20]:
            for status in STATUSES[: 2 + number]:
                body = {"status": status, "last_updated": _partner.moment(-100 + number)}
                headers = {"authorization": f"Token {token}"}
                httpx.patch(where + place.path, json=body, headers=headers, timeout=30).raise_for_status()
            with psycopg.connect(url) as connection:
                row = connection.execute("SELECT status FROM evse WHERE uid_key = %s", [place.uid.lower()]).fetchone()
            if row != (status,):
                raise SystemExit(f"{where} stored {row} for {place}, sent was {status}")


if __name__ == "__main__":
    sys.exit(main())
