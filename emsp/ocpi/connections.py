"""Connections as the rest of the edge uses them: who calls us, and whom we may call and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from sqlalchemy import Text, select, type_coerce, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col

from emsp import clock, vault
from emsp.db.engine import Db
from emsp.errors import Invalid, NotFound, PartnerFailed
from emsp.ocpi.tables import Connection
from emsp.ocpi.wire import fold
from emsp.partners.tables import Partner
from emsp.settings import settings

OVERLAP = timedelta(days=1)
INVITED, REGISTERING, REGISTERED, UNREGISTERED = "INVITED", "REGISTERING", "REGISTERED", "UNREGISTERED"


class PartyId(NamedTuple):
    """A party: country code (ISO 3166-1 alpha-2) and party id, in capitals."""

    country_code: str
    party_id: str

    @classmethod
    def of(cls, country_code: str, party_id: str) -> PartyId:
        """However the codes are written."""
        return cls(fold(country_code), fold(party_id))

    @classmethod
    def parse(cls, text: str) -> PartyId:
        """From `NL/ABC`, `NL*ABC`, `NL-ABC` or `NLABC`. Raises Invalid."""
        letters = "".join(letter for letter in fold(text) if letter.isalnum())
        if not 3 <= len(letters) <= 5 or not letters[:2].isalpha():
            raise Invalid(f"{text!r} is no party: two letters of the country and up to three of the party", "party")
        return cls(letters[:2], letters[2:])


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """A connected partner as it is called: a copy of its connection that needs no database."""

    id: UUID
    partner_id: UUID
    name: str
    version: str
    versions_url: str
    token: str
    encoding: str
    endpoints: list[dict[str, Any]]
    roles: list[dict[str, Any]]
    hub: PartyId | None = None

    @property
    def routed(self) -> bool:
        """Whether messages say from which party to which they go: from 2.2 on."""
        return self.version != "2.1.1"

    def url(self, identifier: str, role: str) -> str:
        """The URL of an endpoint. Raises PartnerFailed when the partner has none."""
        found = self.find(identifier, role)
        if found is None:
            raise PartnerFailed(f"{self.name} offers no {identifier} endpoint as {role}")
        return found

    def find(self, identifier: str, role: str) -> str | None:
        """The URL of an endpoint, if there is one; 2.1.1 knows no roles, and names differ in case."""
        for endpoint in self.endpoints:
            fits = endpoint.get("role", "").upper() in (role, "") or identifier == "credentials"
            if endpoint["identifier"].lower() == identifier and fits:
                return str(endpoint["url"])
        return None

    @property
    def party(self) -> PartyId:
        """The party that calls which concern no single party go to: the hub, the first CPO, or whoever comes first."""
        if self.hub:
            return self.hub
        role = next((role for role in self.roles if role["role"] == "CPO"), self.roles[0])
        return PartyId(role["country_code"], role["party_id"])

    def knows(self, url: str) -> bool:
        """Whether `url` is on a host that the handshake gave us; our token goes nowhere else."""
        given = [self.versions_url, *(endpoint["url"] for endpoint in self.endpoints)]
        return origin(url) in {origin(other) for other in given if other}


def party_of(connection: Connection) -> PartyId:
    """Whose objects those are that name no owner (2.1.1): the first CPO of the partner's credentials."""
    role = next((role for role in connection.roles if role["role"] == "CPO"), connection.roles[0])
    return PartyId(role["country_code"], role["party_id"])


def our_party() -> PartyId:
    """The party of this installation, which is also that of the brands without one of their own."""
    return PartyId.of(settings().ocpi_country_code, settings().ocpi_party_id)


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


async def by_tokens(db: Db, callers: Sequence[Mapping[str, str]]) -> list[tuple[Connection, str, str] | None]:
    """Of each caller, the connection that one of its candidate tokens belongs to, with that token and its encoding."""
    digests = {token: vault.digest(token) for candidates in callers for token in candidates}
    owners = await _owners(db, list(digests.values()))
    known = {token: digest for token, digest in digests.items() if digest in owners}
    good = {token: await _still_good(db, owners[digest], digest) for token, digest in known.items()}
    found = [next(((token, how) for token, how in caller.items() if good.get(token)), None) for caller in callers]
    return [(owners[digests[one[0]]], *one) if one else None for one in found]


async def _owners(db: Db, digests: Sequence[str]) -> dict[str, Connection]:
    """The connections that tokens with these digests belong to."""
    if not digests:
        return {}
    tokens_in = type_coerce(col(Connection.token_in_digests), ARRAY(Text))
    known = tokens_in.overlap(digests) | col(Connection.awaited_digest).in_(digests)
    found = (await db.execute(select(Connection).where(known))).scalars()
    return {digest: one for one in found for digest in (*one.token_in_digests, one.awaited_digest) if digest}


async def _still_good(db: Db, connection: Connection, digest: str) -> bool:
    """Whether a token may be used: the ones before the newest are, until that was used, for a day at most."""
    if digest not in connection.token_in_digests or len(connection.token_in_digests) == 1:
        return True
    if digest != connection.token_in_digests[0]:
        return connection.registered_at is None or clock.now() - connection.registered_at < OVERLAP
    await db.execute(
        update(Connection)
        .where(col(Connection.id) == connection.id, col(Connection.token_in_digests)[1] == digest)
        .values(token_in_digests=[digest])
    )
    return True


async def peer(db: Db, connection_id: UUID) -> Peer:
    """The partner behind a connection. Raises NotFound, PartnerFailed when it is not registered."""
    return await _peer(db, col(Connection.id) == connection_id)


async def peer_of(db: Db, partner_id: UUID) -> Peer:
    """A partner, to be called. Raises NotFound, PartnerFailed when it is not registered."""
    return await _peer(db, col(Connection.partner_id) == partner_id)


async def _peer(db: Db, condition: Any) -> Peer:
    query = select(Connection, Partner).join(Partner, col(Partner.id) == Connection.partner_id).where(condition)
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound("there is no such connection")
    connection, partner = found
    if connection.state != REGISTERED or connection.token_out_sealed is None:
        raise PartnerFailed(f"{partner.name} is not connected ({connection.state})")
    return Peer(
        id=connection.id,
        partner_id=partner.id,
        name=partner.name,
        version=connection.version,
        versions_url=connection.versions_url or "",
        token=vault.unseal(connection.token_out_sealed),
        encoding=connection.token_encoding,
        endpoints=connection.endpoints,
        roles=connection.roles,
        hub=PartyId.parse(connection.hub_party) if connection.hub_party else None,
    )


async def named(db: Db, name: str) -> Connection:
    """The connection of the partner of that name. Raises NotFound."""
    query = select(Connection).join(Partner, col(Partner.id) == Connection.partner_id)
    found = (await db.execute(query.where(col(Partner.name) == name))).scalar_one_or_none()
    if found is None:
        raise NotFound(f"there is no partner named {name!r}")
    return found
