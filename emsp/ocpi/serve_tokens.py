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
from emsp.charging.lifecycle import OPEN
from emsp.charging.tables import ChargingSession
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid
from emsp.ocpi import messages, ours, wire
from emsp.ocpi.door import Call, Given
from emsp.ocpi.errors import OcpiError, Status
from emsp.ocpi.reading import convert

MOST = 500


async def get(call: Call) -> Given:
    """GET tokens, oldest first, page by page; the window counts on `last_updated`."""
    offset, limit = _number(call, "offset", 0, least=0), min(_number(call, "limit", MOST, least=1), MOST)
    window = _window(call)
    ordered = select(Driver).where(*window).order_by(col(Driver.created_at), col(Driver.id))
    async with transaction() as db:
        total = (await db.execute(select(func.count()).select_from(Driver).where(*window))).scalar_one()
        drivers = (await db.execute(ordered.offset(offset).limit(limit))).scalars().all()
    headers = {"X-Total-Count": str(total), "X-Limit": str(MOST)}
    if offset + len(drivers) < total:
        query = {**call.query, "offset": str(offset + len(drivers)), "limit": str(limit)}
        headers["Link"] = f'<{ours.base_url()}/{call.path[0]}/tokens/?{urlencode(query)}>; rel="next"'
    tokens = [ours.token(driver.id, driver.language, driver.created_at) for driver in drivers]
    return Given(data=tokens, headers=headers)


def _number(call: Call, name: str, default: int, *, least: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdecimal() or len(text) > 9 or int(text) < least:
        raise Invalid(f"{text!r} is not a number of at least {least}", name)
    return int(text)


def _window(call: Call) -> list[ColumnElement[bool]]:
    """`date_from` inclusive, `date_to` exclusive."""
    conditions: list[ColumnElement[bool]] = []
    if "date_from" in call.query:
        conditions.append(col(Driver.created_at) >= _moment(call, "date_from"))
    if "date_to" in call.query:
        conditions.append(col(Driver.created_at) < _moment(call, "date_to"))
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
        raise OcpiError(Status.UNKNOWN_TOKEN, f"the token {uid} is not known", 404)
    if references and info["allowed"] == "ALLOWED":
        info["location"] = msgspec.to_builtins(references)
    return Given(data=info)


async def _of_start(db: Db, uid: str) -> dict[str, Any] | None:
    charge, of_charge = ChargingSession, col(ChargingSession.driver_id) == Driver.id
    query = select(charge, Driver).join(Driver, of_charge).where(col(charge.token_uid) == uid.strip().upper())
    found = (await db.execute(query)).one_or_none()
    if found is None:
        return None
    session, driver = found
    token = ours.token(driver.id, driver.language, session.created_at, uid=session.token_uid)
    if session.state not in OPEN:
        return {"allowed": "NOT_ALLOWED", "token": token}
    return {"allowed": "ALLOWED", "token": token, "authorization_reference": session.authorization_reference}


async def _of_driver(db: Db, uid: str) -> dict[str, Any] | None:
    if (between := ours.driver_range(uid)) is None:
        return None
    driver = (await db.execute(select(Driver).where(col(Driver.id).between(*between)))).scalars().first()
    if driver is None:
        return None
    return {"allowed": "NOT_ALLOWED", "token": ours.token(driver.id, driver.language, driver.created_at)}
