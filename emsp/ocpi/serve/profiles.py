"""Charging profiles as partners tell of them (chapter ChargingProfiles, sender interface): the results of what we
asked, and the profile that a session is under whenever it changes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlmodel import col

from emsp.charging.tables import ChargingSession
from emsp.db.engine import Db, transaction
from emsp.ocpi import wire
from emsp.ocpi.connections import PartyId
from emsp.ocpi.door import Call, Given
from emsp.ocpi.errors import OcpiError, Status
from emsp.ocpi.keep import inbox
from emsp.ocpi.keep.inbox import Item
from emsp.ocpi.send.asking import outcome_of
from emsp.ocpi.send.commands import take_result
from emsp.ocpi.send.profiles import MODULE
from emsp.ocpi.tables import Connection, InboxDocument, Route
from emsp.ocpi.words.messages_optional import ActiveChargingProfile
from emsp.ocpi.words.reading import convert
from emsp.stations.tables import Station


class Charge(msgspec.Struct, frozen=True):
    """A session of ours, by the party that runs it and its own id for it."""

    party: PartyId
    external_id: str

    @property
    def key(self) -> str:
        return wire.key_of(*self.party, self.external_id)


async def post(call: Call) -> Given:
    """POST chargingprofiles/{kind}/{secret}: a result; that of a question brings the profile along."""
    match call.path:
        case [_, _, _, secret]:
            parsed = call.json()
        case _:
            raise OcpiError(Status.CLIENT_ERROR, "this is not a response_url of ours", 404)
    outcome = outcome_of(parsed)
    first = parsed[0] if isinstance(parsed, list) else parsed
    profile = first.get("profile") if isinstance(first, dict) else None
    async with transaction() as db:
        command = await take_result(db, call.connection, secret, outcome.result)
        if profile:
            charge = await _charge(db, call.connection, col(ChargingSession.id) == UUID(command.reference))
            await _keep(db, call, charge, profile)
    return Given()


async def put(call: Call) -> Given:
    """PUT chargingprofiles/{session_id}: the profile that a session of ours is under now."""
    match call.path:
        case [_, _, session_id]:
            profile = call.json_object()
        case _:
            raise OcpiError(Status.CLIENT_ERROR, "PUT chargingprofiles/{session_id} is all there is here", 404)
    async with transaction() as db:
        by_key = col(ChargingSession.external_key) == session_id.casefold()
        await _keep(db, call, await _charge(db, call.connection, by_key), profile)
    return Given()


async def _charge(db: Db, connection: Connection, condition: Any) -> Charge:
    """A session at one of the partner's parties. Raises OcpiError: HTTP 404."""
    route = (
        (col(Route.connection_id) == connection.id)
        & (col(Route.country_code) == Station.country_code)
        & (col(Route.party_id) == Station.party_id)
        & col(Route.allowed)
    )
    query = select(col(Station.country_code), col(Station.party_id), col(ChargingSession.external_id)).join(
        ChargingSession, col(ChargingSession.station_id) == Station.id
    )
    found = (await db.execute(query.join(Route, route).where(condition))).first()
    if found is None or found.external_id is None:
        raise OcpiError(Status.INVALID_PARAMETERS, "there is no such session", 404)
    return Charge(PartyId.of(found.country_code, found.party_id), found.external_id)


async def _keep(db: Db, call: Call, charge: Charge, profile: Any) -> None:
    """Keep the profile as it was told. Raises Invalid for what is none."""
    convert(profile, ActiveChargingProfile)
    item = Item(charge.key, wire.encode(profile), call.version)
    await inbox.keep(db, call.connection.id, MODULE, [item])


async def active_profile(db: Db, session_id: UUID) -> Any:
    """The profile that a session was last told to be under, if ever."""
    query = (
        select(col(InboxDocument.body))
        .join(Route, col(Route.connection_id) == InboxDocument.connection_id)
        .join(Station, (col(Station.country_code) == Route.country_code) & (col(Station.party_id) == Route.party_id))
        .join(ChargingSession, col(ChargingSession.station_id) == Station.id)
        .where(
            col(ChargingSession.id) == session_id,
            col(InboxDocument.module) == MODULE,
            col(InboxDocument.object_key)
            == func.concat_ws("/", Station.country_code, Station.party_id, func.upper(ChargingSession.external_id)),
        )
        .order_by(col(InboxDocument.received_at).desc())
    )
    body = (await db.execute(query.limit(1))).scalar_one_or_none()
    return wire.decode(body) if body else None
