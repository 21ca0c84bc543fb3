"""`emsp rates`: exchange rates."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from emsp.cli.running import JsonOption, fail, run, show
from emsp.db.engine import transaction
from emsp.pricing.retail import rates
from emsp.pricing.retail.conversion import ExchangeRate
from emsp.pricing.retail.rate_files import rates_in
from emsp.settings import settings

cli = typer.Typer(no_args_is_help=True, help="Exchange rates, by which prices are told in a brand's own currency.")
FileOption = Annotated[
    Path | None,
    typer.Option(
        help="A file of the European Central Bank (daily XML or CSV, the zipped history) instead of the web.",
        exists=True,
        dir_okay=False,
    ),
]


@cli.command()
def update(file: FileOption = None, as_json: JsonOption = False) -> None:
    """Fetch the newest rates, or read them from a file; the last 90 days that it holds are kept."""
    if file is None and not settings().exchange_rates_url:
        raise fail("EMSP_EXCHANGE_RATES_URL is empty: name a file by --file")

    async def story() -> tuple[int, date]:
        found = rates_in(file.read_bytes()) if file else await rates.fetched()
        async with transaction() as db:
            kept = await rates.keep_rates(db, found)
        return kept, max(rate.as_of for rate in found)

    kept, newest = run(story())
    show([{"kept": kept, "newest": newest}], as_json=as_json)


@cli.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List the newest rate of every currency: what one euro buys."""

    async def story() -> tuple[ExchangeRate, ...]:
        async with transaction() as db:
            return await rates.known_rates(db)

    show([_row(rate) for rate in run(story())], as_json=as_json)


def _row(rate: ExchangeRate) -> dict[str, object]:
    return {
        "currency": rate.currency,
        "per_euro": str(rate.per_euro),
        "as_of": rate.as_of,
        "source": rate.source,
        "old": rate.old,
    }
