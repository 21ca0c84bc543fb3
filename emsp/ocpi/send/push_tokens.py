"""Tokens of drivers, cards and cars as partners are to know them (chapter Tokens, push): marked when they change,
pushed as they are.

What is kept of a push is a mark that a partner does not know a token as it is now. It stays until the partner has
taken the very state that the mark stands for, so that nothing is queued and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Select, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from emsp import clock, jobs, logs
from emsp.accounts.tables import ChargeToken, Driver
from emsp.brands.tables import Brand
from emsp.db.engine import Db, transaction
from emsp.errors import PartnerFailed
from emsp.ocpi import client, connections, ours
from emsp.ocpi.client import PeerRefused
from emsp.ocpi.connections import REGISTERED, PartyId, Peer, our_party
from emsp.ocpi.tables import ChargeTokenPush, Connection, TokenPush
from emsp.ocpi.words import bridge
from emsp.settings import settings

BATCH = 200
TIMEOUT_S = 10.0
TAKES_NOTHING = (401, 403, 429)
LONGEST_FAILURE = 500
log = logs.log(__name__)


class Due(msgspec.Struct, frozen=True):
    """A token that a partner does not know as it is, since when, and the key of its mark."""

    token: dict[str, Any]
    key: UUID
    dirty_since: datetime
    marks: Any  # TokenPush of drivers, ChargeTokenPush of cards and cars

    @property
    def party(self) -> PartyId:
        """Whose token it is."""
        return PartyId(self.token["country_code"], self.token["party_id"])


def _key(marks: Any) -> Any:
    """The column that says whose token a mark is about."""
    return col(marks.driver_id if marks is TokenPush else marks.charge_token_id)


async def driver_changed(driver_id: UUID) -> None:
    """Job: every partner that takes tokens is to know a driver's token as it is now, and the cards they have."""
    async with transaction() as db:
        for connection_id in await _takers(db):
            await _mark(db, TokenPush, connection_id, select(col(Driver.id)).where(col(Driver.id) == driver_id))
            await _mark(db, ChargeTokenPush, connection_id, _in_use(col(ChargeToken.driver_id) == driver_id))
            await _soon(db, connection_id)


async def charge_token_changed(charge_token_id: UUID) -> None:
    """Job: every partner that takes tokens is to know a card or contract as it is now."""
    async with transaction() as db:
        for connection_id in await _takers(db):
            this = select(col(ChargeToken.id)).where(col(ChargeToken.id) == charge_token_id)
            await _mark(db, ChargeTokenPush, connection_id, this)
            await _soon(db, connection_id)


async def partner_connected(connection_id: UUID) -> None:
    """Job: a partner that is new, or came back, is to know the tokens of all drivers, and the cards that they have."""
    async with transaction() as db:
        if connection_id in await _takers(db):
            await _mark(db, TokenPush, connection_id, select(col(Driver.id)))
            await _mark(db, ChargeTokenPush, connection_id, _in_use(col(ChargeToken.driver_id).is_not(None)))
            await _soon(db, connection_id)


def _in_use(condition: ColumnElement[bool]) -> Select[Any]:
    """Cards in stock are nobody's: partners learn of them when they become somebody's."""
    return select(col(ChargeToken.id)).where(condition)


async def push_what_is_due() -> None:
    """Job: try again wherever a partner does not know a token as it is."""
    async with transaction() as db:
        waiting: set[UUID] = set()
        for marks in (TokenPush, ChargeTokenPush):
            due = select(col(marks.connection_id)).where(col(marks.dirty_since).is_not(None)).distinct()
            waiting |= set((await db.execute(due)).scalars())
        for connection_id in await _takers(db):
            if connection_id in waiting:
                await _soon(db, connection_id)


async def _takers(db: Db) -> list[UUID]:
    """The partners that take tokens, unless none are pushed here."""
    if not settings().ocpi_push_tokens:
        return []
    query = select(Connection).where(col(Connection.state) == REGISTERED).order_by(col(Connection.created_at))
    return [row.id for row in (await db.execute(query)).scalars() if _takes_tokens(row.endpoints)]


def _takes_tokens(endpoints: Sequence[dict[str, Any]]) -> bool:
    """Before 2.2 endpoints have no roles, and an operator's are those of a receiver."""
    roles = [endpoint.get("role", "").upper() for endpoint in endpoints if endpoint["identifier"].lower() == "tokens"]
    return any(role in ("RECEIVER", "") for role in roles)


async def _mark(db: Db, marks: Any, connection_id: UUID, keys: Select[Any]) -> None:
    now, key = clock.now(), _key(marks).key
    rows = keys.add_columns(literal(connection_id), literal(now))
    change = insert(marks).from_select([key, "connection_id", "dirty_since"], rows)
    await db.execute(change.on_conflict_do_update(index_elements=["connection_id", key], set_={"dirty_since": now}))


async def _soon(db: Db, connection_id: UUID) -> None:
    """Pushes to one partner run one after the other, those to another beside them."""
    await jobs.defer(db, push, lock=f"tokens:{connection_id}", connection_id=connection_id)


async def push(connection_id: UUID) -> None:
    """Job: push what one partner does not know yet, so many at a time. One that cannot be reached is left for later."""
    try:
        more = await _push_batch(connection_id)
    except PartnerFailed as failed:
        log.warning("tokens wait for a partner", connection=str(connection_id), why=str(failed))
        return
    if more:
        async with transaction() as db:
            await _soon(db, connection_id)


async def _push_batch(connection_id: UUID) -> bool:
    """Whether there may be more to push at once."""
    async with transaction() as db:
        peer = await connections.peer(db, connection_id)
        batch = await _due(db, connection_id) if peer.find("tokens", "RECEIVER") else []
    taken = [await _push_one(peer, due) for due in batch]
    return len(batch) == BATCH and any(taken)


async def _due(db: Db, connection_id: UUID) -> list[Due]:
    """Apps before cards; of each, those that were never refused go first: they must not wait behind the others."""
    due = [
        Due(ours.token(ours.holder_of(driver, brand)), row.driver_id, row.dirty_since, TokenPush)
        for row, driver, brand in await db.execute(_waiting(TokenPush, connection_id, BATCH))
    ]
    return due + [
        Due(ours.charge_token(card, driver, brand), row.charge_token_id, row.dirty_since, ChargeTokenPush)
        for row, driver, brand, card in await db.execute(_waiting(ChargeTokenPush, connection_id, BATCH - len(due)))
    ]


def _waiting(marks: Any, connection_id: UUID, limit: int) -> Select[Any]:
    """Marks with what they are about: the driver, the brand, and for a card the card itself."""
    query: Select[Any] = select(marks, Driver, Brand)
    if marks is TokenPush:
        query = query.join(Driver, col(Driver.id) == _key(marks)).join(Brand, col(Brand.id) == Driver.brand_id)
    else:
        query = query.add_columns(ChargeToken).join(ChargeToken, col(ChargeToken.id) == _key(marks))
        query = query.join(Brand, col(Brand.id) == col(ChargeToken.brand_id))
        query = query.outerjoin(Driver, col(Driver.id) == col(ChargeToken.driver_id))
    return (
        query.where(col(marks.connection_id) == connection_id, col(marks.dirty_since).is_not(None))
        .order_by(col(marks.failure).is_not(None), col(marks.dirty_since), _key(marks))
        .limit(limit)
    )


async def _push_one(peer: Peer, due: Due) -> bool:
    """Push a token; whether it was taken. Raises PartnerFailed when the partner takes nothing at all now."""
    try:
        await _put(peer, due)
    except PartnerFailed as failed:
        await _note(peer, due, {"failure": str(failed)[:LONGEST_FAILURE]})
        if not isinstance(failed, PeerRefused) or failed.http_status in TAKES_NOTHING or failed.http_status >= 500:
            raise
        log.warning("a token was refused", partner=peer.name, key=str(due.key), why=str(failed))
        return False
    await _note(peer, due, {"dirty_since": None, "pushed_at": clock.now(), "failure": None})
    return True


async def _put(peer: Peer, due: Due) -> None:
    """PUT tokens/{country_code}/{party_id}/{uid}; to a hub for whoever is behind it (Broadcast Push).

    Until 2.1.1 a partner knows one party of ours only.
    """
    party = due.party if peer.routed else our_party()
    url = "/".join([peer.url("tokens", "RECEIVER").rstrip("/"), *party, due.token["uid"]])
    body = bridge.lower("token", peer.version, due.token)
    if peer.routed:
        url += f"?type={body['type']}"
    await client.call(peer, "PUT", url, body, sender=party, timeout_s=TIMEOUT_S)


async def _note(peer: Peer, due: Due, change: dict[str, Any]) -> None:
    """What became of a push, unless the token changed meanwhile: then it is still to be done."""
    marks = due.marks
    same = (
        col(marks.connection_id) == peer.id,
        _key(marks) == due.key,
        col(marks.dirty_since) == due.dirty_since,
    )
    async with transaction() as db:
        await db.execute(update(marks).where(*same).values(**change))
