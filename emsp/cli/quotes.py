"""`emsp quotes`: what was promised to a driver, and whether a promise that somebody shows is ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from emsp import clock, http
from emsp.cli.running import JsonOption, console, fail, run
from emsp.db.engine import transaction
from emsp.errors import EmspError, Invalid, NotFound
from emsp.money import Money
from emsp.pricing.engine.billed import Bill
from emsp.pricing.quotes import evidence
from emsp.pricing.quotes.evidence import Statement
from emsp.pricing.quotes.quote import by_ids
from emsp.pricing.words import explain

LANGUAGE = "en"
MAX_KEYS_BYTES = 100_000
NAME_MAX = 255

cli = typer.Typer(no_args_is_help=True, help="What was promised to drivers, as it can be shown to others.")


@cli.command()
def verify(
    signed: Annotated[str, typer.Argument(help="The evidence of a quote, or a file that holds it.", metavar="TOKEN")],
    keys: Annotated[
        str | None, typer.Option(help="Whose keys: an address of a JWK set, or a file; unset means our own.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print what a signed quote says, and whether it holds: the signature, and the price that follows from it.

    Ends with status 1 if it does not.
    """
    try:
        key_id, said = evidence.read(_text(signed), _keys(keys) if keys else None)
    except EmspError as error:
        raise fail(f"The evidence does not hold: {error}") from error
    _tell(key_id, said, as_json=as_json)


@cli.command()
def show(
    quote: Annotated[UUID, typer.Argument(help="Our id of the quote, as its evidence names it.")],
    as_json: JsonOption = False,
) -> None:
    """Print a quote that was made here, and whether it is still what was signed then."""

    async def story() -> tuple[str, Statement, bool]:
        async with transaction() as db:
            row = (await by_ids(db, [quote])).get(quote)
        if row is None:
            raise NotFound(f"there is no quote {quote}")
        return *evidence.read(row.signature), evidence.is_as_signed(row)

    key_id, said, unchanged = run(story())
    _tell(key_id, said, as_json=as_json, unchanged=unchanged)


def _text(given: str) -> str:
    """The token itself, or what the file of that name holds. A token is longer than the name of a file can be."""
    if len(given) <= NAME_MAX and Path(given).is_file():
        return Path(given).read_text().strip()
    return given


def _keys(source: str) -> dict[str, Any]:
    """A JWK set at an address or in a file. Raises Invalid for what is none."""
    try:
        text = (
            asyncio.run(_fetched(source)) if source.startswith(("http://", "https://")) else Path(source).read_bytes()
        )
        found = json.loads(text)
    except OSError as error:
        raise Invalid(f"{source} cannot be read: {error.strerror}", "keys") from error
    except ValueError as error:
        raise Invalid(f"{source} is not JSON", "keys") from error
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise Invalid(f"{source} is not a JWK set", "keys")
    return found


async def _fetched(url: str) -> bytes:
    try:
        reply = await http.request("GET", url, headers={"accept": "application/json"}, max_bytes=MAX_KEYS_BYTES)
    finally:
        await http.close()
    if not reply.ok:
        raise Invalid(f"{url} answered HTTP {reply.status}", "keys")
    return reply.body


def _tell(key_id: str, said: Statement, *, as_json: bool, unchanged: bool = True) -> None:
    """Print it; anything but a quote that holds ends with exit status 1."""
    bill = evidence.computed_again(said)
    holds = unchanged and (said.tariff is None or _follows(said, bill))
    row = _row(key_id, said, bill) | {"as_kept": unchanged, "holds": holds}
    if as_json:
        typer.echo(json.dumps(row, default=str))
    else:
        _print(row, said, bill)
    if not holds:
        raise typer.Exit(1)


def _follows(said: Statement, bill: Bill | None) -> bool:
    """Whether total and net are what the tariff gives for the plan."""
    if bill is None or bill.currency != said.currency:
        return False
    return (bill.total.amount, Money(bill.net_minor, bill.currency).amount) == (said.total, said.net)


def _row(key_id: str, said: Statement, bill: Bill | None) -> dict[str, Any]:
    return {
        "quote": said.quote,
        "signed_by": said.issuer,
        "key": key_id,
        "brand": said.brand,
        "operator": said.where.operator,
        "station": said.where.station,
        "evse": said.where.evse_id,
        "connector": said.where.connector_id,
        "issued_at": clock.utc_text(said.issued_at),
        "valid_until": clock.utc_text(said.valid_until),
        "energy_wh": said.plan.energy_wh,
        "guaranteed": said.guaranteed,
        "missing_reason": said.missing_reason,
        "currency": said.currency,
        "net": said.net,
        "total": said.total,
        "computed_again": None if bill is None else bill.total.amount,
        "worst_case": said.worst_case,
        "worst_case_until": said.worst_case_until and clock.utc_text(said.worst_case_until),
    }


def _print(row: dict[str, Any], said: Statement, bill: Bill | None) -> None:
    table = Table(box=None, show_header=False)
    for name, value in row.items():
        if value is not None:
            table.add_row(name.replace("_", " "), str(value))
    if said.tariff is not None:
        table.add_row("tariff", explain.summary(said.tariff, LANGUAGE))
    for text in _lines(bill, said.where.time_zone) if bill else ():
        table.add_row("line", text)
    console.print(table)


def _lines(bill: Bill, time_zone: str) -> Iterator[str]:
    for row in bill.lines:
        text = explain.line_text(row.line, LANGUAGE, currency=bill.currency, time_zone=time_zone)
        yield f"{text}: {Money(row.amount_minor, bill.currency)}"
