"""`emsp support mails`: the outbox, for whoever asks where an e-mail is, and where there is no mail server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from emsp.accounts.mail import compose, outbox
from emsp.cli.running import JsonOption, run, show
from emsp.db.engine import transaction
from emsp.papers.keep import document_by_id


def register(cli: typer.Typer) -> None:
    """Add the command to the group."""
    cli.command("mails")(mails)


def mails(
    to: Annotated[str | None, typer.Option(help="Only those to this address.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most, the newest first.")] = 20,
    save: Annotated[
        Path | None, typer.Option(help="Write each into this folder as a file that mail programs open.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List e-mails to drivers and fleets: what was sent, and what is kept because no server took it."""

    async def story() -> list[dict[str, Any]]:
        rows = []
        async with transaction() as db:
            for mail in await outbox(db, recipient=to, limit=limit):
                document = await document_by_id(db, mail.document_id) if mail.document_id else None
                if save:
                    save.mkdir(parents=True, exist_ok=True)
                    (save / f"{mail.id}.eml").write_bytes(bytes(compose(mail, document)))
                rows.append(
                    {
                        "id": mail.id,
                        "written": mail.created_at,
                        "to": mail.recipient,
                        "subject": mail.subject,
                        "attached": document.name if document else None,
                        "sent": mail.sent_at,
                        "kept": mail.kept_at,
                    }
                )
        return rows

    show(run(story()), as_json=as_json, empty="no e-mails")
