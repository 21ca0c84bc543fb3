"""Parties that are reached through a hub (chapter HubClientInfo, receiver interface), pushed or pulled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from emsp import logs
from emsp.clock import utc_text
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid
from emsp.ocpi import ours, routing, wire
from emsp.ocpi.connections import PartyId
from emsp.ocpi.door import Call, Given
from emsp.ocpi.errors import OcpiError, Status
from emsp.ocpi.keep.apply import Applied
from emsp.ocpi.routing import HUB, PLANNED, STATUSES, RouteFacts
from emsp.ocpi.tables import Connection, Route
from emsp.ocpi.words.messages_optional import ClientInfo
from emsp.ocpi.words.reading import read

FIRST_ROLE = "CPO"
"""Of a party with several roles this one counts: it is the one that is called."""
log = logs.log(__name__)


async def get(call: Call) -> Given:
    """GET hubclientinfo/{country_code}/{party_id}: what the hub told us last."""
    party = _named(call)
    async with transaction() as db:
        route = await db.get(Route, (call.connection.id, *party))
    if route is None or route.source != HUB:
        raise OcpiError(Status.INVALID_PARAMETERS, f"{' '.join(party)} was never told of", 404)
    told_at = {"last_updated": utc_text(route.source_updated_at)} if route.source_updated_at else {}
    return Given(data={**party._asdict(), "role": route.role, "status": route.status, **told_at})


async def put(call: Call) -> Given:
    """PUT hubclientinfo/{country_code}/{party_id}"""
    party, info = _named(call), read(call.body, ClientInfo)
    if (stated := PartyId.of(info.country_code, info.party_id)) != party:
        raise Invalid(f"{' '.join(stated)} in the body, {' '.join(party)} in the path", "party_id")
    async with transaction() as db:
        await _take_in(db, call.connection, info, await ours.our_parties(db), Applied(reasons={}))
    return Given()


def _named(call: Call) -> PartyId:
    """The party in the path. Raises OcpiError: 2001 for a caller that is no hub, HTTP 404 for another path."""
    _refuse_others(call.connection)
    match call.path:
        case [_, _, country_code, party_id]:
            return PartyId.of(country_code, party_id)
    raise OcpiError(Status.CLIENT_ERROR, "hubclientinfo/{country_code}/{party_id} is all there is here", 404)


def _refuse_others(connection: Connection) -> None:
    if connection.hub_party is None:
        raise OcpiError(Status.INVALID_PARAMETERS, "only a hub tells of other parties, and you are connected as none")


async def take_in_client_info(db: Db, connection: Connection, bodies: Sequence[bytes]) -> Applied:
    """Take in a list of ClientInfo objects, each as received; reasons are by the place in the list.

    Raises OcpiError 2001 for a connection that is not to a hub.
    """
    _refuse_others(connection)
    applied, own = Applied(reasons={}), await ours.our_parties(db)
    for position, body in enumerate(bodies):
        try:
            await _take_in(db, connection, read(body, ClientInfo), own, applied)
        except Invalid as fault:
            applied.reasons[f"{position + 1}"] = str(fault)
    return applied


async def _take_in(db: Db, connection: Connection, info: ClientInfo, own: Any, applied: Applied) -> None:
    """Learn of one party, unless it is one of ours or more is known of it. Raises Invalid naming the field."""
    facts = facts_of(info)
    if facts.party in own or tuple(facts.party) == _hub(connection):
        applied.unchanged += 1
        return
    known = await db.get(Route, (connection.id, *facts.party), with_for_update=True, populate_existing=True)
    if known is not None and _is_older(facts, known):
        applied.older += 1
        return
    if known is not None and _says_nothing_new(facts, known):
        applied.unchanged += 1
        return
    name = (known.name if known else "") or " ".join(facts.party)
    await routing.learn(db, connection, msgspec.structs.replace(facts, name=name), HUB)
    applied.changed += 1
    tell = log.warning if facts.status == PLANNED else log.info
    tell("a hub told of a party", party=" ".join(facts.party), role=facts.role, status=facts.status)


def _hub(connection: Connection) -> tuple[str, ...]:
    return tuple(PartyId.parse(connection.hub_party)) if connection.hub_party else ()


def facts_of(info: ClientInfo) -> RouteFacts:
    """ClientInfo as a route. Raises Invalid naming the field."""
    status, party = wire.fold(info.status), PartyId.of(info.country_code, info.party_id)
    if status not in STATUSES:
        raise Invalid(f"{info.status!r} is not one of {', '.join(STATUSES)}", "status")
    if not len(party.country_code) == 2 or not 1 <= len(party.party_id) <= 3:
        raise Invalid(f"{' '.join(party)!r} is no party: two letters and up to three", "party_id")
    updated_at = wire.utc(info.last_updated) if info.last_updated else None
    return RouteFacts(**party._asdict(), role=wire.fold(info.role), status=status, updated_at=updated_at)


def _is_older(facts: RouteFacts, known: Route) -> bool:
    if facts.updated_at is None or known.source_updated_at is None or facts.role != known.role:
        return False
    return facts.updated_at < known.source_updated_at


def _says_nothing_new(facts: RouteFacts, known: Route) -> bool:
    if known.source == HUB and known.role == FIRST_ROLE != facts.role:
        return True
    said = (facts.role, facts.status, facts.updated_at)
    return known.source == HUB and said == (known.role, known.status, known.source_updated_at)
