"""Tokens of our drivers (chapter Tokens, sender interface): the list, and authorization in real time.

A driver has one APP_USER token with whitelist NEVER. It starts nothing by itself: a charge begins in the app,
with its price and its payment settled, and travels with a token of its own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from sqlalchemy import ColumnElement, func, select
from sqlmodel import col

from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.charging.lifecycle import OPEN
from emsp.charging.tables import ChargingSession
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid
from emsp.ocpi import ours, wire
from emsp.ocpi.connections import PartyId
from emsp.ocpi.door import Call, Given
from emsp.ocpi.errors import OcpiError, Status
from emsp.ocpi.words import bridge, messages
from emsp.ocpi.words.reading import convert

MOST = 500
_HOLDERS = select(Driver, Brand).join(Brand, col(Brand.id) == Driver.brand_id)


async def get(call: Call) -> Given:
    """GET tokens, oldest first, page by page; the window counts on `last_updated`."""
    offset, limit = _number(call, "offset", 0, least=0), min(_number(call, "limit", MOST, least=1), MOST)
    window = _window(call)
    async with transaction() as db:
        window += await _of_addressed_party(db, call)
        total = (await db.execute(select(func.count()).select_from(Driver).where(*window))).scalar_one()
        ordered = _HOLDERS.where(*window).order_by(col(Driver.created_at), col(Driver.id))
        holders = [ours.holder_of(*row) for row in await db.execute(ordered.offset(offset).limit(limit))]
    headers = {"X-Total-Count": str(total), "X-Limit": str(MOST)}
    if offset + len(holders) < total:
        query = {**call.query, "offset": str(offset + len(holders)), "limit": str(limit)}
        headers["Link"] = f'<{ours.base_url()}/{call.path[0]}/tokens/?{urlencode(query)}>; rel="next"'
    tokens = [bridge.lower("token", call.version, ours.token(holder)) for holder in holders]
    return Given(data=tokens, headers=headers)


async def _of_addressed_party(db: Db, call: Call) -> list[ColumnElement[bool]]:
    """Only the drivers of the party that is asked, if it is one of ours."""
    stated = call.headers.get("OCPI-to-country-code"), call.headers.get("OCPI-to-party-id")
    if not stated[0] or not stated[1]:
        return []
    asked, parties = PartyId.of(stated[0], stated[1]), await ours.our_parties(db)
    if asked not in parties or len(parties) == 1:
        return []
    brands = (await db.execute(select(Brand))).scalars().all()
    return [col(Driver.brand_id).in_([brand.id for brand in brands if ours.party_of_brand(brand) == asked])]


def _number(call: Call, name: str, default: int, *, least: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdecimal() or len(text) > 9 or int(text) < least:
        raise Invalid(f"{text!r} is not a number of at least {least}", name)
    return int(text)


def _window(call: Call) -> list[ColumnElement[bool]]:
    """`date_from` inclusive, `date_to` exclusive."""
    conditions: list[ColumnElement[bool]] = []
    if "date_from" in call.query:
        conditions.append(col(Driver.updated_at) >= _moment(call, "date_from"))
    if "date_to" in call.query:
        conditions.append(col(Driver.updated_at) < _moment(call, "date_to"))
    return conditions


def _moment(call: Call, name: str) -> datetime:
    """A `+` of a zone that was not encoded arrives as a blank."""
    try:
        return wire.moment(call.query[name].replace(" ", "+") if "T" in call.query[name] else call.query[name])
    except ValueError as error:
        raise Invalid(str(error), name) from error


async def authorize(call: Call) -> Given:
    """POST tokens/{token_uid}/authorize[?type=]

    A token that travelled with a start is allowed while its charge is open. A driver's own token is not: the
    price and the payment are settled in the app first.
    """
    match call.path:
        case [_, _, uid, "authorize"]:
            references = convert(call.json(), messages.LocationReferences) if call.body.strip() else None
        case _:
            raise OcpiError(Status.CLIENT_ERROR, "POST tokens/{token_uid}/authorize is all there is here", 404)
    async with transaction() as db:
        info = await _of_start(db, uid) or await _of_driver(db, uid)
    if info is None:
        status = Status.INVALID_PARAMETERS if call.version == "2.1.1" else Status.UNKNOWN_TOKEN
        raise OcpiError(status, f"the token {uid} is not known", 404)
    if references and info["allowed"] == "ALLOWED":
        info["location"] = msgspec.to_builtins(references)
    return Given(data=bridge.lower("authorization_info", call.version, info))


async def _of_start(db: Db, uid: str) -> dict[str, Any] | None:
    charge = col(ChargingSession.driver_id) == Driver.id
    query = _HOLDERS.add_columns(ChargingSession).join(ChargingSession, charge)
    found = (await db.execute(query.where(col(ChargingSession.token_uid) == uid.strip().upper()))).one_or_none()
    if found is None:
        return None
    driver, brand, session = found
    token = ours.token(ours.holder_of(driver, brand), uid=session.token_uid, issued_at=session.created_at)
    if session.state not in OPEN:
        return {"allowed": "NOT_ALLOWED", "token": token}
    return {"allowed": "ALLOWED", "token": token, "authorization_reference": session.authorization_reference}


async def _of_driver(db: Db, uid: str) -> dict[str, Any] | None:
    """A driver's own token starts nothing by itself; one who is blocked is told so."""
    if (between := ours.driver_range(uid)) is None:
        return None
    found = (await db.execute(_HOLDERS.where(col(Driver.id).between(*between)))).first()
    if found is None:
        return None
    holder = ours.holder_of(*found)
    return {"allowed": "NOT_ALLOWED" if holder.valid else "BLOCKED", "token": ours.token(holder)}
