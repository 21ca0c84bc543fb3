"""`emsp partners invoices`: what partners' invoices are for, beside our own records."""

from __future__ import annotations

from typing import Annotated

import typer

from emsp.cli.running import JsonOption, run, show
from emsp.db.engine import transaction
from emsp.ocpi import connections
from emsp.ocpi.keep.invoices import Invoice, as_row
from emsp.ocpi.keep.invoices import invoices as known_invoices


def invoices(
    name: Annotated[str, typer.Argument(help="The partner's name, as `emsp partners list` shows it.")],
    as_json: JsonOption = False,
) -> None:
    """List the invoices that a partner explained: their CDRs, our sums, what is unknown and what is asked for twice."""

    async def story() -> list[Invoice]:
        async with transaction() as db:
            return await known_invoices(db, (await connections.named(db, name)).id)

    show([as_row(invoice) for invoice in run(story())], as_json=as_json, empty="no invoice was explained yet")
