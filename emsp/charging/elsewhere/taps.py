"""A card is held to a charge point, or a car says its contract: may it charge, now and there?

Each question is answered once and kept, with a reference that the charge which follows may carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlmodel import col, select

from emsp.accounts.charge_tokens import known_token
from emsp.accounts.tables import ChargeToken, Driver
from emsp.brands.tables import Brand
from emsp.charging.allowed.permission import permit
from emsp.charging.elsewhere import words as tap_words
from emsp.charging.tables import Authorization
from emsp.db.engine import Db
from emsp.errors import Refused
from emsp.stations import words
from emsp.stations.tables import Connector, Evse, Station

ALLOWED, BLOCKED, NO_CREDIT, NOT_ALLOWED = "ALLOWED", "BLOCKED", "NO_CREDIT", "NOT_ALLOWED"
ANSWERS = {
    "TOKEN_BLOCKED": BLOCKED,
    "DRIVER_BLOCKED": BLOCKED,
    "FLEET_BLOCKED": BLOCKED,
    "FLEET_LIMIT": NO_CREDIT,
    "PAYMENT_DUE": NO_CREDIT,
    "BALANCE_TOO_LOW": NO_CREDIT,
    "PAYMENT_METHOD_MISSING": NO_CREDIT,
}
"""What is answered for each reason; NOT_ALLOWED for all others."""
Spot = tuple[Evse | None, Connector | None]


@dataclass(frozen=True)
class Holder:
    """A card or contract with whose it is."""

    token: ChargeToken
    brand: Brand
    driver: Driver | None

    @property
    def language(self) -> str:
        return self.driver.language if self.driver else "en"


@dataclass(frozen=True)
class Tap:
    """Where it is shown: the operator, and the place and its charge points as far as they are told and known."""

    partner_id: UUID
    station: Station | None = None
    location_id: str | None = None
    evse_uids: Sequence[str] = ()


@dataclass(frozen=True)
class Decision:
    """The answer. `evse_uids` are those that it is good for; `text` is for the person at the charge point."""

    holder: Holder
    allowed: str
    reference: str | None = None
    text: str | None = None
    evse_uids: list[str] = field(default_factory=list)


async def holder_of(db: Db, *texts: str | None) -> Holder | None:
    """Whose card or contract one of these texts names; None for none of ours."""
    token = await known_token(db, *texts)
    return await _held(db, token) if token else None


async def holder_by_id(db: Db, token_id: UUID) -> Holder:
    """Whose card or contract it is."""
    return await _held(db, await db.get_one(ChargeToken, token_id))


async def _held(db: Db, token: ChargeToken) -> Holder:
    driver = await db.get(Driver, token.driver_id) if token.driver_id else None
    return Holder(token, await db.get_one(Brand, token.brand_id), driver)


async def decide(db: Db, holder: Holder, tap: Tap) -> Decision:
    """Answer an operator that asks, and keep the answer."""
    good, refusal = await _good_at(db, holder, tap)
    allowed = ANSWERS.get(refusal.code, NOT_ALLOWED) if refusal else ALLOWED
    reference = uuid4().hex
    db.add(
        Authorization(
            reference=reference,
            charge_token_id=holder.token.id,
            partner_id=tap.partner_id,
            location_id=tap.location_id,
            evse_uids=list(tap.evse_uids),
            allowed=allowed,
            reason=f"{refusal.code}: {refusal.message}" if refusal else None,
        )
    )
    await db.flush()
    if refusal:
        return Decision(holder, allowed, text=tap_words.sentence(refusal.code, holder.language))
    return Decision(holder, allowed, reference, tap_words.sentence(ALLOWED, holder.language), good)


async def _good_at(db: Db, holder: Holder, tap: Tap) -> tuple[list[str], Refused | None]:
    """The charge points of those asked for at which it may charge, or the first reason why at none of them."""
    spots = await _spots(db, tap)
    judged: dict[int | None, Refused | None] = {}
    for _, connector in spots or [(None, None)]:
        power_w = connector.max_power_w if connector else None
        if power_w not in judged:
            judged[power_w] = await refusal_at(db, holder, tap.station, connector)
    good = [
        evse.uid for evse, connector in spots if evse and judged[connector.max_power_w if connector else None] is None
    ]
    if good or None in judged.values():
        return good if spots else list(tap.evse_uids), None
    return [], next(iter(judged.values()))


async def refusal_at(db: Db, holder: Holder, station: Station | None, connector: Connector | None) -> Refused | None:
    """Why it may not charge there; None when it may."""
    if holder.token.blocked_at:
        return Refused("TOKEN_BLOCKED", "The card is blocked.")
    if holder.driver is None:
        return Refused("TOKEN_UNUSED", "The card belongs to nobody yet.")
    try:
        await permit(
            db,
            brand=holder.brand,
            driver=holder.driver,
            station=station,
            evse=None,
            connector=connector,
            quote=None,
            fleet_id=holder.token.fleet_id,
        )
    except Refused as refused:
        return refused
    return None


async def _spots(db: Db, tap: Tap) -> list[Spot]:
    """The charge points named that we know, each with its strongest connector."""
    if tap.station is None or not tap.evse_uids:
        return []
    query = (
        select(Evse, Connector)
        .outerjoin(Connector, (col(Connector.evse_id) == col(Evse.id)) & ~col(Connector.removed))
        .where(Evse.station_id == tap.station.id, col(Evse.uid_key).in_(list(map(words.key, tap.evse_uids))))
        .order_by(col(Evse.position), col(Evse.id), col(Connector.max_power_w).nulls_first())
    )
    strongest: dict[int | None, Spot] = {evse.id: (evse, connector) for evse, connector in await db.execute(query)}
    return list(strongest.values())
