"""`emsp support stuck`: charges of which their operators tell nothing, although they were asked."""

from __future__ import annotations

import typer

from emsp.charging.watching.ask import Stuck
from emsp.charging.watching.ask import stuck as stuck_charges
from emsp.cli.running import JsonOption, run, show
from emsp.db.engine import transaction


def register(cli: typer.Typer) -> None:
    """Add the command to the group."""
    cli.command("stuck")(stuck)


def stuck(as_json: JsonOption = False) -> None:
    """List the charges that somebody should call the operator about: it was asked again and again and tells nothing."""

    async def story() -> list[Stuck]:
        async with transaction() as db:
            return await stuck_charges(db)

    rows = [
        {
            "session": one.session_id,
            "state": one.state,
            "since": one.since,
            "asked": one.asks,
            "last_asked": one.asked_at,
            "party": one.party,
            "their_id": one.external_id,
            "energy_wh": one.energy_wh,
        }
        for one in run(story())
    ]
    show(rows, as_json=as_json, empty="every operator answers")
