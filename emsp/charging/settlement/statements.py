"""Statements as they are drawn and kept: a month that has changed since is another version of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from emsp.charging.settlement.months import Month
from emsp.charging.settlement.movements import movements
from emsp.charging.settlement.statement import Statement, StatementLine, statements
from emsp.charging.tables import PartnerStatement
from emsp.db.engine import Db
from emsp.partners.parties import PartyCode, owner_of


class Drawn(Struct, frozen=True, kw_only=True):
    """A statement with its version; `new` are the lines that the version before did not have."""

    party: str
    version: int
    statement: Statement
    new: Sequence[StatementLine]


async def draw(db: Db, party: PartyCode, month: Month) -> list[Drawn]:
    """What we owe a party for a month as it stands now, one a currency; kept where it differs from what was drawn last.

    Raises NotFound for an unknown party.
    """
    partner_id = await owner_of(db, party)
    found = statements(await movements(db, party), month)
    return [await _version(db, partner_id, party, statement) for statement in found]


async def _version(db: Db, partner_id: UUID, party: PartyCode, statement: Statement) -> Drawn:
    last = await _last(db, party, statement)
    before = _lines(last) if last else []
    if last and before == list(statement.lines):
        return Drawn(party=str(party), version=last.version, statement=statement, new=await _new(db, last, before))
    row = PartnerStatement(
        partner_id=partner_id,
        country_code=party.country_code,
        party_id=party.party_id,
        month=statement.month,
        currency=statement.currency,
        version=last.version + 1 if last else 1,
        records=statement.records,
        asked_minor=statement.asked_minor,
        claimed_minor=statement.claimed_minor,
        owed_minor=statement.owed_minor,
        lines=msgspec.to_builtins(statement.lines),
    )
    await db.execute(insert(PartnerStatement).values(**row.model_dump()).on_conflict_do_nothing())
    new = [line for line in statement.lines if line not in before] if last else []
    return Drawn(party=str(party), version=row.version, statement=statement, new=new)


async def _new(db: Db, row: PartnerStatement, lines: list[StatementLine]) -> list[StatementLine]:
    if row.version == 1:
        return []
    query = _versions(PartyCode(row.country_code, row.party_id), row.month, row.currency)
    earlier = (await db.execute(query.where(PartnerStatement.version == row.version - 1))).scalar_one()
    before = _lines(earlier)
    return [line for line in lines if line not in before]


async def _last(db: Db, party: PartyCode, statement: Statement) -> PartnerStatement | None:
    query = _versions(party, statement.month, statement.currency)
    newest = query.order_by(col(PartnerStatement.version).desc()).limit(1)
    found: PartnerStatement | None = (await db.execute(newest)).scalar_one_or_none()
    return found


def _versions(party: PartyCode, month: str, currency: str) -> Any:
    return select(PartnerStatement).where(
        PartnerStatement.country_code == party.country_code,
        PartnerStatement.party_id == party.party_id,
        PartnerStatement.month == month,
        PartnerStatement.currency == currency,
    )


def _lines(row: PartnerStatement) -> list[StatementLine]:
    return msgspec.convert(row.lines, list[StatementLine])
