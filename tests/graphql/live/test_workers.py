"""`emsp serve --workers N`: one port, N processes of which one may die, and a supervisor that looks after them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.stories.world import free_port

WORKERS = 2


class Server:
    """A supervisor with its processes."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.port = free_port()
        self.log = folder / "serve.log"
        command = [sys.executable, "-m", "emsp", "serve", "--port", str(self.port), "--workers", str(WORKERS)]
        env = os.environ | {"EMSP_DATABASE_URL": database_url, "EMSP_DATA_DIR": str(folder)}
        with self.log.open("wb") as log:
            self.process = psutil.Popen(command, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def workers(self) -> list[psutil.Process]:
        """Those that serve; a helper of the standard library is none."""
        return [child for child in self.process.children() if _is_worker(child)] if _lives(self.process) else []

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[Server]:
    made = Server(database_url, tmp_path)
    try:
        _until(made.answers, 60)
        yield made
    finally:
        for process in [*made.workers(), made.process]:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def test_that_one_that_dies_is_replaced_and_all_end_together(server: Server) -> None:
    _until(lambda: len(server.workers()) == WORKERS)
    assert [one.laddr.port for one in server.process.net_connections()] == [server.port], "no database, no client"

    victim, survivor = server.workers()
    victim.kill()
    _until(lambda: len(server.workers()) == WORKERS and victim.pid not in {one.pid for one in server.workers()})
    _until(server.answers)  # the survivor may itself have been starting when the other one died
    assert survivor.is_running()
    assert all(_answered(server) for _ in range(20))

    workers = server.workers()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=40) == 0
    assert not any(_lives(worker) for worker in workers)
    assert not server.answers()


def test_that_workers_do_not_outlive_a_supervisor_that_is_killed(server: Server) -> None:
    workers = server.workers()
    assert len(workers) == WORKERS
    server.process.kill()
    _until(lambda: not any(_lives(worker) for worker in workers))


def test_that_a_port_that_is_taken_is_told_by_the_exit_status(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for workers in ("1", "2"):
            port = str(taken.getsockname()[1])
            command = [sys.executable, "-m", "emsp", "serve", "--port", port, "--workers", workers]
            assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode != 0


def _answered(server: Server) -> bool:
    return httpx.get(f"http://127.0.0.1:{server.port}/healthz", timeout=10).status_code == 200


def _is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.Error):  # one that is just ending
        return _lives(process) and "spawn_main" in " ".join(process.cmdline())
    return False


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _until(holds: Callable[[], bool], within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)
