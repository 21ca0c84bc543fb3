"""Commands to partners (chapter Commands, sender side): START_SESSION and STOP_SESSION, and their results.

A command has two answers. The first, to our POST, says whether it was passed on; the second comes to its
response_url and is the charge point's own. The row of a command is committed before its POST leaves, since the
result may arrive before the POST is answered.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import select
from sqlmodel import col

from emsp import clock, logs, vault
from emsp.charging import start, stop
from emsp.charging.ports import CommandAnswer, StartCommand, StopCommand
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid, NotFound, PartnerUnreachable
from emsp.ocpi import client, connections, ours, wire
from emsp.ocpi.client import PeerRefused
from emsp.ocpi.connections import PartyId, Peer
from emsp.ocpi.errors import Status
from emsp.ocpi.messages import CommandOutcome
from emsp.ocpi.reading import convert
from emsp.ocpi.tables import Command, Connection
from emsp.settings import settings

START_SESSION, STOP_SESSION = "START_SESSION", "STOP_SESSION"
UNKNOWN_LOCATION = "UNKNOWN_LOCATION"
MAX_URL = 255
log = logs.log(__name__)


class OcpiNetwork:
    """`charging.ports.Network` over OCPI."""

    async def start(self, command: StartCommand) -> CommandAnswer:
        """START_SESSION at the partner; the token is one that is good for this start only."""
        body = {
            "token": ours.token(command.driver_id, command.language, clock.now(), uid=command.token_uid),
            "location_id": command.location_id,
            "evse_uid": command.evse_uid,
            "authorization_reference": command.authorization_reference,
        }
        if command.connector_id:
            body["connector_id"] = command.connector_id
        return await _send(START_SESSION, command, body)

    async def stop(self, command: StopCommand) -> CommandAnswer:
        """STOP_SESSION at the partner."""
        return await _send(STOP_SESSION, command, {"session_id": command.external_session_id})


async def _send(kind: str, command: StartCommand | StopCommand, body: dict[str, Any]) -> CommandAnswer:
    peer, command_id, secret = await _open(kind, command)
    url = f"{peer.url('commands', 'RECEIVER').rstrip('/')}/{kind}"
    message = {"response_url": response_url(peer.version, kind, secret), **body}
    party = PartyId(command.country_code, command.party_id)
    answer = await _first_answer(peer, url, message, party, str(command.session_id))
    async with transaction() as db:
        (await db.get_one(Command, command_id)).response = answer.outcome
    return answer


async def _open(kind: str, command: StartCommand | StopCommand) -> tuple[Peer, UUID, str]:
    secret = vault.new_token()
    async with transaction() as db:
        peer = await connections.peer_of(db, command.partner_id)
        row = Command(
            id=uuid4(),
            connection_id=peer.id,
            kind=kind,
            reference=str(command.session_id),
            secret_digest=vault.digest(secret),
        )
        db.add(row)
    return peer, row.id, secret


def response_url(version: str, kind: str, secret: str) -> str:
    """Where the result of a command is to be sent. Raises Invalid when our public address is too long."""
    url = f"{ours.base_url()}/{version}/commands/{kind}/{secret}"
    if len(url) > MAX_URL:
        raise Invalid(f"is too long for a response_url of {MAX_URL} characters", "EMSP_PUBLIC_URL")
    return url


async def _first_answer(
    peer: Peer, url: str, message: dict[str, Any], party: PartyId, correlation_id: str
) -> CommandAnswer:
    wait_s = settings().command_timeout_s
    try:
        answer = await client.call(
            peer, "POST", url, message, to=party, correlation_id=correlation_id, timeout_s=wait_s
        )
    except PeerRefused as refused:
        if refused.status == Status.UNKNOWN_LOCATION:
            return CommandAnswer(outcome=UNKNOWN_LOCATION)
        raise
    try:
        outcome = outcome_of(wire.decode(answer.data or b"null"))
    except Invalid as fault:
        raise PartnerUnreachable(f"{url} gave an answer that is no CommandResponse: {fault}") from fault
    return CommandAnswer(outcome=outcome.result, timeout_s=outcome.timeout, message=text_of(outcome))


def outcome_of(parsed: Any) -> CommandOutcome:
    """A CommandResponse or CommandResult: an object, a list of one, or the bare word. Raises Invalid."""
    first = parsed[0] if isinstance(parsed, list) and parsed else parsed
    outcome = CommandOutcome(result=first) if isinstance(first, str) else convert(first, CommandOutcome)
    word = outcome.result.strip().upper()
    return msgspec.structs.replace(outcome, result="ACCEPTED" if word == "SUCCESSFUL" else word)


def text_of(outcome: CommandOutcome) -> str | None:
    """What the partner says about it to people: in English if it can, else in its first language."""
    texts = sorted(outcome.message or [], key=lambda text: text.language.lower() != "en")
    return texts[0].text if texts and texts[0].text.strip() else None


async def take_result(db: Db, connection: Connection, secret: str, outcome: CommandOutcome) -> None:
    """The charge point's own answer. Raises NotFound when the command was not sent to this partner.

    Several may come for one command; each is told to charging, which knows what it still means.
    """
    query = select(Command).where(col(Command.secret_digest) == vault.digest(secret)).with_for_update()
    command = (await db.execute(query)).scalar_one_or_none()
    if command is None or command.connection_id != connection.id:
        raise NotFound("there is no such command")
    command.result, command.message = outcome.result, text_of(outcome)
    command.answered_at = clock.now()
    log.info("a command was answered", kind=command.kind, reference=command.reference, result=outcome.result)
    tell = start.start_answered if command.kind == START_SESSION else stop.stop_answered
    await tell(db, UUID(command.reference), outcome.result, command.message)
