"""`emsp partners inbox`: documents that could not be understood, and a second look at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from emsp.cli.partners_options import ModuleOption, NameArgument
from emsp.cli.running import JsonOption, console, run, show
from emsp.db.engine import transaction
from emsp.ocpi import connections
from emsp.ocpi.keep import apply, inbox
from emsp.ocpi.tables import InboxDocument


def show_inbox(
    name: NameArgument,
    module: ModuleOption = None,
    reason: Annotated[str | None, typer.Option(help="Only those whose reason has this text.")] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Try again to understand them.")] = False,
    body: Annotated[bool, typer.Option("--body", help="Show them as they were received, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the documents of a partner that were kept apart, each with its reason."""

    async def story() -> tuple[int, list[InboxDocument]]:
        async with transaction() as db:
            connection = await connections.named(db, name)
        chosen: Sequence[str | None] = module or [None]
        taken = 0
        for each in chosen if replay else ():
            applied = await apply.replay(connection.id, each, reason=reason)
            taken += applied.changed + applied.unchanged + applied.older
        async with transaction() as db:
            return taken, [
                document
                for each in chosen
                for document in await inbox.list_apart(db, connection.id, each, reason=reason)
            ]

    taken, documents = run(story())
    if replay and not as_json:
        console.print(f"{taken:,} understood now, {len(documents):,} still kept apart", highlight=False)
    show([_row(document, body) for document in documents], as_json=as_json, empty="nothing is kept apart")


def _row(document: InboxDocument, body: bool) -> dict[str, object]:
    shown: dict[str, object] = {
        "module": document.module,
        "key": document.object_key,
        "version": document.version,
        "reason": document.reason,
        "received_at": document.received_at,
    }
    return shown | ({"body": document.body} if body else {})
