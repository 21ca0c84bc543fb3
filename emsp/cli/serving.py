"""`emsp serve`: one process, or a supervisor that keeps several going behind one listening socket."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from emsp import logs

STOP_WITHIN_S = 5
HANGS_AFTER_S = 30
PING_EVERY_S = 45
"""Sockets that are silent: below what proxies in front take for idle (60 s), and no oftener, as pings are much of what
a server with thousands of quiet watchers does."""
KEPT_ALIVE_S = 75
"""Longer than proxies in front keep idle connections (60 s), which else use one that has just been closed."""


class Config(uvicorn.Config):
    """The settings of a server, which go to every process of it."""

    supervisor_pid = 0

    def configure_logging(self) -> None:
        """Called first thing: here, and in each process that a supervisor starts."""
        logs.set_up()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # what the server leaves us with once it has stopped
        if self.supervisor_pid:
            threading.Thread(target=_end_with_the_supervisor, daemon=True).start()


def serve(host: str, port: int, workers: int) -> None:
    """Serve until SIGINT or SIGTERM; the exit status is 3 when nothing could be served.

    With several workers this process only looks after them and opens no database. Whoever dies or hangs is
    replaced, and if the supervisor itself is killed, its workers end as well.
    """
    config = Config(
        "emsp.cli.serving:application",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=STOP_WITHIN_S,
        timeout_keep_alive=KEPT_ALIVE_S,
        timeout_worker_healthcheck=HANGS_AFTER_S,
        ws_ping_interval=PING_EVERY_S,
        ws_per_message_deflate=False,  # costs more than it saves: messages are small, and every socket keeps a window
    )
    if workers > 1:
        _supervise(config)
    else:
        _serve_alone(config)


def application() -> Any:
    """What each process serves."""
    from emsp import app

    return app.build()


def _serve_alone(config: Config) -> None:
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _supervise(config: Config) -> None:
    config.supervisor_pid = os.getpid()
    sys.stdin = None  # nobody reads it, and the workers could not open it where it is not the usual one
    supervisor = Multiprocess(config, sockets=[config.bind_socket()])
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        sys.exit(STARTUP_FAILURE)


def _end_with_the_supervisor() -> None:
    if supervisor := multiprocessing.parent_process():
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)
