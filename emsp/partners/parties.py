"""Who we roam with: partners, and the parties (country code, party id, role) that they speak for."""

from __future__ import annotations

from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from emsp.db.engine import Db
from emsp.partners.tables import Partner, Party


class PartyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One role of a partner; codes in capitals, `role` CPO, HUB, EMSP or another role of the network."""

    country_code: str
    party_id: str
    role: str
    name: str


async def ensure_partner(db: Db, name: str) -> Partner:
    """The partner of that name, made if there is none."""
    await db.execute(insert(Partner).values(name=name).on_conflict_do_nothing())
    return (await db.execute(select(Partner).where(col(Partner.name) == name))).scalar_one()


async def parties(db: Db, partner_id: UUID) -> list[Party]:
    """The parties that a partner speaks for."""
    of_partner = select(Party).where(col(Party.partner_id) == partner_id)
    return list((await db.execute(of_partner.order_by(col(Party.country_code), col(Party.party_id)))).scalars())


async def claim(db: Db, partner_id: UUID, wanted: PartyFacts) -> UUID:
    """The partner that a party belongs to: the first one that spoke for it. Its own name for itself is kept."""
    codes = (col(Party.country_code) == wanted.country_code, col(Party.party_id) == wanted.party_id)
    owner: UUID | None = (await db.execute(select(col(Party.partner_id)).where(*codes).limit(1))).scalar_one_or_none()
    change = insert(Party).values({"partner_id": owner or partner_id, **msgspec.structs.asdict(wanted)})
    renamed = change.on_conflict_do_update(
        index_elements=["country_code", "party_id", "role"],
        set_={"name": wanted.name},
        where=col(Party.partner_id) == partner_id,
    )
    await db.execute(renamed)
    return owner or partner_id
