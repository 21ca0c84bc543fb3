"""Commands to partners (chapter Commands, sender side), and their results."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from emsp import clock, logs
from emsp.charging import start, stop
from emsp.charging.ports import (
    CancelReservationCommand,
    CommandAnswer,
    PreferencesCommand,
    ProfileCommand,
    ReserveCommand,
    ShowProfileCommand,
    StartCommand,
    StopCommand,
    ToOperator,
    UnlockCommand,
)
from emsp.charging.reservations import follow as reserving
from emsp.clock import utc_text
from emsp.db.engine import Db
from emsp.errors import NotFound, PartnerFailed
from emsp.ocpi import ours, routing
from emsp.ocpi.connections import PartyId
from emsp.ocpi.pull import ask
from emsp.ocpi.send import asking, preferences, profiles
from emsp.ocpi.send.asking import NOT_SUPPORTED, Line
from emsp.ocpi.tables import Command, Connection
from emsp.ocpi.words import bridge

START_SESSION, STOP_SESSION = "START_SESSION", "STOP_SESSION"
RESERVE_NOW, CANCEL_RESERVATION, UNLOCK_CONNECTOR = "RESERVE_NOW", "CANCEL_RESERVATION", "UNLOCK_CONNECTOR"
SINCE = {CANCEL_RESERVATION: "2.2.1"}
"""The commands that came later than the rest, each with its first version."""
LARGEST_NUMBER = 2**31 - 1
log = logs.log(__name__)


class OcpiNetwork:
    """`charging.ports.Network` over OCPI."""

    async def reachable(self, db: Db, partner_id: UUID, country_code: str, party_id: str) -> bool:
        """Whether a connection works that leads to the party, and its hub, if there is one, says that it is there."""
        try:
            await routing.peer_for(db, partner_id, PartyId.of(country_code, party_id))
        except (NotFound, PartnerFailed):
            return False
        return True

    async def reachable_of(self, db: Db, parties: Collection[ToOperator]) -> set[ToOperator]:
        """As `reachable`, of many at once."""
        named = {(each.partner_id, PartyId.of(each.country_code, each.party_id)): each for each in parties}
        return {named[party] for party in await routing.reached(db, named)}

    async def start(self, command: StartCommand) -> CommandAnswer:
        """START_SESSION at the partner; the token is one that is good for this start only."""
        line = await asking.line_to(command, command.driver_id)
        body = {
            "token": token_of(line, command.token_uid),
            "location_id": command.location_id,
            "evse_uid": command.evse_uid,
            "connector_id": command.connector_id,
            "authorization_reference": command.authorization_reference,
        }
        return await _send(line, START_SESSION, body, command.session_id)

    async def stop(self, command: StopCommand) -> CommandAnswer:
        """STOP_SESSION at the partner."""
        line = await asking.line_to(command, command.driver_id)
        return await _send(line, STOP_SESSION, {"session_id": command.external_session_id}, command.session_id)

    async def reserve(self, command: ReserveCommand) -> CommandAnswer:
        """RESERVE_NOW at the partner, with a token of its own as a start has."""
        line = await asking.line_to(command, command.driver_id)
        body = {
            "token": token_of(line, command.token_uid),
            "expiry_date": utc_text(command.expires_at),
            "reservation_id": str(command.reservation_id),
            "reservation_number": number_of(command.reservation_id),
            "location_id": command.location_id,
            "evse_uid": command.evse_uid,
            "authorization_reference": command.authorization_reference,
        }
        return await _send(line, RESERVE_NOW, body, command.reservation_id)

    async def cancel_reservation(self, command: CancelReservationCommand) -> CommandAnswer:
        """CANCEL_RESERVATION at the partner; 2.1.1 has none."""
        line = await asking.line_to(command, command.driver_id)
        body = {"reservation_id": str(command.reservation_id)}
        return await _send(line, CANCEL_RESERVATION, body, command.reservation_id)

    async def unlock(self, command: UnlockCommand) -> CommandAnswer:
        """UNLOCK_CONNECTOR at the partner."""
        body = {
            "location_id": command.location_id,
            "evse_uid": command.evse_uid,
            "connector_id": command.connector_id,
        }
        return await _send(await asking.line_to(command), UNLOCK_CONNECTOR, body, command.request_id)

    async def prefer(self, command: PreferencesCommand) -> CommandAnswer:
        """The driver's wishes for a running session."""
        return await preferences.put(await asking.line_to(command, command.driver_id), command)

    async def limit(self, command: ProfileCommand) -> CommandAnswer:
        """Set or clear the charging profile of a running session."""
        line = await asking.line_to(command, command.driver_id)
        return await (profiles.put(line, command) if command.limits else profiles.delete(line, command))

    async def show_limits(self, command: ShowProfileCommand) -> CommandAnswer:
        """Ask for the active charging profile of a running session; it comes with the result."""
        return await profiles.get(await asking.line_to(command, command.driver_id), command)

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
        """The sessions and CDRs that the party lists since then; there is no way to ask for a single one."""
        log.info("the operator is asked", session_id=str(session_id), their_id=external_session_id)
        await ask.ask_party(partner_id, PartyId.of(country_code, party_id), since)


def token_of(line: Line, uid: str) -> dict[str, Any]:
    """The driver's token for one start or reservation."""
    assert line.holder is not None
    return ours.token(line.holder, uid=uid, issued_at=clock.now())


def number_of(reservation_id: UUID) -> int:
    """The reservation as 2.1.1 names it: a whole number, the same for each sending."""
    return reservation_id.int & LARGEST_NUMBER


async def _send(line: Line, kind: str, message: dict[str, Any], reference: UUID) -> CommandAnswer:
    """POST commands/{kind}. What the partner has no command or no endpoint for is not sent."""
    if lacking := _lacking(line, kind):
        return CommandAnswer(outcome=NOT_SUPPORTED, message=lacking)
    command = await asking.opened(line, "commands", kind, reference)
    stated = {name: value for name, value in message.items() if value is not None}
    body = bridge.lower(kind.lower(), line.peer.version, {"response_url": command.response_url, **stated})
    url = f"{line.peer.url('commands', 'RECEIVER').rstrip('/')}/{kind}"
    return await asking.asked(line, "POST", url, body, reference=reference, command=command)


def _lacking(line: Line, kind: str) -> str | None:
    if line.peer.version < SINCE.get(kind, ""):
        return f"{line.peer.name} speaks OCPI {line.peer.version}, which has no {kind}"
    return None if line.peer.find("commands", "RECEIVER") else f"{line.peer.name} takes no commands"


Tell = Callable[[Db, UUID, str, str | None], Awaitable[None]]
TELL: dict[str, Tell] = {
    START_SESSION: start.start_answered,
    STOP_SESSION: stop.stop_answered,
    RESERVE_NOW: reserving.reservation_answered,
    CANCEL_RESERVATION: reserving.cancel_answered,
}
"""Whom the result of a command is told to; those of other kinds are kept with the command."""


async def take_result(db: Db, connection: Connection, secret: str, result: str, message: str | None = None) -> Command:
    """The charge point's own answer. Raises NotFound when the command was not sent to this partner.

    Several may come for one command, a reservation that the operator gives up long after; each is told to charging,
    which knows what it still means.
    """
    command = await asking.command_of(db, connection, secret)
    command.result, command.message, command.answered_at = result, message, clock.now()
    log.info("a command was answered", kind=command.kind, reference=command.reference, result=result)
    if tell := TELL.get(command.kind):
        await tell(db, UUID(command.reference), result, message)
    return command
