"""Start and stop a charge."""

from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from strawberry import field

from emsp.charging.authorize import request_start
from emsp.charging.stop import request_stop
from emsp.db.engine import transaction
from emsp.errors import Invalid
from emsp.graphql import ids
from emsp.graphql.errors import UserError, mutation
from emsp.graphql.fields import Id, Input, value
from emsp.graphql.sessions import ChargingSession, session_of
from emsp.graphql.viewer import Info

KEY_MAX = 255


@strawberry.input(description="The charge to start, at the place and price of a quote.")
class StartChargingInput:
    connector_id: strawberry.ID | None = field(
        default=strawberry.UNSET, description="Where; it must be the quote's connector. Optional, as the quote says it."
    )
    evse_id: strawberry.ID | None = field(
        default=strawberry.UNSET, description="Where, by charge point; it must be the quote's. Optional."
    )
    quote_id: strawberry.ID | None = field(
        default=strawberry.UNSET,
        description="The price that was shown. Without one, a quote is made for a usual charge at the place named.",
    )
    payment_method_id: strawberry.ID | None = field(
        default=strawberry.UNSET, description="The card that pays; without it the default card, or the fleet."
    )
    fleet_id: strawberry.ID | None = field(
        default=strawberry.UNSET, description="The fleet that pays, for one of its drivers."
    )
    idempotency_key: str = field(
        description="A text of the app's choice; sent twice, one charge is started and shown both times."
    )


@strawberry.enum(description="Why a charge was not started.")
class StartChargingErrorCode(Enum):
    ALREADY_CHARGING = value("ALREADY_CHARGING", "The driver has an open charge at this charge point.")
    QUOTE_NOT_FOUND = value("QUOTE_NOT_FOUND", "The driver has no such quote.")
    QUOTE_EXPIRED = value("QUOTE_EXPIRED", "The quote has expired; ask for a new one.")
    QUOTE_FOR_ANOTHER_CONNECTOR = value(
        "QUOTE_FOR_ANOTHER_CONNECTOR", "The quote is for another connector than the one named."
    )
    DRIVER_BLOCKED = value("DRIVER_BLOCKED", "The driver may not start charges; the support desk knows why.")
    NOT_CHARGEABLE = value("NOT_CHARGEABLE", "The charge point cannot be started by app.")
    PAYMENT_METHOD_MISSING = value("PAYMENT_METHOD_MISSING", "The driver has no saved card; add one first.")
    PAYMENT_METHOD_NOT_FOUND = value("PAYMENT_METHOD_NOT_FOUND", "The driver has no such card.")
    FLEET_NOT_FOUND = value("FLEET_NOT_FOUND", "The driver is in no such fleet.")
    FLEET_LIMIT = value("FLEET_LIMIT", "The fleet's limits do not allow this charge; `message` says which one.")
    FLEET_BLOCKED = value("FLEET_BLOCKED", "The fleet does not pay for charges at the moment.")
    PAYMENT_DUE = value("PAYMENT_DUE", "A charge of the driver's is not paid yet; `payDue` pays it.")
    BALANCE_TOO_LOW = value("BALANCE_TOO_LOW", "The driver's balance does not cover what the charge may cost.")
    TOO_MANY_OPEN_CHARGES = value("TOO_MANY_OPEN_CHARGES", "The driver has as many open charges as the brand allows.")
    NETWORK_NOT_ALLOWED = value("NETWORK_NOT_ALLOWED", "The brand does not let its drivers charge at this connector.")
    INVALID_INPUT = value("INVALID_INPUT", "The input does not make sense; `field` says where.")


@strawberry.type(description="Why a charge was not started.")
class StartChargingError(UserError):
    reason: StartChargingErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of a wish to charge.")
class StartChargingPayload:
    session: ChargingSession | None = field(
        default=None, description="The charge that was taken on, to be watched; null when there are errors."
    )
    errors: list[StartChargingError] = field(default_factory=list, description="Why it was not taken on.")


@strawberry.input(description="How to stop.")
class StopChargingInput:
    idempotency_key: str | None = field(
        default=strawberry.UNSET, description="A text of the app's choice; stopping twice is harmless with any or none."
    )


@strawberry.enum(description="Why a charge was not stopped.")
class StopChargingErrorCode(Enum):
    NOT_CHARGING = value("NOT_CHARGING", "There is no running charge to stop.")


@strawberry.type(description="Why a charge was not stopped.")
class StopChargingError(UserError):
    reason: StopChargingErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of a wish to stop.")
class StopChargingPayload:
    session: ChargingSession | None = field(default=None, description="The charge; null when there are errors.")
    errors: list[StopChargingError] = field(default_factory=list, description="Why it was not stopped.")


@strawberry.type
class ChargingMutation:
    @mutation(
        StartChargingPayload,
        StartChargingError,
        StartChargingErrorCode,
        "Start a charge at the price of a quote; the payload's session is then to be watched.",
    )
    async def start_charging(self, info: Info, input: Input[StartChargingInput]) -> StartChargingPayload:
        driver = info.context.driver
        if not 1 <= len(input.idempotency_key) <= KEY_MAX:
            raise Invalid(f"must have 1 to {KEY_MAX} characters", "idempotencyKey")
        chosen = _chosen(input)
        async with transaction() as db:
            row = await request_start(
                db,
                brand=info.context.asker.brand,
                driver=driver,
                idempotency_key=input.idempotency_key,
                **chosen,
            )
        return StartChargingPayload(session=session_of(row))

    @mutation(StopChargingPayload, StopChargingError, StopChargingErrorCode, "Stop a running charge.")
    async def stop_charging(self, info: Info, session_id: Id, input: Input[StopChargingInput]) -> StopChargingPayload:
        driver = info.context.driver
        async with transaction() as db:
            row = await request_stop(db, driver_id=driver.id, session_id=ids.uuid_of(session_id, "ChargingSession"))
        return StopChargingPayload(session=session_of(row))


def _chosen(given: StartChargingInput) -> dict[str, Any]:
    """The keys in the ids; whose they are is for `request_start` to check, for it knows why it matters."""
    return {
        "quote_id": _uuid(given.quote_id, "PriceQuote"),
        "connector_id": ids.number_of(given.connector_id, "Connector") if given.connector_id else None,
        "evse_id": ids.number_of(given.evse_id, "Evse") if given.evse_id else None,
        "payment_method_id": _uuid(given.payment_method_id, "PaymentMethod"),
        "fleet_id": _uuid(given.fleet_id, "Fleet"),
    }


def _uuid(unchecked_id: strawberry.ID | None, kind: str) -> UUID | None:
    return ids.uuid_of(unchecked_id, kind) if unchecked_id else None
