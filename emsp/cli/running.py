"""What the commands share: running until told to stop, and answers for people or for programs."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import OperationalError

from emsp import logs
from emsp.db import engine
from emsp.errors import EmspError

Answer = TypeVar("Answer")
JsonOption = Annotated[bool, typer.Option("--json", help="Answer as JSON, for programs.")]
LocationsOption = Annotated[
    Path | None, typer.Option(help="OCPI Locations to publish, .jsonl or .jsonl.gz.", exists=True, dir_okay=False)
]
TariffsOption = Annotated[
    Path | None, typer.Option(help="OCPI Tariffs to publish, .jsonl or .jsonl.gz.", exists=True, dir_okay=False)
]
console = Console()
warnings = Console(stderr=True)


def run(story: Coroutine[Any, Any, Answer]) -> Answer:
    """Run `story`; an expected error becomes one line on standard error and exit status 1."""
    from emsp import app

    logs.set_up(least="WARNING")
    app.plug()

    async def whole() -> Answer:
        try:
            return await story
        finally:
            await engine.dispose()

    try:
        return asyncio.run(whole())
    except EmspError as error:
        raise fail(str(error)) from error
    except OperationalError as error:
        raise fail(f"the database does not answer: {str(error.orig).strip()}") from error


def fail(message: str) -> typer.Exit:
    """One line on standard error; the exit to raise."""
    warnings.print(message, style="red", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(1)


def until_stopped(service: Coroutine[Any, Any, None]) -> None:
    """Run `service` until SIGINT or SIGTERM, then let it finish cleanly."""

    async def whole() -> None:
        task = asyncio.ensure_future(service)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task
        await engine.dispose()

    asyncio.run(whole())


def show(rows: Sequence[dict[str, Any]], *, as_json: bool, empty: str = "none") -> None:
    """`rows` as JSON, or as a table."""
    if as_json:
        typer.echo(json.dumps(rows, default=str))
        return
    if not rows:
        console.print(empty)
        return
    table = Table(*rows[0], box=None, header_style="bold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    console.print(table)
