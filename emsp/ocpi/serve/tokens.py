"""Tokens of our drivers, their cards and their cars (chapter Tokens, sender interface): the list of them.

A driver has one APP_USER token with whitelist NEVER. It starts nothing by itself: a charge begins in the app,
with its price and its payment settled, and travels with a token of its own. Cards and contracts do start charges.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import ColumnElement, Subquery, func, literal, select, union_all
from sqlmodel import col

from emsp.accounts.tables import ChargeToken, Driver
from emsp.brands.tables import Brand
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid
from emsp.ocpi import ours, wire
from emsp.ocpi.connections import PartyId
from emsp.ocpi.door import Call, Given
from emsp.ocpi.serve.authorizing import authorize
from emsp.ocpi.words import bridge

__all__ = ["authorize", "get"]
MOST = 500
APP, CARD = "app", "card"
Keys = Sequence[tuple[str, UUID]]


async def get(call: Call) -> Given:
    """GET tokens, oldest first, page by page; the window counts on `last_updated`."""
    offset, limit = _number(call, "offset", 0, least=0), min(_number(call, "limit", MOST, least=1), MOST)
    listed = _listed()
    window = _window(call, listed)
    async with transaction() as db:
        window += await _of_addressed_party(db, call, listed)
        total = (await db.execute(select(func.count()).select_from(listed).where(*window))).scalar_one()
        ordered = select(listed.c.kind, listed.c.id).where(*window).order_by(listed.c.created_at, listed.c.id)
        keys = [(kind, key) for kind, key in await db.execute(ordered.offset(offset).limit(limit))]
        tokens = await _tokens(db, keys)
    headers = {"X-Total-Count": str(total), "X-Limit": str(MOST)}
    if offset + len(keys) < total:
        query = {**call.query, "offset": str(offset + len(keys)), "limit": str(limit)}
        headers["Link"] = f'<{ours.base_url()}/{call.path[0]}/tokens/?{urlencode(query)}>; rel="next"'
    return Given(data=[bridge.lower("token", call.version, token) for token in tokens], headers=headers)


def _listed() -> Subquery:
    """Apps, cards and cars as one list. What is told of a card changes with its driver as well."""
    apps: Any = select(
        literal(APP).label("kind"),
        col(Driver.id).label("id"),
        col(Driver.brand_id).label("brand_id"),
        col(Driver.created_at).label("created_at"),
        col(Driver.updated_at).label("changed_at"),
    )
    changed_at = func.greatest(col(ChargeToken.updated_at), col(Driver.updated_at))
    cards = select(
        literal(CARD), col(ChargeToken.id), col(ChargeToken.brand_id), col(ChargeToken.created_at), changed_at
    ).outerjoin(Driver, col(Driver.id) == col(ChargeToken.driver_id))
    return union_all(apps, cards).subquery()


async def _tokens(db: Db, keys: Keys) -> list[dict[str, Any]]:
    """The tokens themselves, in order."""
    drivers = [key for kind, key in keys if kind == APP]
    cards = [key for kind, key in keys if kind == CARD]
    found: dict[tuple[str, UUID], dict[str, Any]] = {}
    holders = select(Driver, Brand).join(Brand, col(Brand.id) == Driver.brand_id).where(col(Driver.id).in_(drivers))
    for driver, brand in await db.execute(holders):
        found[APP, driver.id] = ours.token(ours.holder_of(driver, brand))
    rows = (
        select(ChargeToken, Driver, Brand)
        .join(Brand, col(Brand.id) == col(ChargeToken.brand_id))
        .outerjoin(Driver, col(Driver.id) == col(ChargeToken.driver_id))
        .where(col(ChargeToken.id).in_(cards))
    )
    for card, driver, brand in await db.execute(rows):
        found[CARD, card.id] = ours.charge_token(card, driver, brand)
    return [found[key] for key in keys if key in found]


async def _of_addressed_party(db: Db, call: Call, listed: Subquery) -> list[ColumnElement[bool]]:
    """Only what belongs to the party that is asked, if it is one of ours."""
    stated = call.headers.get("OCPI-to-country-code"), call.headers.get("OCPI-to-party-id")
    if not stated[0] or not stated[1]:
        return []
    asked, parties = PartyId.of(stated[0], stated[1]), await ours.our_parties(db)
    if asked not in parties or len(parties) == 1:
        return []
    brands = (await db.execute(select(Brand))).scalars().all()
    return [listed.c.brand_id.in_([brand.id for brand in brands if ours.party_of_brand(brand) == asked])]


def _number(call: Call, name: str, default: int, *, least: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdecimal() or len(text) > 9 or int(text) < least:
        raise Invalid(f"{text!r} is not a number of at least {least}", name)
    return int(text)


def _window(call: Call, listed: Subquery) -> list[ColumnElement[bool]]:
    """`date_from` inclusive, `date_to` exclusive."""
    conditions: list[ColumnElement[bool]] = []
    if "date_from" in call.query:
        conditions.append(listed.c.changed_at >= _moment(call, "date_from"))
    if "date_to" in call.query:
        conditions.append(listed.c.changed_at < _moment(call, "date_to"))
    return conditions


def _moment(call: Call, name: str) -> datetime:
    """A `+` of a zone that was not encoded arrives as a blank."""
    try:
        return wire.moment(call.query[name].replace(" ", "+") if "T" in call.query[name] else call.query[name])
    except ValueError as error:
        raise Invalid(str(error), name) from error
