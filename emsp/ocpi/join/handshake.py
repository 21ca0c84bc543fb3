"""Registration with a partner (chapter Credentials): begun by us with `connect`, or by them after `invite`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import delete, select
from sqlmodel import col

from emsp import clock, events, logs, vault
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid, NotFound, PartnerFailed
from emsp.ocpi import client, ours, routing, wire
from emsp.ocpi.connections import INVITED, REGISTERED, REGISTERING, UNREGISTERED, PartyId, Peer, peer
from emsp.ocpi.happened import PartnerConnected
from emsp.ocpi.join.discovery import WANTED, Platform, discover, missing
from emsp.ocpi.tables import Connection
from emsp.ocpi.words import bridge, messages
from emsp.ocpi.words.reading import convert
from emsp.partners import parties
from emsp.partners.tables import Partner

Progress = Callable[[str], None]
log = logs.log(__name__)


async def connect(
    versions_url: str,
    token: str,
    *,
    name: str | None = None,
    version: str | None = None,
    encoding: str | None = None,
    progress: Progress | None = None,
) -> Connection:
    """Register at a partner with the token A that it gave us; the connection with token C stored.

    The version, and how the token is encoded, are found out unless they are given. `progress` is told each step in
    words. Raises PartnerFailed and its kin; nothing of a failed registration stays.
    """
    tell = progress or (lambda step: log.info(step))
    tell(f"asking {versions_url} for its versions")
    platform = await discover(versions_url, token, version=version, encoding=encoding)
    _refuse_missing(platform)
    tell(f"registering with version {platform.version}, {len(platform.endpoints)} endpoints")
    if lacking := missing(platform, WANTED):
        tell(f"it does not offer {', '.join(lacking)}: stations are shown, but not all can be done there")
    token_b = vault.new_token()
    connection = await _open(versions_url, name, token_b)
    try:
        theirs = await _exchange_credentials("POST", platform, token, token_b)
        connection = await complete(connection.id, platform, theirs, token_b, name=name)
    except BaseException:
        await _undo(connection.id)
        raise
    tell("registered")
    return connection


async def _exchange_credentials(method: str, platform: Platform, token: str, token_b: str) -> messages.Credentials:
    """Give the partner our credentials with token B, take its own."""
    async with transaction() as db:
        ours_now = await ours.credentials(db, token_b, platform.version)
    authorization = wire.token_header(token, platform.encoding)
    answer = await client.exchange(method, platform.credentials_url(), authorization, ours_now)
    try:
        return credentials_of(platform.version, wire.decode(answer.data or b"null"))
    except Invalid as fault:
        raise PartnerFailed(f"the partner's credentials are not understood: {fault}") from fault


def credentials_of(version: str, parsed: Any) -> messages.Credentials:
    """A partner's credentials, as of whichever version. Raises Invalid."""
    theirs = convert(bridge.lift("credentials", version, parsed), messages.Credentials)
    if not theirs.roles:
        raise Invalid("at least one is required", "roles")
    return theirs


def _refuse_missing(platform: Platform) -> None:
    if lacking := missing(platform):
        raise PartnerFailed(f"{platform.versions_url} lacks endpoints that we need: {', '.join(lacking)}")


async def _open(versions_url: str, name: str | None, token_b: str) -> Connection:
    """A row under which our token B already works: the partner calls us with it before it answers our POST."""
    async with transaction() as db:
        query = select(Connection).where(col(Connection.versions_url) == versions_url).with_for_update()
        connection = (await db.execute(query)).scalar_one_or_none()
        if connection is None:
            partner = await parties.ensure_partner(db, name or urlsplit(versions_url).netloc)
            connection = await _of_partner(db, partner.id, REGISTERING)
        connection.awaited_digest = vault.digest(token_b)
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
        earlier = connection.token_in_digests if connection.state == REGISTERED else []
        connection.state, connection.version = REGISTERED, platform.version
        connection.versions_url = platform.versions_url
        connection.token_in_digests = [vault.digest(token_in), *earlier]
        connection.awaited_digest = None
        connection.token_out_sealed = vault.seal(theirs.token)
        connection.token_encoding = platform.encoding
        connection.endpoints, connection.roles = platform.endpoints, roles
        connection.hub_party = theirs.hub_party_id
        connection.registered_at = connection.updated_at = clock.now()
        await db.flush()
        await routing.take_roles(db, connection, [_route(role) for role in roles])
        await _rename(db, connection, name or roles[0]["name"])
        await events.emit(db, PartnerConnected(connection_id=connection.id))
    return connection


def _role(role: messages.CredentialsRole) -> dict[str, str]:
    name = role.business_details.name if role.business_details else f"{role.country_code} {role.party_id}"
    return {
        "role": role.role.upper(),
        "country_code": wire.fold(role.country_code),
        "party_id": wire.fold(role.party_id),
        "name": name,
    }


def _route(role: dict[str, str]) -> routing.RouteFacts:
    return routing.RouteFacts(
        country_code=role["country_code"], party_id=role["party_id"], role=role["role"], name=role["name"]
    )


async def _rename(db: Db, connection: Connection, name: str) -> None:
    """A partner that is known by its address only takes its company's name, if nobody else has it."""
    partner = await db.get_one(Partner, connection.partner_id)
    provisional = partner.name == urlsplit(connection.versions_url or "").netloc
    taken = (await db.execute(select(Partner).where(col(Partner.name) == name))).first()
    if provisional and not taken:
        partner.name = name


async def _undo(connection_id: UUID) -> None:
    """Forget the token of a registration that failed, and the row if it stood for nothing else."""
    async with transaction() as db:
        connection = await db.get_one(Connection, connection_id, with_for_update=True)
        connection.awaited_digest = None
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
        connection.state, connection.is_static = INVITED, False
        connection.token_in_digests = [vault.digest(token_a)]
        connection.token_out_sealed = None
        db.add(connection)
    return token_a, ours.versions_url()


async def add_static(
    name: str,
    *,
    version: str,
    token_out: str,
    token_in: str | None,
    encoding: str,
    endpoints: Sequence[dict[str, Any]],
    roles: Sequence[PartyId],
) -> tuple[Connection, str]:
    """A partner that cannot do the handshake: tokens, endpoints and parties as agreed by hand.

    Gives the connection and the token with which the partner calls us, a new one unless `token_in` is given.
    """
    token_in = token_in or vault.new_token()
    platform = Platform(versions_url="", version=version, encoding=encoding, endpoints=list(endpoints))
    async with transaction() as db:
        partner = await parties.ensure_partner(db, name)
        connection = await _of_partner(db, partner.id, REGISTERING)
        connection.is_static = True
        db.add(connection)
    told = [messages.CredentialsRole(role="CPO", country_code=p.country_code, party_id=p.party_id) for p in roles]
    theirs = messages.Credentials(token=token_out, url="", roles=told)
    return await complete(connection.id, platform, theirs, token_in, name=name), token_in


async def rotate(connection_id: UUID, *, version: str | None = None) -> Connection:
    """Give a partner a new token and take its new one (PUT credentials); the old ones work until it has answered.

    With another `version` the connection changes to that.
    """
    async with transaction() as db:
        partner = await peer(db, connection_id)
        row = await db.get_one(Connection, connection_id, with_for_update=True)
        if row.is_static:
            raise Invalid(f"{partner.name} was added by hand: add it again with its new tokens", "name")
        token_b = vault.new_token()
        row.awaited_digest = vault.digest(token_b)
    try:
        platform = await discover(partner.versions_url, partner.token, version=version or partner.version)
        theirs = await _exchange_credentials("PUT", platform, partner.token, token_b)
        return await complete(connection_id, platform, theirs, token_b)
    except BaseException:
        await _undo(connection_id)
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


async def reseal() -> int:
    """Seal every token that we show partners with the key of today; how many there are."""
    async with transaction() as db:
        sealed = col(Connection.token_out_sealed).is_not(None)
        connections = (await db.execute(select(Connection).where(sealed).with_for_update())).scalars().all()
        for connection in connections:
            connection.token_out_sealed = vault.reseal(connection.token_out_sealed or "")
    return len(connections)
