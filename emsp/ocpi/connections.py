"""Connections as the rest of the edge uses them: who calls us, whom we may call, and whose objects are whose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlmodel import col

from emsp import vault
from emsp.db.engine import Db
from emsp.errors import NotFound, PartnerFailed
from emsp.ocpi.tables import Connection
from emsp.ocpi.wire import fold
from emsp.partners.tables import Partner
from emsp.settings import settings

INVITED, REGISTERING, REGISTERED, UNREGISTERED = "INVITED", "REGISTERING", "REGISTERED", "UNREGISTERED"


class PartyId(NamedTuple):
    """A party: country code (ISO 3166-1 alpha-2) and party id, in capitals."""

    country_code: str
    party_id: str


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
        """The party that calls which concern no single party go to: the first CPO, or whoever comes first."""
        role = next((role for role in self.roles if role["role"] in ("CPO", "HUB")), self.roles[0])
        return PartyId(role["country_code"], role["party_id"])

    def knows(self, url: str) -> bool:
        """Whether `url` is on a host that the handshake gave us; our token goes nowhere else."""
        given = [self.versions_url, *(endpoint["url"] for endpoint in self.endpoints)]
        return origin(url) in {origin(other) for other in given}


def our_party() -> PartyId:
    """Our own party, as partners know it."""
    return PartyId(settings().ocpi_country_code.upper(), settings().ocpi_party_id.upper())


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def owns(connection: Connection, country_code: str, party_id: str) -> bool:
    """Whether the connection speaks for a party."""
    return (fold(country_code), fold(party_id)) in {
        (role["country_code"], role["party_id"]) for role in connection.roles
    }


async def by_token(db: Db, candidates: Mapping[str, str]) -> tuple[Connection, str, str] | None:
    """The connection that one of the candidate tokens belongs to, with that token and its encoding."""
    for token, encoding in candidates.items():
        query = select(Connection).where(col(Connection.token_in_digests).contains([vault.digest(token)]))
        if connection := (await db.execute(query)).scalar_one_or_none():
            return connection, token, encoding
    return None


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
    )


async def named(db: Db, name: str) -> Connection:
    """The connection of the partner of that name. Raises NotFound."""
    query = select(Connection).join(Partner, col(Partner.id) == Connection.partner_id)
    found = (await db.execute(query.where(col(Partner.name) == name))).scalar_one_or_none()
    if found is None:
        raise NotFound(f"there is no partner named {name!r}")
    return found
