"""`emsp support reviews` and `review`: charges whose records cannot be right, and what is to become of them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from emsp.charging.records.review import in_review, release_from_review
from emsp.cli.running import JsonOption, console, run, show


def register(cli: typer.Typer) -> None:
    """Add the commands to the group."""
    cli.command("reviews")(reviews)
    cli.command("review")(review)


def reviews(as_json: JsonOption = False) -> None:
    """List the charges that wait for somebody to look at the operator's record, the longest first."""
    rows = [
        {
            "session": waiting.session_id,
            "since": waiting.since,
            "station": waiting.station,
            "record": waiting.record,
            "energy_wh": waiting.energy_wh,
            "asked": waiting.asked,
            "reason": waiting.reason,
        }
        for waiting in run(in_review())
    ]
    show(rows, as_json=as_json, empty="nothing is in review")


def review(
    session: Annotated[UUID, typer.Argument(help="Id of the charging session, as `emsp support reviews` shows it.")],
    accept: Annotated[bool, typer.Option("--accept/--reject", help="Bill the record as it is, or nothing at all.")],
) -> None:
    """Bill a charge by its record after all, or end it without a bill and give the held money back."""
    console.print(run(release_from_review(session, accept=accept)), highlight=False, soft_wrap=True)
