"""Let a fleet's invoices be taken from its bank account (SEPA Direct Debit)."""

from datetime import datetime
from enum import Enum
from uuid import uuid4

import strawberry
from strawberry import field

from emsp.db.engine import transaction
from emsp.errors import NotFound, Refused
from emsp.fleets import tables as fleets
from emsp.fleets.issued import payer_of
from emsp.fleets.members import managed_fleet
from emsp.graphql import ids
from emsp.graphql.errors import UserError, mutation
from emsp.graphql.fields import Id, Input, value
from emsp.graphql.viewer import Info
from emsp.payments import mandates, tables

KEY_MAX = 255


@strawberry.enum(description="Where a mandate stands.")
class MandateState(Enum):
    PENDING = value("PENDING", "It waits to be signed.")
    ACTIVE = value("ACTIVE", "Invoices are collected by it.")
    REVOKED = value("REVOKED", "It was taken back, replaced by another one, or never signed.")


@strawberry.type(description="The leave to take what is invoiced from a bank account (SEPA Direct Debit).")
class Mandate:
    state: MandateState = field(description="Where it stands.")
    reference: str | None = field(description="What the bank's statements show of it; null until it is signed.")
    last4: str | None = field(description="The last characters of the account; null until it is signed.")
    holder: str | None = field(description="Who holds the account; null until it is signed.")
    failure: str | None = field(description="Why signing it failed.")
    created_at: datetime = field(description="When it was begun.")


@strawberry.input(description="The mandate to begin.")
class BeginMandateInput:
    fleet_id: strawberry.ID = field(description="A fleet that the asker manages.")
    idempotency_key: str | None = field(
        default=strawberry.UNSET, description="A text of the app's choice; sent twice, one mandate is begun."
    )


@strawberry.enum(description="Why a mandate was not begun.")
class BeginMandateErrorCode(Enum):
    INVALID_INPUT = value("INVALID_INPUT", "The input does not make sense; `field` says where.")


@strawberry.type(description="Why a mandate was not begun.")
class BeginMandateError(UserError):
    reason: BeginMandateErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of a wish to pay by direct debit.")
class BeginMandatePayload:
    mandate: Mandate | None = field(default=None, description="The mandate; null when there are errors.")
    client_secret: str | None = field(
        default=None, description="With this the card processor's form lets a person enter the account and agree."
    )
    errors: list[BeginMandateError] = field(default_factory=list, description="Why it was not begun.")


@strawberry.enum(description="Why the mandate was not found.")
class FinishMandateErrorCode(Enum):
    MANDATE_NOT_FOUND = value("MANDATE_NOT_FOUND", "The fleet has no such mandate; begin one first.")


@strawberry.type(description="Why the mandate was not found.")
class FinishMandateError(UserError):
    reason: FinishMandateErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="The mandate as it stands now.")
class FinishMandatePayload:
    mandate: Mandate | None = field(default=None, description="The mandate; null when there are errors.")
    errors: list[FinishMandateError] = field(default_factory=list, description="Why it was not found.")


@strawberry.enum(description="Why the mandate was not taken back.")
class RevokeMandateErrorCode(Enum):
    MANDATE_NOT_FOUND = value("MANDATE_NOT_FOUND", "The fleet has no such mandate; begin one first.")


@strawberry.type(description="Why the mandate was not taken back.")
class RevokeMandateError(UserError):
    reason: RevokeMandateErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="The mandate as it stands now.")
class RevokeMandatePayload:
    mandate: Mandate | None = field(default=None, description="The mandate; null when there are errors.")
    errors: list[RevokeMandateError] = field(default_factory=list, description="Why it was not taken back.")


def mandate_of(row: tables.Mandate) -> Mandate:
    """A mandate as the schema shows it."""
    return Mandate(
        state=MandateState(row.state),
        reference=row.reference,
        last4=row.last4,
        holder=row.holder,
        failure=row.failure,
        created_at=row.created_at,
    )


@strawberry.type
class MandateMutation:
    @mutation(
        BeginMandatePayload,
        BeginMandateError,
        BeginMandateErrorCode,
        "Begin a mandate, by which a fleet's invoices are taken from its bank account; only managers may.",
    )
    async def begin_mandate(self, info: Info, input: Input[BeginMandateInput]) -> BeginMandatePayload:
        driver, fleet = info.context.driver, await _managed(info, input.fleet_id)
        begun = await mandates.begin(
            payer_of(fleet.id),
            email=str(fleet.billing.get("email") or driver.email),
            name=str(fleet.billing.get("company") or fleet.name),
            accepted_by=driver.email,
            idempotency_key=(input.idempotency_key or str(uuid4()))[:KEY_MAX],
        )
        return BeginMandatePayload(mandate=mandate_of(begun.mandate), client_secret=begun.client_secret)

    @mutation(
        FinishMandatePayload,
        FinishMandateError,
        FinishMandateErrorCode,
        "See whether the mandate that was begun last is signed by now; also without this it becomes active by itself.",
    )
    async def finish_mandate(self, info: Info, fleet_id: Id) -> FinishMandatePayload:
        fleet = await _managed(info, fleet_id)
        try:
            return FinishMandatePayload(mandate=mandate_of(await mandates.finish(payer_of(fleet.id))))
        except NotFound as error:
            raise _no_mandate() from error

    @mutation(
        RevokeMandatePayload,
        RevokeMandateError,
        RevokeMandateErrorCode,
        "Take a mandate back: invoices from now on are paid by transfer. What is being collected still is.",
    )
    async def revoke_mandate(self, info: Info, fleet_id: Id) -> RevokeMandatePayload:
        fleet = await _managed(info, fleet_id)
        async with transaction() as db:
            active = await mandates.active_of(db, payer_of(fleet.id))
            if active is None:
                raise _no_mandate()
            await mandates.revoke(db, payer_of(fleet.id))
            await db.refresh(active)
        return RevokeMandatePayload(mandate=mandate_of(active))


async def _managed(info: Info, unchecked_id: strawberry.ID) -> fleets.Fleet:
    """The fleet, for its managers. Raises SignInNeeded and NotFound."""
    driver = info.context.driver
    async with transaction() as db:
        return await managed_fleet(db, driver.id, ids.uuid_of(unchecked_id, "Fleet"))


def _no_mandate() -> Refused:
    return Refused("MANDATE_NOT_FOUND", "The fleet has no such mandate; begin one first.")
