"""`emsp bills`: whether our books agree with those of the card processor."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from emsp import clock
from emsp.charging.reconcile.run import reconcile as compared
from emsp.cli.running import JsonOption, run, show, warnings

cli = typer.Typer(no_args_is_help=True, help="What was billed and paid.")


@cli.callback()
def bills() -> None:
    """What was billed and paid."""


@cli.command()
def reconcile(
    days: Annotated[
        int | None, typer.Option(min=1, help="Only what was begun in so many days; otherwise everything.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Hold our books against the card processor's and name every difference; exit status 1 when there is one."""
    result = run(compared(clock.now() - timedelta(days=days) if days else None))
    rows = [
        {"kind": one.kind.value, "subject": one.subject, "ours": one.ours, "theirs": one.theirs, "meaning": one.text}
        for one in result.differences
    ]
    warnings.print(
        f"{result.payments} payments and {result.refunds} refunds compared, {len(rows)} differences", highlight=False
    )
    if rows or as_json:
        show(rows, as_json=as_json)
    if rows:
        raise typer.Exit(1)
