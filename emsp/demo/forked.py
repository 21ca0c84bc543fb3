"""Commands of ours, each a process of its own, forked from one that has imported everything once.

Importing takes a second or two; a demo starts ten processes, the stories hundreds.
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

_context = get_context("forkserver")
_context.set_forkserver_preload(["emsp.app", "emsp.cli.sandbox", "emsp.cli.partners", "uvicorn"])


def start(
    arguments: Sequence[str], env: Mapping[str, str], *, out: Path | None = None, err: Path | None = None
) -> ForkServerProcess:
    """Start `emsp` with `arguments` in the environment `env`; what it prints is added to files, else shown."""
    process = _context.Process(target=_command, args=(list(arguments), dict(env), out, err))
    process.start()
    return process


def _command(arguments: list[str], env: dict[str, str], out: Path | None, err: Path | None) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(env)
    for number, file in ((1, out), (2, err)):
        if file:
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), number)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", buffering=1, closefd=False)
    sys.argv = ["emsp", *arguments]
    try:
        runpy.run_module("emsp", run_name="__main__")
    finally:
        sys.stdout.flush()
