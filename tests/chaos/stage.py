"""The processes of a run: each can be killed with -9 and is started again at its port, on the state that it left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from emsp.demo.processes import kept_ports, surroundings
from tests.chaos.plan import PROCESSES

ROOT = Path(__file__).parents[2]
EMSP = [sys.executable, "-m", "emsp"]
TOKEN_A = "chaos-token-a"
PARTNER = "CPO"
VOUCHER = "CHAOS"
AFTERWARDS = {f"{country}*KRB": "AFTER" for country in ("NL", "DE", "BE", "FR", "AT", "ES", "GB", "CH", "SE", "DK")}
"""Parties where nothing is held: the card is charged when the bill is known."""
READY_WITHIN_S = 120
WAITS = {
    "EMSP_PLUG_IN_WAIT_S": "25",
    "EMSP_UNCONFIRMED_WAIT_S": "25",
    "EMSP_CREDIT_WAIT_S": "3",
    "EMSP_JOB_STALLED_S": "3",
}
OTHERS = """
    SELECT pid FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""


class NotReady(Exception):
    """A process does not answer; the sentence says which, and where its log is."""


@dataclass
class Stage:
    """What runs, and who ended without being told to."""

    folder: Path
    database_url: str
    speed: float
    stations: int
    ports: dict[str, int] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ended_by_themselves: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.ports = kept_ports(self.folder, None)
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)

    @property
    def env(self) -> dict[str, str]:
        own = {
            "EMSP_DATABASE_URL": self.database_url,
            "EMSP_SECRET_KEY": "a key for chaos only",
            "PYTHONPATH": str(ROOT),
        }
        return surroundings(self.folder, self.ports) | own | WAITS | {name: os.environ[name] for name in _given()}

    def url(self, name: str) -> str:
        """Where a process listens."""
        port = {"api": "api", "operator": "cpo", "cards": "cards"}[name]
        return f"http://127.0.0.1:{self.ports[port]}"

    def log_of(self, name: str) -> Path:
        return self.folder / "logs" / f"{name.replace(' ', '-')}.log"

    def set_up(self) -> None:
        """Everything starts, and the operator is connected and pulled."""
        self.start("cards")
        self.start("operator")
        self.run("migrate")
        self.run("vouchers", "add", "8.00", "--code", VOUCHER)
        with psycopg.connect(self.database_url) as connection:
            policy = json.dumps({"flow_by_party": AFTERWARDS})
            connection.execute("UPDATE brand SET payment_policy = payment_policy || %s::jsonb", (policy,))
        for name in PROCESSES[:3]:
            self.start(name)
        self.wait_until_ready()
        versions = f"{self.url('operator')}/ocpi/versions"
        counts = json.loads(self.run("partners", "connect", versions, TOKEN_A, "--name", PARTNER, "--json"))
        assert all(row["failure"] is None for row in counts), counts

    def start(self, name: str) -> None:
        """Start a process of the run, again or for the first time."""
        with self.log_of(name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                [*EMSP, *self._arguments(name)],
                env=self.env,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _arguments(self, name: str) -> list[str]:
        cards, operator, api = (str(self.ports[port]) for port in ("cards", "cpo", "api"))
        hook = f"{self.url('api')}/stripe/webhooks"
        match name:
            case "api":
                return ["serve", "--port", api]
            case "cards":
                state = str(self.folder / "cards.sqlite")
                return ["sandbox", "cards", "--port", cards, "--webhook-url", hook, "--state", state]
            case "operator":
                state, speed = str(self.folder / "cpo.json"), str(self.speed)
                kept = ["--token", TOKEN_A, "--state", state, "--late-s", "4"]
                return ["sandbox", "cpo", "--port", operator, "--speed", speed, "--stations", str(self.stations), *kept]
        return ["work"]

    def kill(self, name: str) -> None:
        """`kill -9`, as a crash would."""
        process = self.running[name]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def cut_connections(self, dice: random.Random) -> int:
        """The database server ends some of the product's connections, whatever they are in the middle of."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            pids = [row[0] for row in connection.execute(OTHERS)]
            chosen = dice.sample(pids, min(len(pids), dice.randint(1, 4)))
            connection.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", (chosen,))
        return len(chosen)

    def revive(self) -> None:
        """Whoever ended without being told to is started again, as a supervisor would, and counted."""
        for name, process in list(self.running.items()):
            if process.poll() is not None:
                self.ended_by_themselves[name] += 1
                self.start(name)

    def wait_until_ready(self) -> None:
        """Every process that listens answers."""
        for name, path in (("api", "/readyz"), ("cards", "/sandbox/faults"), ("operator", "/sandbox/lies")):
            deadline = time.monotonic() + READY_WITHIN_S
            while not _answers(self.url(name) + path):
                if time.monotonic() > deadline:
                    raise NotReady(f"{name} does not answer; see {self.log_of(name)}")
                time.sleep(0.2)

    def run(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
        """Run a command of ours to its end; what it printed."""
        done = subprocess.run([*EMSP, *arguments], env=self.env, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode not in allowed:
            raise NotReady(f"`emsp {' '.join(arguments)}` ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query gives."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(query, values or None).fetchall()

    def stop(self) -> None:
        """End every process, and wait for it."""
        for process in self.running.values():
            if process.poll() is None:
                process.terminate()
        for process in self.running.values():
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()


def _given() -> list[str]:
    """Waits that whoever runs this chose in the environment."""
    return [name for name in WAITS if name in os.environ]


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False
