"""`emsp partners`: Charge Point Operators and hubs, over OCPI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from emsp.cli.running import JsonOption, console, run, show
from emsp.db.engine import transaction
from emsp.ocpi import apply, connections, handshake, inbox, sync
from emsp.ocpi.sync import PullCounts

cli = typer.Typer(no_args_is_help=True, help="Charge Point Operators and hubs, over OCPI.")


def _known(modules: list[str] | None) -> list[str] | None:
    for module in modules or []:
        if module not in sync.MODULES:
            raise typer.BadParameter(f"{module!r} is not one of {', '.join(sync.MODULES)}")
    return modules


NameArgument = Annotated[str, typer.Argument(help="The partner's name, as `emsp partners list` shows it.")]
ModuleOption = Annotated[
    list[str] | None,
    typer.Option(
        "--module", callback=_known, help="tariffs, locations, sessions or cdrs; may be repeated; all if unset."
    ),
]


@cli.command()
def connect(
    url: Annotated[str, typer.Argument(help="The partner's versions URL.")],
    token: Annotated[str, typer.Argument(help="The CREDENTIALS_TOKEN_A that the partner gave.")],
    name: Annotated[str | None, typer.Option(help="What to call the partner; its own name if unset.")] = None,
    pull: Annotated[bool, typer.Option(help="Pull everything at once.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Register at a partner (we begin the handshake), then pull what it has."""

    async def story() -> tuple[UUID, str, dict[str, PullCounts]]:
        connection = await handshake.connect(url, token, name=name, progress=_quiet if as_json else _told)
        async with transaction() as db:
            partner = (await connections.peer(db, connection.id)).name
        if not as_json:
            console.print(f"Registered at {partner} with OCPI {connection.version}.", highlight=False, soft_wrap=True)
        return connection.id, partner, await _pulled(connection.id, quiet=as_json) if pull else {}

    _, partner, counts = run(story())
    _show_counts(partner, counts, as_json=as_json)


@cli.command()
def invite(
    name: Annotated[str, typer.Argument(help="What to call the partner.")],
    as_json: JsonOption = False,
) -> None:
    """Let a partner register at us (they begin the handshake): prints our versions URL and a token for them."""
    token, versions_url = run(handshake.invite(name))
    show([{"partner": name, "versions_url": versions_url, "token": token}], as_json=as_json)


@cli.command()
def rotate(name: NameArgument) -> None:
    """Renew the tokens of both sides (PUT credentials)."""
    run(_at(name, handshake.rotate))
    console.print(f"The tokens of {name} are new.", highlight=False)


@cli.command()
def disconnect(name: NameArgument) -> None:
    """Unregister at a partner (DELETE credentials); what was charged there stays."""
    run(_at(name, handshake.disconnect))
    console.print(f"{name} is disconnected.", highlight=False)


@cli.command("sync")
def synchronise(
    name: NameArgument,
    module: ModuleOption = None,
    full: Annotated[bool, typer.Option("--full", help="Ask for everything, not only for what is new.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Pull what changed at a partner."""

    async def story() -> dict[str, PullCounts]:
        async with transaction() as db:
            connection = await connections.named(db, name)
        return await _pulled(connection.id, quiet=as_json, modules=module or sync.MODULES, full=full)

    _show_counts(name, run(story()), as_json=as_json)


@cli.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List the partners and how they are connected."""
    rows = [
        {"name": partner.name, "state": partner.state, "version": partner.version, "parties": " ".join(partner.parties)}
        for partner in run(sync.status())
    ]
    show(rows, as_json=as_json, empty="no partners yet: emsp partners connect URL TOKEN")


@cli.command()
def status(as_json: JsonOption = False) -> None:
    """Per partner and module: the last success, what it brought, and what failed."""
    found = run(sync.status())
    if as_json:
        show(msgspec.to_builtins(found), as_json=True)
        return
    show(
        [
            {"partner": partner.name, "module": module} | {key: _short(value) for key, value in facts.items()}
            for partner in found
            for module, facts in partner.modules.items()
        ],
        as_json=False,
        empty="nothing was pulled yet",
    )


@cli.command("inbox")
def show_inbox(
    name: NameArgument,
    module: ModuleOption = None,
    replay: Annotated[bool, typer.Option("--replay", help="Try again to understand them.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the documents of a partner that were kept apart, each with its reason."""

    async def story() -> Any:
        async with transaction() as db:
            connection = await connections.named(db, name)
        chosen: Sequence[str | None] = module or [None]
        for each in chosen if replay else ():
            await apply.replay(connection.id, each)
        async with transaction() as db:
            return await inbox.list_apart(db, connection.id)

    rows = [
        {
            "module": document.module,
            "key": document.object_key,
            "reason": document.reason,
            "received_at": document.received_at,
        }
        for document in run(story())
        if not module or document.module in module
    ]
    show(rows, as_json=as_json, empty="nothing is kept apart")


async def _at(name: str, act: Callable[[UUID], Awaitable[object]]) -> None:
    async with transaction() as db:
        connection = await connections.named(db, name)
    await act(connection.id)


def _told(step: str) -> None:
    console.print(f"... {step}", style="dim", markup=False, highlight=False, soft_wrap=True)


def _quiet(step: str) -> None:
    """Nobody watches."""


async def _pulled(
    connection_id: UUID, *, quiet: bool, modules: Iterable[str] = sync.MODULES, full: bool = False
) -> dict[str, PullCounts]:
    if quiet:
        return await sync.pull(connection_id, modules=modules, full=full)
    with _bars() as progress:
        return await sync.pull(connection_id, modules=modules, full=full, progress=progress)


@contextmanager
def _bars() -> Iterator[sync.Progress]:
    """A progress bar per module."""
    bars: dict[str, TaskID] = {}
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as display:

        def advance(module: str, seen: int, total: int | None) -> None:
            if module not in bars:
                bars[module] = display.add_task(module)
            display.update(bars[module], completed=seen, total=max(total or seen, seen))

        yield advance


def _show_counts(partner: str, counts: dict[str, PullCounts], *, as_json: bool) -> None:
    rows = [{"partner": partner, "module": module} | msgspec.to_builtins(count) for module, count in counts.items()]
    if as_json:
        show(rows, as_json=True)
    for row in [] if as_json else rows:
        per_second = f"{row['seen'] / row['seconds']:,.0f}/s" if row["seconds"] else ""
        console.print(
            f"{row['module']:<10} {row['seen']:>7,} seen: {row['changed']:,} taken, {row['unchanged']:,} unchanged, "
            f"{row['older']:,} older, {row['apart']:,} kept apart, in {row['seconds']} s {per_second}",
            highlight=False,
            soft_wrap=True,
        )
        for reason, count in sorted(row["reasons"].items(), key=lambda item: -item[1])[:10]:
            console.print(f"           {count:,} x {reason}", highlight=False, soft_wrap=True)
    failed = {module: count.failure for module, count in counts.items() if count.failure}
    if failed:
        console.print(f"[red]failed: {failed}[/red]", highlight=False, soft_wrap=True)
        raise typer.Exit(1)


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return " ".join(f"{key}={item}" for key, item in value.items() if key not in ("reasons", "failure"))
    return value
