"""`emsp support book` and its kin: charge points booked for a time to come, at partners that offer it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from emsp.accounts import drivers
from emsp.cli.running import JsonOption, run, show
from emsp.db.engine import transaction
from emsp.errors import Invalid
from emsp.ocpi import connections
from emsp.ocpi.connections import Peer
from emsp.ocpi.send import bookings

PartnerArgument = Annotated[str, typer.Argument(help="The partner's name, as `emsp partners list` shows it.")]


def register(cli: typer.Typer) -> None:
    """Add the commands to the group."""
    cli.command("bookable")(bookable)
    cli.command("book")(book)
    cli.command("cancel-booking")(cancel_booking)


def bookable(partner: PartnerArgument, as_json: JsonOption = False) -> None:
    """List the places of a partner that can be booked."""

    async def story() -> list[dict[str, Any]]:
        return await bookings.places(await _peer(partner))

    rows = [
        {
            "place": place.get("id"),
            "location": place.get("location_id"),
            "calendars": len(place.get("calendars") or []),
            "last_updated": place.get("last_updated"),
        }
        for place in run(story())
    ]
    show(rows, as_json=as_json, empty="nothing can be booked there")


def book(
    partner: PartnerArgument,
    place: Annotated[str, typer.Argument(help="The place's id, as `emsp support bookable` shows it.")],
    driver: Annotated[str, typer.Option(help="Id of the driver, or the e-mail address if one brand has it.")],
    begin: Annotated[datetime, typer.Option("--from", help="From when on, UTC.")],
    end: Annotated[datetime, typer.Option("--until", help="Until when, UTC.")],
    evse: Annotated[str | None, typer.Option(help="The partner's uid of one charge point.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a partner for a place from one time to another; prints what became of it so far."""
    if begin >= end:
        raise typer.BadParameter("must be before --until", param_hint="--from")

    async def story() -> dict[str, Any]:
        async with transaction() as db:
            found = await drivers.drivers_named(db, driver)
        if len(found) != 1:
            raise Invalid(f"{len(found)} drivers are known as {driver!r}", "driver")
        starts_at, ends_at = begin.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
        return await bookings.book(await _peer(partner), found[0].id, place, starts_at, ends_at, evse_uid=evse)

    show([_row(run(story()))], as_json=as_json)


def cancel_booking(
    partner: PartnerArgument,
    request: Annotated[str, typer.Argument(help="The request id that `emsp support book` printed.")],
    reason: Annotated[str, typer.Option(help=f"One of {', '.join(bookings.REASONS)}.")] = "UNKNOWN",
    as_json: JsonOption = False,
) -> None:
    """Take a booking back."""

    async def story() -> dict[str, Any]:
        return await bookings.cancel(await _peer(partner), request, reason.upper())

    show([_row(run(story()))], as_json=as_json)


async def _peer(name: str) -> Peer:
    async with transaction() as db:
        return await connections.peer(db, (await connections.named(db, name)).id)


def _row(booking: dict[str, Any]) -> dict[str, Any]:
    names = ("request_id", "id", "reservation_status", "location_id")
    return {name: booking.get(name) for name in names} | {"period": booking.get("period")}
