"""The processes of the demo: started in order, each with its log in the data folder, stopped in reverse."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import httpx

from emsp.demo import forked

READY_WITHIN_S = 60
COMMAND_WITHIN_S = 300


class DemoFailed(Exception):
    """Something on the way did not work; the sentence says what and where to look."""


@dataclass(frozen=True)
class Ended:
    """A command that ended: its exit status and what it printed, unless that was shown."""

    status: int
    out: str
    err: str


@dataclass
class Processes:
    """What runs for the demo. `ports` are kept in the data folder, since partners remember addresses."""

    data_dir: Path
    env: dict[str, str]
    running: list[tuple[str, ForkServerProcess]] = field(default_factory=list)

    def log_of(self, name: str) -> Path:
        return self.data_dir / "logs" / f"{name}.log"

    def run(self, *arguments: str, show: bool = False) -> str:
        """Run a command of ours to its end; what it printed."""
        done = self.ended(*arguments, show=show)
        if done.status:
            raise DemoFailed(f"`emsp {' '.join(arguments)}` failed ({done.status}). {done.err}".strip())
        return done.out

    def ended(self, *arguments: str, show: bool = False, env: Mapping[str, str] | None = None) -> Ended:
        """Run a command of ours to its end, whatever that is; `env` is added to its environment."""
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            printed = {} if show else {"out": out, "err": err}
            process = forked.start(arguments, self.env | dict(env or {}), **printed)
            process.join(COMMAND_WITHIN_S)
            if process.exitcode is None:
                process.kill()
                raise DemoFailed(f"`emsp {' '.join(arguments)}` did not end within {COMMAND_WITHIN_S} s")
            return Ended(process.exitcode, *(file.read_text() if file.exists() else "" for file in (out, err)))

    def start(self, name: str, *arguments: str, announces: bool = False) -> None:
        """Start a process that stays; one that `announces` is then asked for by `announced`."""
        log = self.log_of(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        self._said(name).unlink(missing_ok=True)
        process = forked.start(arguments, self.env, out=self._said(name) if announces else log, err=log)
        self.running.append((name, process))

    def announced(self, name: str) -> dict[str, Any]:
        """The JSON line that a process prints when it is ready."""
        process = next(process for known, process in self.running if known == name)
        said = self._said(name)
        while not (said.exists() and said.read_text().endswith("\n")):
            if process.exitcode is not None:
                raise DemoFailed(f"the {name} did not start; see {self.log_of(name)}")
            time.sleep(0.02)
        ready: dict[str, Any] = json.loads(said.read_text().splitlines()[0])
        return ready

    def wait_until_ready(self, name: str, url: str) -> None:
        """Wait until `url` answers 200."""
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            self.check()
            try:
                if httpx.get(url, timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise DemoFailed(f"{name} was not ready within {READY_WITHIN_S} s; see {self.log_of(name)}")

    def check(self) -> None:
        """An error if a process that should run has ended."""
        for name, process in self.running:
            if process.exitcode is not None:
                raise DemoFailed(f"{name} ended with status {process.exitcode}; see {self.log_of(name)}")

    def stop(self) -> None:
        """End every process, last started first, and wait for it."""
        for _, process in reversed(self.running):
            process.terminate()
        for _, process in reversed(self.running):
            process.join(15)
            process.kill()
            process.join()
        self.running.clear()

    def _said(self, name: str) -> Path:
        return self.log_of(name).with_suffix(".out")


def kept_ports(data_dir: Path, api_port: int | None) -> dict[str, int]:
    """The demo's ports: those of the last time, else free ones."""
    file = data_dir / "demo-ports.json"
    ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    for name in ("api", "cpo", "cards"):
        ports.setdefault(name, _free_port())
    if api_port:
        ports["api"] = api_port
    data_dir.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(ports))
    return ports


def surroundings(data_dir: Path, ports: dict[str, int]) -> dict[str, str]:
    """The environment of the demo's processes."""
    return os.environ | {
        "EMSP_DATA_DIR": str(data_dir),
        "EMSP_PUBLIC_URL": f"http://127.0.0.1:{ports['api']}",
        "EMSP_ALLOW_PRIVATE_PARTNERS": "1",
        "EMSP_STRIPE_API_BASE": f"http://127.0.0.1:{ports['cards']}",
        "EMSP_STRIPE_SECRET_KEY": "sk_test_sandbox",
        "EMSP_STRIPE_PUBLISHABLE_KEY": "pk_test_sandbox",
        "EMSP_STRIPE_WEBHOOK_SECRET": "whsec_sandbox",
        "EMSP_SHOW_SIGN_IN_CODES": "1",
        "EMSP_LOG_LEVEL": "INFO",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
