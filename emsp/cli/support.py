"""`emsp support`: what staff do for drivers and operators; none of it is offered to apps."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import typer

from emsp import clock
from emsp.accounts import drivers
from emsp.accounts.tables import Driver
from emsp.charging import support
from emsp.charging.ports import CommandAnswer, Limits
from emsp.cli import support_bookings, support_mails, support_refunds, support_reviews, support_stuck
from emsp.cli.running import JsonOption, run, show
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound
from emsp.ocpi.send import asking, commands, profiles
from emsp.ocpi.serve.profiles import active_profile
from emsp.settings import settings

POLL_S = 0.5
LONGEST_WAIT_S = 300
PROFILE_TYPES = ("CHEAP", "FAST", "GREEN", "REGULAR")

cli = typer.Typer(no_args_is_help=True, help="What staff do for drivers and at operators.")
support_bookings.register(cli)
support_reviews.register(cli)
support_stuck.register(cli)
support_refunds.register(cli)
support_mails.register(cli)
EvseArgument = Annotated[str, typer.Argument(help="EVSE id such as NL*ABC*E1, or our number of it.")]
SessionArgument = Annotated[UUID, typer.Argument(help="Id of the charging session.")]
DriverOption = Annotated[str, typer.Option(help="E-mail address or id of the driver.")]


@cli.command("block-driver")
def block_driver(
    named: Annotated[str, typer.Argument(help="E-mail address or id.")], as_json: JsonOption = False
) -> None:
    """Let a driver start nothing more; operators are told at once."""
    show(run(_each_driver(named, drivers.block)), as_json=as_json)


@cli.command("unblock-driver")
def unblock_driver(
    named: Annotated[str, typer.Argument(help="E-mail address or id.")], as_json: JsonOption = False
) -> None:
    """Let a driver charge again."""
    show(run(_each_driver(named, drivers.unblock)), as_json=as_json)


@cli.command()
def unlock(
    where: Annotated[str, typer.Argument(help="Id of a charging session, or EVSE id such as NL*ABC*E1.")],
    connector: Annotated[str | None, typer.Option(help="The operator's id of the connector.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the operator to let go of a cable that is stuck, and wait for the result."""

    async def story() -> dict[str, Any]:
        request_id, answer = await support.unlock(await support.spot(where, connector))
        return await _outcome(commands.UNLOCK_CONNECTOR, request_id, answer)

    _tell(run(story()), as_json=as_json)


@cli.command()
def reserve(
    evse: EvseArgument,
    driver: DriverOption,
    minutes: Annotated[int, typer.Option(min=1, help="How long to keep it free.")] = 15,
    reservation: Annotated[UUID | None, typer.Option(help="Change this reservation instead.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the operator to keep a charge point free for a driver, and wait for the result."""

    async def story() -> dict[str, Any]:
        at, driver_id = await support.spot(evse), (await one_driver(driver)).id
        until = clock.now() + timedelta(minutes=minutes)
        reservation_id, answer = await support.reserve(at, driver_id, until.replace(microsecond=0), reservation)
        return await _outcome(commands.RESERVE_NOW, reservation_id, answer)

    _tell(run(story()), as_json=as_json)


@cli.command("cancel-reservation")
def cancel_reservation(
    reservation: Annotated[UUID, typer.Argument(help="The id that `emsp support reserve` printed.")],
    evse: EvseArgument,
    driver: DriverOption,
    as_json: JsonOption = False,
) -> None:
    """Ask the operator to give up a reservation, and wait for the result."""

    async def story() -> dict[str, Any]:
        at, driver_id = await support.spot(evse), (await one_driver(driver)).id
        answer = await support.cancel_reservation(at, driver_id, reservation)
        return await _outcome(commands.CANCEL_RESERVATION, reservation, answer)

    _tell(run(story()), as_json=as_json)


@cli.command()
def preferences(
    session: SessionArgument,
    profile: Annotated[str, typer.Option(help="CHEAP, FAST, GREEN or REGULAR.")],
    departure: Annotated[datetime | None, typer.Option(help="When the car leaves, UTC.")] = None,
    energy_wh: Annotated[int | None, typer.Option(min=0, help="What it needs by then, in Wh.")] = None,
    discharge: Annotated[bool, typer.Option("--discharge", help="The car may give energy back.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Tell the operator what the driver of a running session wishes."""
    if profile.upper() not in PROFILE_TYPES:
        raise typer.BadParameter(f"{profile!r} is not one of {', '.join(PROFILE_TYPES)}", param_hint="--profile")
    answer = run(
        support.prefer(
            session,
            profile=profile.upper(),
            departure_at=departure.replace(tzinfo=UTC) if departure else None,
            energy_need_wh=energy_wh,
            discharge_allowed=discharge,
        )
    )
    _tell(_answer_row(session, answer), as_json=as_json)


@cli.command()
def profile(
    session: SessionArgument,
    limit: Annotated[
        list[str] | None, typer.Option(help="SECONDS=LIMIT, from so many seconds on; may be repeated.")
    ] = None,
    unit: Annotated[str, typer.Option(help="W, or A per phase.")] = "W",
    duration_s: Annotated[int | None, typer.Option(min=1, help="How long the limits, or the look ahead, go.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take back the limits that were set.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Limit what a running session draws; without --limit or --clear, ask the operator what limits it is under."""
    if unit.upper() not in ("W", "A"):
        raise typer.BadParameter("must be W or A", param_hint="--unit")
    limits = Limits(unit=unit.upper(), steps=[_step(text) for text in limit or []], duration_s=duration_s)

    async def story() -> dict[str, Any]:
        if limit or clear:
            answer = await support.limit(session, None if clear else limits)
            return await _outcome(profiles.CLEAR if clear else profiles.SET, session, answer)
        answer = await support.show_limits(session, duration_s or 3600)
        told = await _outcome(profiles.SHOW, session, answer)
        async with transaction() as db:
            return {**told, "profile": await active_profile(db, session)}

    _tell(run(story()), as_json=as_json)


def _step(text: str) -> tuple[int, Decimal]:
    start, _, most = text.partition("=")
    if not re.fullmatch(r"\d{1,9}", start) or not re.fullmatch(r"\d{1,9}(\.\d)?", most):
        raise typer.BadParameter(f"{text!r} is not SECONDS=LIMIT, such as 0=11000", param_hint="--limit")
    return int(start), Decimal(most)


async def one_driver(named: str) -> Driver:
    """The driver with that address or id. Raises NotFound, and Invalid when several brands have one."""
    async with transaction() as db:
        found = await drivers.drivers_named(db, named)
    if not found:
        raise NotFound(f"there is no driver {named!r}")
    if len(found) > 1:
        raise Invalid(f"{named} is a driver of several brands; say which by id: {', '.join(str(d.id) for d in found)}")
    return found[0]


async def _each_driver(named: str, act: Any) -> list[dict[str, object]]:
    driver = await one_driver(named)
    async with transaction() as db:
        changed: Driver = await act(db, driver.id)
    return [{"driver": changed.id, "email": changed.email, "blocked_at": changed.blocked_at}]


def _answer_row(reference: UUID, answer: CommandAnswer) -> dict[str, Any]:
    return {"id": reference, "answer": answer.outcome, "result": None, "message": answer.message}


async def _outcome(kind: str, reference: UUID, answer: CommandAnswer) -> dict[str, Any]:
    """The operator's answer, and the result once it is there, or that none came in the time the operator named."""
    row = _answer_row(reference, answer)
    if not answer.accepted:
        return row
    wait_s = min(answer.timeout_s or settings().command_timeout_s, LONGEST_WAIT_S)
    deadline = clock.now() + timedelta(seconds=wait_s)
    while True:
        async with transaction() as db:
            command = await asking.latest(db, kind, reference)
        if command and command.answered_at:
            return {**row, "result": command.result, "message": command.message or row["message"]}
        if clock.now() >= deadline:
            return {**row, "result": "TIMEOUT", "message": f"no result came within {wait_s} seconds"}
        await asyncio.sleep(POLL_S)


def _tell(row: dict[str, Any], *, as_json: bool) -> None:
    """Print it; anything but a yes ends with exit status 1."""
    show([row], as_json=as_json)
    if row["answer"] != "ACCEPTED" or row["result"] not in (None, "ACCEPTED"):
        raise typer.Exit(1)
