"""`emsp fleets limits|terms|billing|block|unblock`: what a fleet may do, and how it pays."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer

from emsp import clock
from emsp.cli.running import run
from emsp.cli.written import from_json
from emsp.db.engine import transaction
from emsp.fleets import members
from emsp.fleets.limits import read_limits
from emsp.fleets.terms import read_billing, read_terms

LIMITS_HELP = (
    'The limits as JSON or @file, such as {"currency": "EUR", "charge_max_minor": 5000, "weekdays": ["MON", "TUE"]}; '
    "{} for none. Fields: currency, charge_max_minor, month_max_minor, weekdays, from_time, until_time, "
    "allowed_parties, blocked_parties, allowed_countries, blocked_countries, max_power_w."
)
TERMS_HELP = (
    'The terms as JSON or @file, such as {"pay_within_days": 30}. '
    "Fields: pay_within_days, direct_debit, remind_after_days, block_after_reminders."
)
BILLING_HELP = (
    'The buyer as JSON or @file, such as {"company": "Couriers B.V.", "country": "NL", "email": "office@example.com"}. '
    "Fields: name, company, street, postal_code, city, country, vat_id, registration_number, email, order_reference, "
    "language."
)
FleetArgument = Annotated[UUID, typer.Argument(help="The fleet's id, as `emsp fleets list` shows it.")]


def limits(
    fleet_id: FleetArgument,
    written: Annotated[str | None, typer.Option("--set", help=LIMITS_HELP)] = None,
    member: Annotated[str | None, typer.Option(help="E-mail address of one member, for narrower limits.")] = None,
) -> None:
    """Show, or set, what may be charged at a fleet's cost."""
    checked = _checked(written, read_limits)

    async def story() -> dict[str, Any]:
        async with transaction() as db:
            if checked is not None:
                await members.set_limits(db, fleet_id, checked, member)
            if member:
                return (await members.member_by_email(db, fleet_id, member)).limits
            return (await members.fleet_by_id(db, fleet_id)).limits

    typer.echo(json.dumps(run(story())))


def terms(
    fleet_id: FleetArgument, written: Annotated[str | None, typer.Option("--set", help=TERMS_HELP)] = None
) -> None:
    """Show, or set, when a fleet pays its invoices and what follows when it does not."""
    _show_or_set(fleet_id, "terms", _checked(written, read_terms))


def billing(
    fleet_id: FleetArgument, written: Annotated[str | None, typer.Option("--set", help=BILLING_HELP)] = None
) -> None:
    """Show, or set, the buyer on a fleet's invoices."""
    _show_or_set(fleet_id, "billing", _checked(written, read_billing))


def block(fleet_id: FleetArgument) -> None:
    """Let nothing be started at a fleet's cost; charges that run go on."""
    _show_or_set(fleet_id, "blocked_at", clock.now())


def unblock(fleet_id: FleetArgument) -> None:
    """Let charges be started at a fleet's cost again."""

    async def story() -> None:
        async with transaction() as db:
            (await members.fleet_by_id(db, fleet_id)).blocked_at = None

    run(story())


def _show_or_set(fleet_id: UUID, name: str, value: Any) -> None:
    async def story() -> Any:
        async with transaction() as db:
            fleet = await members.fleet_by_id(db, fleet_id)
            if value is not None:
                setattr(fleet, name, value)
            return getattr(fleet, name)

    typer.echo(json.dumps(run(story()), default=str))


def _checked(written: str | None, read: Callable[[object], Any]) -> Any:
    """As it is kept: checked, and without what is as by default; None when nothing was written."""
    return None if written is None else msgspec.to_builtins(from_json(written, read, option="--set"))
