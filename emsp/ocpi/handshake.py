"""Registration with a partner (chapter Credentials): begun by us with `connect`, or by them after `invite`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlmodel import col

from emsp import clock, logs, vault
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid, NotFound, PartnerFailed
from emsp.ocpi import client, messages, ours, wire
from emsp.ocpi.client import Answer, PeerRefused
from emsp.ocpi.connections import INVITED, REGISTERED, REGISTERING, UNREGISTERED, Peer, peer
from emsp.ocpi.reading import convert
from emsp.ocpi.tables import Connection
from emsp.partners import parties
from emsp.partners.tables import Partner

NEEDED = (("credentials", "SENDER"), ("locations", "SENDER"))
"""Endpoints without which there is nothing to show to a driver."""
WANTED = (("tariffs", "SENDER"), ("commands", "RECEIVER"))
"""Endpoints without which a driver gets less: no prices, no starts."""
ROLES = ("SENDER", "RECEIVER")
Progress = Callable[[str], None]
log = logs.log(__name__)


class NoCommonVersion(PartnerFailed):
    """The partner speaks no version that we speak."""


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """A partner's side as its versions endpoint describes it."""

    versions_url: str
    version: str
    encoding: str
    endpoints: list[dict[str, Any]]

    def credentials_url(self) -> str:
        return next(str(e["url"]) for e in self.endpoints if e["identifier"] == "credentials")


async def connect(
    versions_url: str, token: str, *, name: str | None = None, progress: Progress | None = None
) -> Connection:
    """Register at a partner with the token A that it gave us; the connection with token C stored.

    `progress` is told each step in words. Raises PartnerFailed and its kin; nothing of a failed registration stays.
    """
    tell = progress or (lambda step: log.info(step))
    tell(f"asking {versions_url} for its versions")
    platform = await discover(versions_url, token)
    _refuse_missing(platform)
    tell(f"registering with version {platform.version}, {len(platform.endpoints)} endpoints")
    if lacking := missing(platform, WANTED):
        tell(f"it does not offer {', '.join(lacking)}: stations are shown, but not all can be done there")
    token_b = vault.new_token()
    connection = await _open(versions_url, name, token_b)
    try:
        authorization = wire.token_header(token, platform.encoding)
        answer = await client.exchange("POST", platform.credentials_url(), authorization, ours.credentials(token_b))
        theirs = _credentials(answer)
        connection = await complete(connection.id, platform, theirs, token_b, name=name)
    except BaseException:
        await _undo(connection.id, token_b)
        raise
    tell("registered")
    return connection


async def discover(versions_url: str, token: str, *, version: str | None = None) -> Platform:
    """Versions and endpoints of a partner: of `version`, or the best that both speak.

    The token goes base64-encoded as 2.2 asks; a partner that answers 401 is tried with it as it is.
    Raises PartnerFailed.
    """
    answer, encoding = await _find_encoding(versions_url, token)
    offered = {v.version: v.url for v in _read(answer, list[messages.Version])}
    wanted = (version,) if version else ours.VERSIONS
    chosen = next((candidate for candidate in wanted if candidate in offered), None)
    if chosen is None:
        raise NoCommonVersion(f"{versions_url} offers {', '.join(offered) or 'nothing'}; we speak {', '.join(wanted)}")
    found = await client.exchange("GET", offered[chosen], wire.token_header(token, encoding))
    endpoints = [msgspec.to_builtins(e) for e in _read(found, messages.VersionDetails).endpoints]
    return Platform(versions_url=versions_url, version=chosen, encoding=encoding, endpoints=endpoints)


async def _find_encoding(versions_url: str, token: str) -> tuple[Answer, str]:
    try:
        return await client.exchange("GET", versions_url, wire.token_header(token, wire.BASE64)), wire.BASE64
    except PeerRefused as refused:
        if refused.http_status not in (401, 403):
            raise
    return await client.exchange("GET", versions_url, wire.token_header(token, wire.RAW)), wire.RAW


def missing(platform: Platform, needed: Iterable[tuple[str, str]] = NEEDED) -> list[str]:
    """The needed endpoints that a partner does not offer."""
    offered = {(e["identifier"].lower(), e["role"].upper() or role) for e in platform.endpoints for role in ROLES}
    names = {identifier for identifier, _ in offered}
    return [
        f"{identifier} {role}"
        for identifier, role in needed
        if (identifier, role) not in offered and not (identifier == "credentials" and identifier in names)
    ]


def _refuse_missing(platform: Platform) -> None:
    if lacking := missing(platform):
        raise PartnerFailed(f"{platform.versions_url} lacks endpoints that we need: {', '.join(lacking)}")


def _read(answer: Answer, message: Any) -> Any:
    try:
        return convert(wire.decode(answer.data or b"null"), message)
    except Invalid as fault:
        raise PartnerFailed(f"the partner's answer is not understood: {fault}") from fault


def _credentials(answer: Answer) -> messages.Credentials:
    theirs: messages.Credentials = _read(answer, messages.Credentials)
    if not theirs.roles:
        raise PartnerFailed("the partner's credentials name no role")
    return theirs


async def _open(versions_url: str, name: str | None, token_b: str) -> Connection:
    """A row under which our token B already works: the partner calls us with it before it answers our POST."""
    async with transaction() as db:
        query = select(Connection).where(col(Connection.versions_url) == versions_url).with_for_update()
        connection = (await db.execute(query)).scalar_one_or_none()
        if connection is None:
            partner = await parties.ensure_partner(db, name or urlsplit(versions_url).netloc)
            connection = await _of_partner(db, partner.id, REGISTERING)
        connection.token_in_digests = [*connection.token_in_digests, vault.digest(token_b)]
        db.add(connection)
    return connection


async def _of_partner(db: Db, partner_id: UUID, state: str) -> Connection:
    query = select(Connection).where(col(Connection.partner_id) == partner_id).with_for_update()
    known = (await db.execute(query)).scalar_one_or_none()
    return known or Connection(partner_id=partner_id, state=state, endpoints=[], roles=[])


async def complete(
    connection_id: UUID, platform: Platform, theirs: messages.Credentials, token_in: str, *, name: str | None = None
) -> Connection:
    """Store what both sides agreed on, in one transaction. Raises Refused when a party is another partner's."""
    roles = [_role(role) for role in theirs.roles]
    async with transaction() as db:
        connection = await db.get_one(Connection, connection_id, with_for_update=True)
        connection.state, connection.version = REGISTERED, platform.version
        connection.versions_url = platform.versions_url
        connection.token_in_digests = [vault.digest(token_in)]
        connection.token_out_sealed = vault.seal(theirs.token)
        connection.token_encoding = platform.encoding
        connection.endpoints, connection.roles = platform.endpoints, roles
        connection.registered_at = connection.updated_at = clock.now()
        await parties.set_parties(db, connection.partner_id, [parties.PartyFacts(**role) for role in roles])
        await _rename(db, connection, name or roles[0]["name"])
    return connection


def _role(role: messages.CredentialsRole) -> dict[str, str]:
    name = role.business_details.name if role.business_details else f"{role.country_code} {role.party_id}"
    return {
        "role": role.role.upper(),
        "country_code": wire.fold(role.country_code),
        "party_id": wire.fold(role.party_id),
        "name": name,
    }


async def _rename(db: Db, connection: Connection, name: str) -> None:
    """A partner that is known by its address only takes its company's name, if nobody else has it."""
    partner = await db.get_one(Partner, connection.partner_id)
    provisional = partner.name == urlsplit(connection.versions_url or "").netloc
    taken = (await db.execute(select(Partner).where(col(Partner.name) == name))).first()
    if provisional and not taken:
        partner.name = name


async def _undo(connection_id: UUID, token_b: str) -> None:
    """Forget the token of a registration that failed, and the row if it stood for nothing else."""
    async with transaction() as db:
        connection = await db.get_one(Connection, connection_id, with_for_update=True)
        spent = vault.digest(token_b)
        connection.token_in_digests = [digest for digest in connection.token_in_digests if digest != spent]
        if connection.state == REGISTERING:
            await db.delete(connection)
            await db.flush()
            await db.execute(delete(Partner).where(col(Partner.id) == connection.partner_id))


async def invite(name: str) -> tuple[str, str]:
    """A token A for a partner that will register with us, and the versions URL to use it at.

    An earlier registration of the partner of that name ends with it: inviting again is the way back for one
    that lost its state.
    """
    token_a = vault.new_token()
    async with transaction() as db:
        partner = await parties.ensure_partner(db, name)
        connection = await _of_partner(db, partner.id, INVITED)
        connection.state = INVITED
        connection.token_in_digests = [vault.digest(token_a)]
        connection.token_out_sealed = None
        db.add(connection)
    return token_a, ours.versions_url()


async def rotate(connection_id: UUID) -> Connection:
    """Give a partner a new token and take its new one (PUT credentials); the old ones work until it has answered."""
    async with transaction() as db:
        partner = await peer(db, connection_id)
        row = await db.get_one(Connection, connection_id, with_for_update=True)
        token_b = vault.new_token()
        row.token_in_digests = [*row.token_in_digests, vault.digest(token_b)]
    try:
        platform = await discover(partner.versions_url, partner.token, version=partner.version)
        authorization = wire.token_header(partner.token, platform.encoding)
        answer = await client.exchange("PUT", platform.credentials_url(), authorization, ours.credentials(token_b))
        return await complete(connection_id, platform, _credentials(answer), token_b)
    except BaseException:
        await _undo(connection_id, token_b)
        raise


async def disconnect(connection_id: UUID) -> None:
    """End a registration: tell the partner (DELETE credentials), then let its tokens go, whatever it answers."""
    async with transaction() as db:
        partner = await peer(db, connection_id)
    try:
        await _say_goodbye(partner)
    except PartnerFailed as failed:
        log.warning("a partner was not told that it is disconnected", partner=partner.name, reason=str(failed))
    async with transaction() as db:
        await forget(db, connection_id)


async def _say_goodbye(partner: Peer) -> None:
    url = partner.url("credentials", "SENDER")
    await client.exchange("DELETE", url, wire.token_header(partner.token, partner.encoding))


async def forget(db: Db, connection_id: UUID) -> None:
    """End a registration on our side. Raises NotFound."""
    connection = await db.get(Connection, connection_id, with_for_update=True)
    if connection is None:
        raise NotFound("there is no such connection")
    connection.state, connection.token_in_digests, connection.token_out_sealed = UNREGISTERED, [], None
