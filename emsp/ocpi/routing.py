"""Which parties are reached over which connection (chapters Credentials and HubClientInfo).

A direct partner speaks for the roles of its credentials, a hub for every party that it names, and an agreement can
add some. A party may be reached over several connections; one of them is preferred. Who a party belongs to does not
depend on the way: everything known of it hangs on its owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import and_, bindparam, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from emsp.db.engine import Db
from emsp.errors import NotFound, PartnerFailed, Refused
from emsp.ocpi import connections
from emsp.ocpi.connections import REGISTERED, PartyId, Peer
from emsp.ocpi.tables import Connection, Route
from emsp.partners import parties
from emsp.partners.parties import PartyFacts
from emsp.partners.tables import Party

CREDENTIALS, HUB, AGREEMENT = "CREDENTIALS", "HUB", "AGREEMENT"
CONNECTED, OFFLINE, PLANNED, SUSPENDED = "CONNECTED", "OFFLINE", "PLANNED", "SUSPENDED"
STATUSES = (CONNECTED, OFFLINE, PLANNED, SUSPENDED)
HUB_ROLE = "HUB"
FIRST_ROLES = ("CPO", HUB_ROLE)
"""Where a party has several roles, its route shows the first of these."""


class RouteFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A party as a connection offers it."""

    country_code: str
    party_id: str
    role: str = "CPO"
    name: str = ""
    status: str = CONNECTED
    updated_at: datetime | None = None

    @property
    def party(self) -> PartyId:
        return PartyId(self.country_code, self.party_id)


async def owners(db: Db, connection_id: UUID, wanted: Iterable[PartyId]) -> dict[PartyId, UUID]:
    """The partners whose parties these are, of those whose objects may come over the connection."""
    asked = {"connection_id": connection_id, "parties": [tuple(party) for party in set(wanted)]}
    return {PartyId(*party): partner_id for *party, partner_id in await db.execute(_OWNERS, asked)}


_OWNERS = select(col(Route.country_code), col(Route.party_id), col(Route.partner_id)).where(
    col(Route.connection_id) == bindparam("connection_id"),
    tuple_(col(Route.country_code), col(Route.party_id)).in_(bindparam("parties", expanding=True)),
    col(Route.allowed),
)


async def owner(db: Db, connection_id: UUID, party: PartyId) -> UUID | None:
    """The partner whose party this is, if its objects may come over the connection."""
    return (await owners(db, connection_id, [party])).get(party)


async def peer_for(db: Db, partner_id: UUID, party: PartyId) -> Peer:
    """The connection over which a party is called: the preferred one of those that work.

    Raises PartnerFailed when there is none, naming what its hub says of it.
    """
    query = (
        select(Route, Connection)
        .join(Connection, col(Connection.id) == Route.connection_id)
        .where(*_of(party), col(Route.allowed))
        .order_by(col(Route.preferred).desc(), (col(Route.source) == HUB), col(Connection.created_at))
    )
    found = [(route, connection) for route, connection in await db.execute(query)]
    working = [c for r, c in found if r.status == CONNECTED and c.state == REGISTERED]
    if working:
        return await connections.peer(db, working[0].id)
    if not found:
        return await connections.peer_of(db, partner_id)
    route, connection = found[0]
    said = connection.state if connection.state != REGISTERED else route.status
    raise PartnerFailed(f"{party.country_code} {party.party_id} cannot be reached now ({said})")


async def reached(db: Db, wanted: Iterable[tuple[UUID, PartyId]]) -> set[tuple[UUID, PartyId]]:
    """Which of some parties, each with the partner it belongs to, `peer_for` has a connection to. Two statements."""
    asked = set(wanted)
    connected = and_(col(Connection.state) == REGISTERED, col(Connection.token_out_sealed).is_not(None))
    works = func.bool_or(and_(col(Route.status) == CONNECTED, connected))
    party = (col(Route.country_code), col(Route.party_id))
    routed = (
        select(*party, works)
        .join(Connection, col(Connection.id) == Route.connection_id)
        .where(tuple_(*party).in_([tuple(named) for _, named in asked]), col(Route.allowed))
        .group_by(*party)
    )
    known = {PartyId(country_code, party_id): is_there for country_code, party_id, is_there in await db.execute(routed)}
    direct = select(col(Connection.partner_id)).where(
        col(Connection.partner_id).in_({owner_id for owner_id, named in asked if named not in known}), connected
    )
    by_themselves = set(await db.scalars(direct))
    return {(owner_id, named) for owner_id, named in asked if known.get(named, owner_id in by_themselves)}


async def take_roles(db: Db, connection: Connection, facts: Sequence[RouteFacts]) -> None:
    """Let a connection speak for the parties of its credentials, in place of those of its earlier ones.

    Raises Refused (PARTY_TAKEN) for a party that another partner speaks for by its own credentials.
    """
    wanted = {fact.party: fact for fact in sorted(facts, key=_rank, reverse=True)}
    if connection.hub_party is None:
        await _refuse_taken(db, connection, list(wanted))
    await _drop(db, connection, keep=list(wanted))
    for fact in wanted.values():
        await learn(db, connection, fact, CREDENTIALS)


def _rank(fact: RouteFacts) -> int:
    return FIRST_ROLES.index(fact.role) if fact.role in FIRST_ROLES else len(FIRST_ROLES)


async def learn(db: Db, connection: Connection, fact: RouteFacts, source: str) -> Route:
    """Note a route to a party. The first one to a party is preferred; one that a hub offers to a party that is
    reached already is kept, and used once it is allowed."""
    owner_id = await parties.claim(
        db,
        connection.partner_id,
        PartyFacts(country_code=fact.country_code, party_id=fact.party_id, role=fact.role, name=fact.name),
    )
    others = await _others(db, connection.id, fact.party)
    by_hub = source == HUB or (connection.hub_party is not None and source == CREDENTIALS)
    row = {
        "connection_id": connection.id,
        "country_code": fact.country_code,
        "party_id": fact.party_id,
        "partner_id": owner_id,
        "allowed": not (by_hub and others),
        "preferred": not others,
    }
    told: dict[str, Any] = {
        "role": fact.role,
        "name": fact.name,
        "source": source,
        "status": fact.status,
        "source_updated_at": fact.updated_at,
    }
    keys = ["connection_id", "country_code", "party_id"]
    change = insert(Route).values(row | told).on_conflict_do_update(index_elements=keys, set_=told)
    return (await db.execute(change.returning(Route).execution_options(populate_existing=True))).scalar_one()


async def _others(db: Db, connection_id: UUID, party: PartyId) -> int:
    query = (
        select(func.count())
        .select_from(Route)
        .where(*_of(party), col(Route.connection_id) != connection_id, col(Route.allowed))
    )
    return (await db.execute(query)).scalar_one()


def _of(party: PartyId) -> list[Any]:
    return [col(Route.country_code) == party.country_code, col(Route.party_id) == party.party_id]


async def _refuse_taken(db: Db, connection: Connection, wanted: Sequence[PartyId]) -> None:
    query = (
        select(Route)
        .join(Connection, col(Connection.id) == Route.connection_id)
        .where(
            tuple_(col(Route.country_code), col(Route.party_id)).in_([tuple(party) for party in wanted]),
            col(Route.connection_id) != connection.id,
            col(Route.source) == CREDENTIALS,
            col(Connection.hub_party).is_(None),
        )
        .limit(1)
    )
    if other := (await db.execute(query)).scalar_one_or_none():
        taken = f"{other.role} {other.country_code} {other.party_id}"
        raise Refused("PARTY_TAKEN", f"{taken} is already connected as a party of another partner", "roles")


async def _drop(db: Db, connection: Connection, keep: Sequence[PartyId]) -> None:
    """Forget the routes of earlier credentials, and the parties that nobody speaks for any more."""
    ours = [col(Route.connection_id) == connection.id, col(Route.source) == CREDENTIALS]
    kept = tuple_(col(Route.country_code), col(Route.party_id)).in_([tuple(party) for party in keep])
    await db.execute(delete(Route).where(*ours, ~kept))
    reached = select(col(Route.connection_id)).where(
        col(Route.country_code) == Party.country_code, col(Route.party_id) == Party.party_id
    )
    await db.execute(
        delete(Party).where(col(Party.partner_id) == connection.partner_id, ~reached.correlate(Party).exists())
    )


async def routes(db: Db, party: PartyId | None = None) -> list[tuple[Route, Connection]]:
    """Every route, or those to one party."""
    query = select(Route, Connection).join(Connection, col(Connection.id) == Route.connection_id)
    chosen = query.where(*_of(party)) if party else query
    ordered = chosen.order_by(col(Route.country_code), col(Route.party_id), col(Route.preferred).desc())
    return [(route, connection) for route, connection in await db.execute(ordered)]


async def prefer(db: Db, connection_id: UUID, party: PartyId) -> None:
    """Call a party over this connection, and take its objects from there. Raises NotFound."""
    route = await db.get(Route, (connection_id, *party), with_for_update=True)
    if route is None:
        raise NotFound(f"{party.country_code} {party.party_id} is not reached over this connection")
    await db.execute(update(Route).where(*_of(party)).values(preferred=False))
    route.allowed = route.preferred = True


async def allow(db: Db, connection_id: UUID, party: PartyId) -> None:
    """Accept a party's objects over this connection, as agreed with the partner."""
    connection = await db.get_one(Connection, connection_id)
    if (route := await db.get(Route, (connection_id, *party))) is None:
        facts = RouteFacts(country_code=party.country_code, party_id=party.party_id)
        route = await learn(db, connection, facts, AGREEMENT)
    route.allowed = True


async def forbid(db: Db, connection_id: UUID, party: PartyId) -> None:
    """Neither accept a party's objects over this connection nor call it there. Raises NotFound."""
    route = await db.get(Route, (connection_id, *party), with_for_update=True)
    if route is None:
        raise NotFound(f"{party.country_code} {party.party_id} is not reached over this connection")
    route.allowed = route.preferred = False
