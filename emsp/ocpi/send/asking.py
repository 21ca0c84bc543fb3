"""How a partner is asked for something: over which connection, the first answer, and the way back for the result.

What is asked has two answers. The first, to our call, says whether it was passed on; the second comes to the
response_url and is the charge point's own. The row of a command is committed before its call leaves, since the
result may arrive before the call is answered.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import select
from sqlmodel import col

from emsp import vault
from emsp.charging.ports import CommandAnswer, ToOperator
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid, NotFound, PartnerUnreachable
from emsp.ocpi import client, ours, routing, wire
from emsp.ocpi.client import PeerRefused
from emsp.ocpi.connections import PartyId, Peer, our_party
from emsp.ocpi.errors import Status
from emsp.ocpi.ours import Holder
from emsp.ocpi.tables import Command, Connection
from emsp.ocpi.words.messages import CommandOutcome
from emsp.ocpi.words.reading import convert
from emsp.settings import settings

NOT_SUPPORTED, UNKNOWN_LOCATION = "NOT_SUPPORTED", "UNKNOWN_LOCATION"
MAX_URL = 255


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """The connection over which a party is asked, and for which driver if for any."""

    peer: Peer
    to: PartyId
    holder: Holder | None

    @property
    def sender(self) -> PartyId:
        """The party of ours that asks: that of the driver's brand."""
        return self.holder.party if self.holder else our_party()


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A command that is about to leave, and where its result is to come."""

    command_id: UUID
    response_url: str


async def line_to(command: ToOperator, driver_id: UUID | None = None) -> Line:
    """The connection for a command. Raises PartnerFailed when the party cannot be reached."""
    party = PartyId.of(command.country_code, command.party_id)
    async with transaction() as db:
        peer = await routing.peer_for(db, command.partner_id, party)
        holder = await ours.holder(db, driver_id) if driver_id else None
    return Line(peer=peer, to=party, holder=holder)


async def opened(line: Line, module: str, kind: str, reference: UUID) -> Opened:
    """Keep a command before it leaves; every sending has a response_url of its own."""
    secret = vault.new_token()
    url = response_url(line.peer.version, module, kind, secret)
    row = Command(
        id=uuid4(),
        connection_id=line.peer.id,
        kind=kind,
        reference=str(reference),
        secret_digest=vault.digest(secret),
    )
    async with transaction() as db:
        db.add(row)
    return Opened(command_id=row.id, response_url=url)


def response_url(version: str, module: str, kind: str, secret: str) -> str:
    """Where a result is to be sent. Raises Invalid when our public address is too long."""
    url = f"{ours.base_url()}/{version}/{module}/{kind}/{secret}"
    if len(url) > MAX_URL:
        raise Invalid(f"is too long for a response_url of {MAX_URL} characters", "EMSP_PUBLIC_URL")
    return url


async def asked(
    line: Line, method: str, url: str, body: Any = None, *, reference: UUID, command: Opened | None = None
) -> CommandAnswer:
    """The first answer to a command, noted with it. Raises PartnerFailed, PartnerUnreachable."""
    try:
        answer = await client.call(
            line.peer,
            method,
            url,
            body,
            to=line.to,
            sender=line.sender,
            correlation_id=str(reference),
            timeout_s=settings().command_timeout_s,
        )
        found = _understood(url, answer.data or b"null")
    except PeerRefused as refused:
        if refused.status != Status.UNKNOWN_LOCATION:
            raise
        found = CommandAnswer(outcome=UNKNOWN_LOCATION)
    if command:
        async with transaction() as db:
            (await db.get_one(Command, command.command_id)).response = found.outcome
    return found


def _understood(url: str, data: bytes) -> CommandAnswer:
    try:
        outcome = outcome_of(wire.decode(data))
    except Invalid as fault:
        raise PartnerUnreachable(f"{url} gave an answer that cannot be understood: {fault}") from fault
    return CommandAnswer(outcome=outcome.result, timeout_s=outcome.timeout, message=text_of(outcome))


def outcome_of(parsed: Any) -> CommandOutcome:
    """A first answer or a result: an object, a list of one, or the bare word. Raises Invalid."""
    first = parsed[0] if isinstance(parsed, list) and parsed else parsed
    outcome = CommandOutcome(result=first) if isinstance(first, str) else convert(first, CommandOutcome)
    word = outcome.result.strip().upper()
    if not word:
        raise Invalid("required, a word", "result")
    return msgspec.structs.replace(outcome, result="ACCEPTED" if word == "SUCCESSFUL" else word)


def text_of(outcome: CommandOutcome) -> str | None:
    """What the partner says about it to people: in English if it can, else in its first language."""
    texts = sorted(outcome.message or [], key=lambda text: text.language.lower() != "en")
    return texts[0].text if texts and texts[0].text.strip() else None


async def command_of(db: Db, connection: Connection, secret: str) -> Command:
    """The command that a result is for, locked. Raises NotFound when it was not sent to this partner."""
    query = select(Command).where(col(Command.secret_digest) == vault.digest(secret)).with_for_update()
    command = (await db.execute(query)).scalar_one_or_none()
    if command is None or command.connection_id != connection.id:
        raise NotFound("there is no such command")
    return command


async def latest(db: Db, kind: str, reference: UUID) -> Command | None:
    """The last command of a kind that was sent for something."""
    query = select(Command).where(col(Command.kind) == kind, col(Command.reference) == str(reference))
    return (await db.execute(query.order_by(col(Command.sent_at).desc()).limit(1))).scalar_one_or_none()
