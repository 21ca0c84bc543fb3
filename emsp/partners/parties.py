"""Who we roam with: partners, and the parties (country code, party id, role) that they speak for."""

from __future__ import annotations

import re
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from emsp.db.engine import Db
from emsp.errors import Invalid, NotFound
from emsp.partners.tables import Partner, Party

WRITTEN = re.compile(r"([A-Z]{2})[-*/ ]?([A-Z0-9]{1,3})")


class PartyCode(NamedTuple):
    """A party by its codes, in capitals: the country (ISO 3166-1 alpha-2) and its own."""

    country_code: str
    party_id: str

    @classmethod
    def parse(cls, text: str) -> PartyCode:
        """From NL-ABC, NL*ABC, NL/ABC or NLABC. Raises Invalid."""
        found = WRITTEN.fullmatch(text.strip().upper())
        if found is None:
            raise Invalid(f"{text!r} is no party: such as NL-ABC", "party")
        return cls(found[1], found[2])

    def __str__(self) -> str:
        return f"{self.country_code}-{self.party_id}"


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


async def owner_of(db: Db, code: PartyCode) -> UUID:
    """The partner that a party belongs to. Raises NotFound."""
    query = select(col(Party.partner_id)).where(
        col(Party.country_code) == code.country_code, col(Party.party_id) == code.party_id
    )
    owner: UUID | None = (await db.execute(query.limit(1))).scalar_one_or_none()
    if owner is None:
        raise NotFound(f"there is no party {code}")
    return owner
