"""What charging needs from outside: a network of operators that can be asked to start, stop, reserve and unlock, and
what became of a charge."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

import msgspec

from emsp.db.engine import Db


class ToOperator(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a command goes to: the party that operates the place, of which partner."""

    partner_id: UUID
    country_code: str
    party_id: str


class OfSession(ToOperator, frozen=True, kw_only=True):
    """A command about a session that the operator knows. `external_session_id` is the operator's id of it."""

    session_id: UUID
    driver_id: UUID
    external_session_id: str


class StartCommand(ToOperator, frozen=True, kw_only=True):
    """Ask an operator to start. `authorization_reference` and `token_uid` are unique to this start."""

    session_id: UUID
    driver_id: UUID
    authorization_reference: str
    token_uid: str
    language: str
    location_id: str
    evse_uid: str
    connector_id: str | None


class StopCommand(OfSession, frozen=True, kw_only=True):
    """Ask an operator to stop."""


class ReserveCommand(ToOperator, frozen=True, kw_only=True):
    """Ask an operator to keep a charge point free until `expires_at`; again with the same id, to change that.

    `authorization_reference` and `token_uid` are unique to this reservation. Without `evse_uid` any charge point of
    the location will do.
    """

    reservation_id: UUID
    driver_id: UUID
    authorization_reference: str
    token_uid: str
    expires_at: datetime
    location_id: str
    evse_uid: str | None = None


class CancelReservationCommand(ToOperator, frozen=True, kw_only=True):
    """Ask an operator to give up a reservation."""

    reservation_id: UUID
    driver_id: UUID


class UnlockCommand(ToOperator, frozen=True, kw_only=True):
    """Ask an operator to let go of a cable that is stuck: for the support desk alone. `request_id` is new each time."""

    request_id: UUID
    location_id: str
    evse_uid: str
    connector_id: str


class PreferencesCommand(OfSession, frozen=True, kw_only=True):
    """Tell an operator what the driver of a running session wishes.

    `profile` is CHEAP, FAST, GREEN or REGULAR.
    """

    profile: str
    departure_at: datetime | None = None
    energy_need_wh: int | None = None
    discharge_allowed: bool = False


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The most that a session may draw over time: in W, or in A per phase, from so many seconds after the start."""

    unit: str
    steps: list[tuple[int, Decimal]]
    start_at: datetime | None = None
    duration_s: int | None = None


class ProfileCommand(OfSession, frozen=True, kw_only=True):
    """Set the limits of a running session; without any, take back those that were set."""

    limits: Limits | None = None


class ShowProfileCommand(OfSession, frozen=True, kw_only=True):
    """Ask for the limits that a running session will be under for the next `duration_s`."""

    duration_s: int


class CommandAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's first answer: whether the command was passed on, and how long its result may take.

    `outcome` is ACCEPTED, REJECTED, NOT_SUPPORTED, UNKNOWN_SESSION or UNKNOWN_LOCATION; of profiles also TOO_OFTEN; of
    preferences also DEPARTURE_REQUIRED, ENERGY_NEED_REQUIRED, NOT_POSSIBLE or PROFILE_TYPE_NOT_SUPPORTED. An operator
    that has no such command is not called: NOT_SUPPORTED.
    """

    outcome: str
    timeout_s: int | None = None
    message: str | None = None

    @property
    def accepted(self) -> bool:
        return self.outcome == "ACCEPTED"


class Network(Protocol):
    """Sends commands. Raises `errors.PartnerFailed` when the operator refuses the call itself,
    `errors.PartnerUnreachable` when no usable answer came (the command may still take effect)."""

    async def reachable(self, db: Db, partner_id: UUID, country_code: str, party_id: str) -> bool:
        """Whether there is a way to the party now, as far as is known without a call."""
        ...

    async def reachable_of(self, db: Db, parties: Collection[ToOperator]) -> set[ToOperator]:
        """As `reachable`, of many parties at once: those to which there is a way."""
        ...

    async def start(self, command: StartCommand) -> CommandAnswer: ...

    async def stop(self, command: StopCommand) -> CommandAnswer: ...

    async def reserve(self, command: ReserveCommand) -> CommandAnswer: ...

    async def cancel_reservation(self, command: CancelReservationCommand) -> CommandAnswer: ...

    async def unlock(self, command: UnlockCommand) -> CommandAnswer: ...

    async def prefer(self, command: PreferencesCommand) -> CommandAnswer: ...

    async def limit(self, command: ProfileCommand) -> CommandAnswer: ...

    async def show_limits(self, command: ShowProfileCommand) -> CommandAnswer: ...

    async def ask_session(
        self,
        *,
        partner_id: UUID,
        country_code: str,
        party_id: str,
        external_session_id: str | None,
        session_id: UUID,
        since: datetime,
    ) -> None:
        """Ask a party what became of a charge: its sessions and records since then are taken in as if it had sent them.

        Everything that the party has of that time comes along, so that one question serves all charges since `since`.
        Records are understood by jobs a moment later. `session_id` is ours, for the log. Raises PartnerFailed,
        PartnerUnreachable, and Refused NOT_SUPPORTED where the party has nothing that could be asked.
        """
        ...


_network: list[Network] = []


def plug(network: Network) -> None:
    """Set the network that this process uses."""
    _network[:] = [network]


def network() -> Network:
    """The network that this process uses."""
    return _network[0]
