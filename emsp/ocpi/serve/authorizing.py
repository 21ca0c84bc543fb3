"""Authorization in real time (chapter Tokens, sender interface): may this token charge, there and now?

A token that travelled with a start, or with a reservation, is good while that is open. A card or contract is asked
about anew each time. A driver's own token is good for nothing: the price and the payment are settled in the app first.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlmodel import col

from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.charging.elsewhere import taps
from emsp.charging.elsewhere import words as tap_words
from emsp.charging.elsewhere.taps import Tap
from emsp.charging.lifecycle import OPEN
from emsp.charging.reservations import states as reservation_states
from emsp.charging.tables import ChargingSession, Reservation
from emsp.db.engine import Db, transaction
from emsp.ocpi import ours
from emsp.ocpi.door import Call, Given
from emsp.ocpi.errors import OcpiError, Status
from emsp.ocpi.tables import Route
from emsp.ocpi.words import bridge
from emsp.ocpi.words.messages import LocationReferences
from emsp.ocpi.words.reading import convert
from emsp.stations import words
from emsp.stations.tables import Station

Info = dict[str, Any]
MOST_EVSES = 100
_HOLDERS = select(Driver, Brand).join(Brand, col(Brand.id) == Driver.brand_id)


async def authorize(call: Call) -> Given:
    """POST tokens/{token_uid}/authorize[?type=]"""
    match call.path:
        case [_, _, uid, "authorize"]:
            place = convert(call.json(), LocationReferences) if call.body.strip() else None
        case _:
            raise OcpiError(Status.CLIENT_ERROR, "POST tokens/{token_uid}/authorize is all there is here", 404)
    async with transaction() as db:
        info = (
            await _of_start(db, uid, place)
            or await _of_reservation(db, uid, place)
            or await _of_card(db, call, uid, place)
            or await _of_driver(db, uid)
        )
    if info is None:
        status = Status.INVALID_PARAMETERS if call.version == "2.1.1" else Status.UNKNOWN_TOKEN
        raise OcpiError(status, f"the token {uid} is not known", 404)
    return Given(data=bridge.lower("authorization_info", call.version, info))


def _located(place: LocationReferences | None, evse_uids: list[str] | None = None) -> Info:
    """The place that was asked about, as the answer repeats it: with those charge points that it is good for."""
    if place is None:
        return {}
    good = place.evse_uids if evse_uids is None else evse_uids
    return {"location": {"location_id": place.location_id, **({"evse_uids": good} if good else {})}}


async def _of_start(db: Db, uid: str, place: LocationReferences | None) -> Info | None:
    charge = col(ChargingSession.driver_id) == Driver.id
    query = _HOLDERS.add_columns(ChargingSession).join(ChargingSession, charge)
    found = (await db.execute(query.where(col(ChargingSession.token_uid) == uid.strip().upper()))).one_or_none()
    if found is None:
        return None
    driver, brand, session = found
    token = ours.token(ours.holder_of(driver, brand), uid=session.token_uid, issued_at=session.created_at)
    if session.state not in OPEN:
        return {"allowed": taps.NOT_ALLOWED, "token": token}
    reference = session.authorization_reference
    return {"allowed": taps.ALLOWED, "token": token, "authorization_reference": reference, **_located(place)}


async def _of_reservation(db: Db, uid: str, place: LocationReferences | None) -> Info | None:
    kept = col(Reservation.driver_id) == Driver.id
    query = _HOLDERS.add_columns(Reservation).join(Reservation, kept)
    found = (await db.execute(query.where(col(Reservation.token_uid) == uid.strip().upper()))).one_or_none()
    if found is None:
        return None
    driver, brand, reservation = found
    token = ours.token(ours.holder_of(driver, brand), uid=reservation.token_uid, issued_at=reservation.created_at)
    if reservation.state not in reservation_states.GOOD and not await _charges_under(db, reservation):
        return {"allowed": taps.NOT_ALLOWED, "token": token}
    reference = reservation.authorization_reference
    return {"allowed": taps.ALLOWED, "token": token, "authorization_reference": reference, **_located(place)}


async def _charges_under(db: Db, reservation: Reservation) -> bool:
    """Whether a start that travels with the reservation's token is open."""
    of_it = col(ChargingSession.reservation_id) == reservation.id
    query = select(col(ChargingSession.id)).where(of_it, col(ChargingSession.state).in_(OPEN))
    return (await db.execute(query.limit(1))).first() is not None


async def _of_card(db: Db, call: Call, uid: str, place: LocationReferences | None) -> Info | None:
    """A card or a car; the text is for the screen of the charge point."""
    holder = await taps.holder_of(db, uid)
    if holder is None:
        return None
    decision = await taps.decide(db, holder, await _tap(db, call, place))
    info: Info = {"allowed": decision.allowed, "token": ours.charge_token(holder.token, holder.driver, holder.brand)}
    if decision.text:
        info["info"] = {"language": tap_words.language_of(holder.language), "text": decision.text}
    if decision.reference:
        info |= {"authorization_reference": decision.reference, **_located(place, decision.evse_uids or None)}
    return info


async def _tap(db: Db, call: Call, place: LocationReferences | None) -> Tap:
    """Where the card is shown. A place that we do not know yet is not held against anybody."""
    if place is None:
        return Tap(call.connection.partner_id)
    over = (col(Route.country_code) == col(Station.country_code)) & (col(Route.party_id) == col(Station.party_id))
    query = (
        select(Station)
        .join(Route, over)
        .where(
            col(Route.connection_id) == call.connection.id,
            col(Station.external_key) == words.key(place.location_id),
            *_of_sender(call),
        )
    )
    station = (await db.execute(query.limit(1))).scalars().first()
    partner_id = station.partner_id if station else call.connection.partner_id
    return Tap(partner_id, station, place.location_id, (place.evse_uids or [])[:MOST_EVSES])


def _of_sender(call: Call) -> list[Any]:
    """The party that asks, where a connection has several; ids of places are unique in their party only."""
    country_code, party_id = (call.headers.get(f"OCPI-from-{name}") for name in ("country-code", "party-id"))
    if not country_code or not party_id or call.connection.hub_party == f"{country_code}{party_id}".upper():
        return []
    return [
        col(Station.country_code) == country_code.strip().upper(),
        col(Station.party_id) == party_id.strip().upper(),
    ]


async def _of_driver(db: Db, uid: str) -> Info | None:
    """A driver's own token starts nothing by itself; one who is blocked is told so."""
    if (between := ours.driver_range(uid)) is None:
        return None
    found = (await db.execute(_HOLDERS.where(col(Driver.id).between(*between)))).first()
    if found is None:
        return None
    holder = ours.holder_of(*found)
    return {"allowed": taps.NOT_ALLOWED if holder.valid else taps.BLOCKED, "token": ours.token(holder)}
