"""Charge points kept free for a driver."""

from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry

from emsp.charging import tables
from emsp.charging.reservations.reserve import reservations_of
from emsp.charging.reservations.states import MEANING, ReservationState, after
from emsp.db.engine import reading
from emsp.graphql import ids
from emsp.graphql.fields import resolver, value
from emsp.graphql.loaders import the
from emsp.graphql.node import Node
from emsp.graphql.stations import Evse, Station, evse_of, station_of
from emsp.graphql.viewer import Info


def _state(state: ReservationState) -> Any:
    following = ", ".join(after(state))
    return value(state.value, f"{MEANING[state]} {f'Next: {following}.' if following else 'It is final.'}")


@strawberry.enum(name="ReservationState", description="Where a reservation stands; each state says which may follow.")
class ReservationStateName(Enum):
    REQUESTED = _state(ReservationState.REQUESTED)
    UNCONFIRMED = _state(ReservationState.UNCONFIRMED)
    CONFIRMED = _state(ReservationState.CONFIRMED)
    CANCELING = _state(ReservationState.CANCELING)
    USED = _state(ReservationState.USED)
    EXPIRED = _state(ReservationState.EXPIRED)
    CANCELED = _state(ReservationState.CANCELED)
    REFUSED = _state(ReservationState.REFUSED)


@strawberry.type(description="A charge point kept free for a driver until a time.")
class Reservation(Node):
    row: strawberry.Private[tables.Reservation]

    @resolver("Where it stands.")
    def state(self) -> ReservationStateName:
        return ReservationStateName(self.row.state)

    @resolver("Why it stands there, in a sentence.")
    def state_reason(self) -> str | None:
        return self.row.state_reason

    @resolver("When that was told last.")
    def state_as_of(self) -> datetime:
        return self.row.updated_at

    @resolver("When the driver asked for it.")
    def requested_at(self) -> datetime:
        return self.row.created_at

    @resolver("Until when the charge point is to be kept free.")
    def expires_at(self) -> datetime:
        return self.row.expires_at

    @resolver("The charge point.")
    async def evse(self, info: Info) -> Evse:
        return evse_of(await the(info.context.loaders.evses, self.row.evse_id))

    @resolver("Where it is.")
    async def station(self, info: Info) -> Station:
        row = await the(info.context.loaders.stations, self.row.station_id)
        return station_of(row)


def reservation_of(row: tables.Reservation) -> Reservation:
    """A reservation as the schema shows it."""
    return Reservation(id=ids.encode("Reservation", row.id), row=row)


async def own_reservation(info: Info, key: UUID) -> Reservation | None:
    """The asker's own reservation, or None."""
    driver = info.context.asker.driver
    async with reading() as db:
        row = await db.get(tables.Reservation, key) if driver else None
    return reservation_of(row) if row and driver and row.driver_id == driver.id else None


async def own_reservations(driver_id: UUID) -> list[Reservation]:
    """A driver's reservations that are open, and those of the last day; the newest first."""
    async with reading() as db:
        return [reservation_of(row) for row in await reservations_of(db, driver_id)]
