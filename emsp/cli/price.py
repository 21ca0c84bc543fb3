"""`emsp price`: what a charge costs by a tariff, line by line, from files. It needs no database and no settings."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from emsp.cli import price_batch
from emsp.cli.price_files import STANDARD_INPUT, Asked, Plan, Priced, priced_cdrs, priced_plan
from emsp.clock import now
from emsp.ocpi import wire
from emsp.ocpi.words.offered import VERSIONS
from emsp.pricing.engine.policies import Policies

FILE = "a file, or - for standard input"


def _amount(said: str) -> Decimal:
    try:
        number = Decimal(said)
    except InvalidOperation:
        raise typer.BadParameter(f"{said!r} is not a number") from None
    if not wire.is_amount(number) or number < 0:
        raise typer.BadParameter(f"{said!r} is no amount")
    return number


def _moment(said: str) -> datetime:
    try:
        return wire.moment(said)
    except ValueError:
        raise typer.BadParameter(f"{said!r} is not a time such as 2026-11-22T18:00:00Z") from None


def _choices() -> str:
    """Every policy with its values, the default first."""
    return "; ".join(f"{name}={'|'.join(_values(first))}" for name, first in msgspec.structs.asdict(Policies()).items())


def _values(first: StrEnum) -> list[str]:
    return [first.value, *(each.value for each in type(first) if each is not first)]


POLICIES = _choices()


def _policies(said: list[str] | None) -> Policies:
    pairs = [each.partition("=") for each in said or []]
    try:
        return msgspec.convert({name.strip(): value.strip().upper() for name, _, value in pairs}, Policies)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(f"{error}. There are: {POLICIES}", param_hint="--policy") from error


def price(
    tariff: Annotated[
        str | None, typer.Option(help=f"Tariffs, {FILE}: one, a list or a response. Unset: those inside the CDR.")
    ] = None,
    cdr: Annotated[str | None, typer.Option(help=f"CDRs to price, {FILE}: one, a list or a response.")] = None,
    batch: Annotated[
        str | None, typer.Option(help=f"Cases to price, {FILE}: each line an object with a tariff and a cdr.")
    ] = None,
    energy_wh: Annotated[
        Decimal | None, typer.Option(parser=_amount, metavar="WH", help="Instead of a CDR, the energy of a plan.")
    ] = None,
    power_w: Annotated[Decimal, typer.Option(parser=_amount, metavar="W", help="Power of the plan.")] = Decimal(11_000),
    start: Annotated[
        datetime | None,
        typer.Option(
            parser=_moment, metavar="TIME", help="When the plan starts, UTC if it names no zone; now if unset."
        ),
    ] = None,
    stay_min: Annotated[
        int | None, typer.Option(min=0, max=1_000_000, help="How long the car stays; until it is charged if unset.")
    ] = None,
    reserved_min: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="How long before the start of the plan it was reserved.")
    ] = 0,
    version: Annotated[
        str | None, typer.Option(help=f"Version of the documents, {', '.join(VERSIONS)}; as they look if unset.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Zone of the place, as Europe/Paris; that of the CDR or its country if unset.")
    ] = None,
    policy: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help=f"How tariffs are read, repeatable. {POLICIES}")
    ] = None,
    language: Annotated[str, typer.Option(help="Language of the sentences: en, de, fr or nl.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON, for programs.")] = False,
) -> None:
    """Price a CDR, or a planned charge, by a tariff: what each line is for, and by how much the CDR differs.

    Needs no database. Exit status 1 when something has no price; the lines of a batch say so themselves.
    """
    policies = _policies(policy)
    if [cdr, energy_wh, batch].count(None) != 2:
        raise typer.BadParameter("exactly one of --cdr, --energy-wh and --batch is needed")
    if batch is not None:
        _run_batch(batch, policies)
        return
    if energy_wh is not None and tariff is None:
        raise typer.BadParameter("a plan needs a --tariff")
    if tariff == cdr == STANDARD_INPUT:
        raise typer.BadParameter("standard input holds one of --tariff and --cdr only")
    asked = Asked(tariff, version, time_zone, policies)
    if cdr is not None:
        found = list(priced_cdrs(asked, cdr))
    else:
        plan = Plan(energy_wh or Decimal(0), power_w, start or now(), stay_min, reserved_min)
        found = [priced_plan(asked, plan)]
    _show(found, language, as_json=as_json)
    if any(each.reason for each in found):
        raise typer.Exit(1)


def _run_batch(path: str, policies: Policies) -> None:
    try:
        with sys.stdin.buffer if path == STANDARD_INPUT else Path(path).open("rb") as lines:
            count = price_batch.run(lines, sys.stdout.buffer, policies)
    except BrokenPipeError:  # who reads the answers has seen enough
        raise
    except OSError as error:
        typer.echo(f"{path}: {error.strerror}", err=True)
        raise typer.Exit(1) from error
    typer.echo(str(count), err=True)


def _show(found: list[Priced], language: str, *, as_json: bool) -> None:
    if as_json:
        from emsp.cli.price_json import report_json

        shown = [report_json(each, language) for each in found]
        typer.echo(json.dumps(shown[0] if len(shown) == 1 else shown, ensure_ascii=False))
        return
    from emsp.cli import price_shown

    for each in found:
        price_shown.show(each, language)
