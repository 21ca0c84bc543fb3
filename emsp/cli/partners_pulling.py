"""`emsp partners sync` and `status`: what was pulled, what is being pulled, and when it is pulled next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from emsp import clock
from emsp.cli.partners_options import ModuleOption, NameArgument
from emsp.cli.running import JsonOption, console, run, show, warnings
from emsp.db.engine import transaction
from emsp.ocpi import connections
from emsp.ocpi.pull import crawl, sync
from emsp.ocpi.pull.crawl import PullCounts
from emsp.ocpi.pull.sync import PartnerStatus

SHORT_REASONS = 10


def synchronise(
    name: NameArgument,
    module: ModuleOption = None,
    full: Annotated[bool, typer.Option("--full", help="Ask for everything, not only for what is new.")] = False,
    withdraw: Annotated[
        bool,
        typer.Option("--withdraw", help="With --full: let go of all that is gone, also where that is most of it."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Pull what changed at a partner; a pull that was broken off goes on where it was."""
    if withdraw and not full:
        raise typer.BadParameter("only a whole list shows what is gone: add --full", param_hint="--withdraw")

    async def story() -> dict[str, PullCounts]:
        async with transaction() as db:
            connection = await connections.named(db, name)
        return await pulled(connection.id, quiet=as_json, modules=module, full=full, withdraw=withdraw)

    show_counts(name, run(story()), as_json=as_json)


async def pulled(connection_id: UUID, *, quiet: bool, **options: Any) -> dict[str, PullCounts]:
    """Pull with a progress bar for each module, unless `quiet`."""
    if quiet:
        return await sync.pull(connection_id, **options)
    with _bars() as (advance, wait):
        return await sync.pull(connection_id, progress=advance, waiting=wait, **options)


@contextmanager
def _bars() -> Iterator[tuple[crawl.Progress, sync.Waiting]]:
    """A progress bar per module."""
    bars: dict[str, TaskID] = {}
    columns = (TextColumn("{task.description:<13}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as display:

        def advance(module: str, seen: int, total: int | None) -> None:
            if module not in bars:
                bars[module] = display.add_task(module, total=None)
            display.update(bars[module], completed=seen, total=max(total, seen) if total else None)

        def wait() -> None:
            display.console.print("another process pulls this partner; waiting for it", style="dim")

        yield advance, wait


def show_counts(partner: str, counts: dict[str, PullCounts], *, as_json: bool) -> None:
    """What a pull brought, module by module; exit status 1 when one failed."""
    if as_json:
        rows = [{"partner": partner, "module": module} | msgspec.to_builtins(count) for module, count in counts.items()]
        show(rows, as_json=True)
    for module, count in {} if as_json else counts.items():
        console.print(_in_words(module, count), markup=False, highlight=False, soft_wrap=True)
        for reason, times in sorted(count.reasons.items(), key=lambda item: -item[1])[:SHORT_REASONS]:
            console.print(f"              {times:,} x {reason}", markup=False, highlight=False, soft_wrap=True)
        if count.held_back:
            console.print(f"              {held_back(partner, count.held_back)}", style="yellow", soft_wrap=True)
    failed = {module: count.failure for module, count in counts.items() if count.failure}
    for module, failure in failed.items():
        warnings.print(f"{module} failed: {failure}", style="red", markup=False, highlight=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)


def held_back(partner: str, number: int) -> str:
    """What to do when a partner suddenly lacks most of what it had."""
    return f"{number:,} are gone, more than stayed: look, then emsp partners sync '{partner}' --full --withdraw"


def _in_words(module: str, count: PullCounts) -> str:
    parts = [f"{count.changed:,} taken", f"{count.unchanged:,} unchanged", f"{count.older:,} older"]
    parts += [f"{count.apart:,} kept apart"] + ([f"{count.withdrawn:,} withdrawn"] if count.withdrawn else [])
    per_second = f", {count.seen / count.seconds:,.0f}/s" if count.seconds else ""
    resumed = f", went on after {count.resumed_at:,}" if count.resumed_at else ""
    return f"{module:<13} {count.seen:>7,} seen: {', '.join(parts)}, in {count.seconds} s{per_second}{resumed}"


def status(as_json: JsonOption = False) -> None:
    """Per partner and module: the last success, what it brought, what waits apart, the next run, and what failed."""
    found = run(sync.status())
    if as_json:
        show(msgspec.to_builtins(found), as_json=True)
        return
    rows = [_row(partner, module, facts) for partner in found for module, facts in partner.modules.items()]
    show(rows, as_json=False, empty="nothing was pulled yet")


def _row(partner: PartnerStatus, module: str, facts: dict[str, Any]) -> dict[str, Any]:
    numbers = {name: f"{facts.get(key, 0):,}" for name, key in NUMBERS.items()}
    return {
        "partner": partner.name,
        "module": module,
        "last success": _ago(facts["lag_s"]),
        **numbers,
        "next": _due(facts["next_at"]),
        "remarks": _remarks(partner, facts),
    }


NUMBERS = {
    "seen": "seen",
    "taken": "changed",
    "unchanged": "unchanged",
    "withdrawn": "withdrawn",
    "kept apart": "waiting_apart",
}


def _remarks(partner: PartnerStatus, facts: dict[str, Any]) -> str:
    if facts["failure"]:
        return f"failed: {facts['failure']}"
    if facts["under_way"]:
        return f"under way: {facts.get('seen', 0):,} of {facts.get('total') or '?'}"
    if facts.get("held_back"):
        return held_back(partner.name, facts["held_back"])
    return "" if partner.state == connections.REGISTERED else partner.state


def _ago(lag_s: int | None) -> str:
    return "never" if lag_s is None else f"{_length(lag_s)} ago"


def _due(at: datetime | None) -> str:
    if at is None:
        return ""
    left_s = round((at - clock.now()).total_seconds())
    return f"in {_length(left_s)}" if left_s > 0 else "now"


def _length(seconds: int) -> str:
    """A time span in its largest unit."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
