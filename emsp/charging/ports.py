"""What charging needs from outside: a network of operators that can be asked to start and stop."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

import msgspec


class StartCommand(msgspec.Struct, frozen=True, kw_only=True):
    """Ask an operator to start. `authorization_reference` and `token_uid` are unique to this start."""

    session_id: UUID
    partner_id: UUID
    country_code: str
    party_id: str
    driver_id: UUID
    authorization_reference: str
    token_uid: str
    language: str
    location_id: str
    evse_uid: str
    connector_id: str | None


class StopCommand(msgspec.Struct, frozen=True, kw_only=True):
    """Ask an operator to stop. `external_session_id` is the operator's id of the session."""

    session_id: UUID
    partner_id: UUID
    country_code: str
    party_id: str
    external_session_id: str


class CommandAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's first answer: whether the command was passed on, and how long its result may take.

    `outcome` is ACCEPTED, REJECTED, NOT_SUPPORTED, UNKNOWN_SESSION or UNKNOWN_LOCATION.
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

    async def start(self, command: StartCommand) -> CommandAnswer: ...

    async def stop(self, command: StopCommand) -> CommandAnswer: ...


_network: list[Network] = []


def plug(network: Network) -> None:
    """Set the network that this process uses."""
    _network[:] = [network]


def network() -> Network:
    """The network that this process uses."""
    return _network[0]
