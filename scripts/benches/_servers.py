"""Servers that the benches start, each on a free port of this machine, and end by their own process group."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import httpx
import psutil
from _database import scratch
from _report import tell

ROOT = Path(__file__).parents[2]
READY_S = 240


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(name: str, command: list[str], port: int, ready: str, **environment: str) -> Iterator[psutil.Process]:
    """A server until the end of the block; yields when it answers `ready` (a path, or POST body after a space)."""
    with starting(name, command, port, ready, **environment) as (process, wait):
        wait()
        yield process


@contextmanager
def starting(
    name: str, command: list[str], port: int, ready: str, **environment: str
) -> Iterator[tuple[psutil.Process, Callable[[], None]]]:
    """As `running`, but yields at once, with what waits until it answers."""
    log = scratch() / "logs" / f"{name.replace(' ', '-')}.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "PORT": str(port), **environment}, stdout=out, stderr=out,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def wait() -> None:
        tell(f"  waiting for {name}")
        _wait(process, name, f"http://127.0.0.1:{port}{ready.partition(' ')[0]}", ready.partition(" ")[2], log)

    try:
        yield psutil.Process(process.pid), wait
    finally:
        _end(process)


@contextmanager
def emsp(*, workers: int = 1, port: int | None = None, **environment: str) -> Iterator[tuple[str, psutil.Process]]:
    """`emsp serve`, ready with its index: its URL and process."""
    port = port or free_port()
    options = ["--workers", str(workers)] if workers > 1 else []
    command = [sys.executable, "-m", "emsp", "serve", "--port", str(port), *options]
    url = f"http://127.0.0.1:{port}"
    settings = {"EMSP_PUBLIC_URL": url, "EMSP_LOG_LEVEL": "WARNING", **environment}
    with running(f"emsp {workers}", command, port, "/readyz", **settings) as process:
        yield url, process


def prepare() -> None:
    """What `emsp migrate` does beside the tables: the first brand."""
    command = [sys.executable, "-m", "emsp", "migrate"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def family(process: psutil.Process) -> list[psutil.Process]:
    """It and its children."""
    return [process, *process.children(recursive=True)]


def _wait(process: subprocess.Popen[bytes], name: str, url: str, body: str, log: Path) -> None:
    began = monotonic()
    while monotonic() - began < READY_S:
        if process.poll() is not None:
            break
        try:
            headers = {"content-type": "application/json"}
            answer = httpx.post(url, content=body, headers=headers, timeout=60) if body else httpx.get(url, timeout=60)
            if answer.status_code == 200 and b"loading" not in answer.content:
                return
        except httpx.HTTPError:
            pass
        sleep(0.2)
    raise SystemExit(f"{name} did not get ready; see {log}:\n{log.read_text(errors='replace')[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
