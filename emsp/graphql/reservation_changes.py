"""Keep a charge point free, and give it up again."""

from datetime import datetime, timedelta
from enum import Enum

import strawberry
from strawberry import field

from emsp import clock
from emsp.charging.reservations import reserve
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound, Refused
from emsp.graphql import ids
from emsp.graphql.errors import UserError, mutation
from emsp.graphql.fields import Id, Input, value
from emsp.graphql.reservations import Reservation, reservation_of
from emsp.graphql.vehicles import given
from emsp.graphql.viewer import Info

KEY_MAX = 255


@strawberry.input(description="The charge point to keep free, and for how long: minutes or until, not both.")
class ReserveEvseInput:
    evse_id: strawberry.ID = field(description="The charge point.")
    minutes: int | None = field(default=strawberry.UNSET, description="For so many minutes from now, up to 240.")
    until: datetime | None = field(default=strawberry.UNSET, description="Until this moment, up to four hours ahead.")
    idempotency_key: str = field(
        description="A text of the app's choice; sent twice, one reservation is made and shown both times."
    )


@strawberry.enum(description="Why a charge point is not kept free.")
class ReserveEvseErrorCode(Enum):
    EVSE_NOT_FOUND = value("EVSE_NOT_FOUND", "There is no such charge point.")
    RESERVATION_NOT_POSSIBLE = value("RESERVATION_NOT_POSSIBLE", "The charge point, or its operator, cannot do that.")
    NOT_AVAILABLE = value("NOT_AVAILABLE", "The charge point is not free; the message says since when.")
    ALREADY_RESERVED = value("ALREADY_RESERVED", "The driver has a reservation already.")
    DRIVER_BLOCKED = value("DRIVER_BLOCKED", "The driver may not start charges; the support desk knows why.")
    NETWORK_NOT_ALLOWED = value("NETWORK_NOT_ALLOWED", "The brand does not let its drivers charge there.")
    TOO_MANY_OPEN_CHARGES = value("TOO_MANY_OPEN_CHARGES", "The driver has as many open charges as they may have.")
    PAYMENT_DUE = value("PAYMENT_DUE", "A charge of the driver's is not paid.")
    BALANCE_TOO_LOW = value("BALANCE_TOO_LOW", "The driver's balance is too low.")
    PAYMENT_METHOD_MISSING = value("PAYMENT_METHOD_MISSING", "The driver has no saved card; add one first.")
    INVALID_INPUT = value("INVALID_INPUT", "The input does not make sense; `field` says where.")


@strawberry.type(description="Why a charge point is not kept free.")
class ReserveEvseError(UserError):
    reason: ReserveEvseErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of a wish to keep a charge point free.")
class ReserveEvsePayload:
    reservation: Reservation | None = field(
        default=None, description="The reservation that was taken on, to be watched; null when there are errors."
    )
    errors: list[ReserveEvseError] = field(default_factory=list, description="Why it was not taken on.")


@strawberry.enum(description="Why a reservation is not given up.")
class CancelReservationErrorCode(Enum):
    RESERVATION_NOT_FOUND = value("RESERVATION_NOT_FOUND", "The driver has no such reservation.")


@strawberry.type(description="Why a reservation is not given up.")
class CancelReservationError(UserError):
    reason: CancelReservationErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of a reservation to give up.")
class CancelReservationPayload:
    reservation: Reservation | None = field(
        default=None, description="The reservation; one that was over already is as it was. Null when there are errors."
    )
    errors: list[CancelReservationError] = field(default_factory=list, description="Why it is not given up.")


@strawberry.type
class ReservationMutation:
    @mutation(
        ReserveEvsePayload,
        ReserveEvseError,
        ReserveEvseErrorCode,
        "Keep a charge point free for the driver, where that can be done; the reservation is then to be watched.",
    )
    async def reserve_evse(self, info: Info, input: Input[ReserveEvseInput]) -> ReserveEvsePayload:
        driver, until = info.context.driver, _until(input)
        if not 0 < len(input.idempotency_key) <= KEY_MAX:
            raise Invalid(f"must have 1 to {KEY_MAX} characters", "idempotencyKey")
        async with transaction() as db:
            row = await reserve.request_reservation(
                db,
                brand=info.context.asker.brand,
                driver=driver,
                evse_id=_evse(input.evse_id),
                until=until,
                idempotency_key=input.idempotency_key,
            )
        return ReserveEvsePayload(reservation=reservation_of(row))

    @mutation(
        CancelReservationPayload,
        CancelReservationError,
        CancelReservationErrorCode,
        "Give up a reservation; asking again, or after it ended, changes nothing.",
    )
    async def cancel_reservation(self, info: Info, reservation_id: Id) -> CancelReservationPayload:
        driver = info.context.driver
        try:
            async with transaction() as db:
                row = await reserve.request_cancel(
                    db, driver_id=driver.id, reservation_id=ids.uuid_of(reservation_id, "Reservation")
                )
        except NotFound as error:
            raise Refused("RESERVATION_NOT_FOUND", "You have no such reservation.", "reservationId") from error
        return CancelReservationPayload(reservation=reservation_of(row))


def _evse(unchecked_id: strawberry.ID) -> int:
    try:
        return ids.number_of(unchecked_id, "Evse")
    except NotFound as error:
        raise reserve.no_such_evse() from error


def _until(wanted: ReserveEvseInput) -> datetime:
    minutes, until = given(wanted.minutes), given(wanted.until)
    if (minutes is None) == (until is None):
        raise Invalid("say how long: minutes or until, and not both", "minutes")
    if until is not None:
        return until
    if not 1 <= (minutes or 0) <= 240:
        raise Invalid("must be 1 to 240", "minutes")
    return clock.now() + timedelta(minutes=minutes or 0)
