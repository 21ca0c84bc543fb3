"""Who we roam with: partners, and the parties (country code, party id, role) that they speak for."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from emsp.db.engine import Db
from emsp.errors import Refused
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


async def set_parties(db: Db, partner_id: UUID, wanted: Sequence[PartyFacts]) -> None:
    """Let a partner speak for exactly these parties. Refuses (PARTY_TAKEN) one that another partner speaks for."""
    keys = [(party.country_code, party.party_id, party.role) for party in wanted]
    columns = tuple_(col(Party.country_code), col(Party.party_id), col(Party.role))
    of_others = select(Party).where(columns.in_(keys), col(Party.partner_id) != partner_id).limit(1)
    if other := (await db.execute(of_others)).scalar_one_or_none():
        taken = f"{other.role} {other.country_code} {other.party_id}"
        raise Refused("PARTY_TAKEN", f"{taken} is already connected as a party of another partner", "roles")
    await db.execute(delete(Party).where(col(Party.partner_id) == partner_id, columns.not_in(keys)))
    for party in wanted:
        row = {"partner_id": partner_id, **msgspec.structs.asdict(party)}
        change = insert(Party).values(row)
        await db.execute(
            change.on_conflict_do_update(index_elements=["country_code", "party_id", "role"], set_={"name": party.name})
        )
