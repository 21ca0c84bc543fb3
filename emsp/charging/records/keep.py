"""Records as they come in: every content kept once, known again, and put to the charge that it is of."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select, update

from emsp.charging.records import matching
from emsp.charging.records.record import Record
from emsp.charging.session import locked, note
from emsp.charging.tables import ChargeRecord, ChargingSession
from emsp.db.engine import Db

CREDITED = "The operator credited this charge."


async def seen_before(db: Db, session: ChargingSession) -> dict[str, Any] | None:
    """What the session itself had reported when its first record came; since then its facts are those of records."""
    query = select(ChargeRecord.verification).where(ChargeRecord.session_id == session.id)
    first = await db.scalar(query.order_by(col(ChargeRecord.created_at)).limit(1))
    return {"seen": first["seen"]} if first and "seen" in first else None


async def revisions(db: Db, partner_id: UUID, record: Record) -> list[ChargeRecord]:
    """What came under the record's id before, in order."""
    query = select(ChargeRecord).where(
        ChargeRecord.partner_id == partner_id,
        ChargeRecord.country_code == record.country_code,
        ChargeRecord.party_id == record.party_id,
        ChargeRecord.external_key == record.external_id.casefold(),
    )
    return list((await db.execute(query.order_by(col(ChargeRecord.revision)))).scalars())


async def keep(db: Db, partner_id: UUID, record: Record, known: list[ChargeRecord]) -> ChargeRecord | None:
    """The row of what is new, else None. Of two that come at the same moment the second one looks again."""
    if _is_known(record, [msgspec.convert(row.document, Record) for row in known]):
        return None
    row = ChargeRecord(
        partner_id=partner_id,
        country_code=record.country_code,
        party_id=record.party_id,
        external_id=record.external_id,
        external_key=record.external_id.casefold(),
        revision=len(known) + 1,
        document=msgspec.to_builtins(record),
    )
    statement = insert(ChargeRecord).values(**row.model_dump()).on_conflict_do_nothing()
    record_id = (await db.execute(statement.returning(col(ChargeRecord.id)))).scalar_one_or_none()
    if record_id is None:
        return await keep(db, partner_id, record, await revisions(db, partner_id, record))
    return await db.get_one(ChargeRecord, record_id)


def _is_known(record: Record, known: list[Record]) -> bool:
    """Whether it says what the last content did, whatever its date, or is an earlier one to the letter."""
    same = [msgspec.structs.replace(record, updated_at=one.updated_at) == one for one in known]
    return any(same[-1:]) or record in known


async def whose(db: Db, partner_id: UUID, record: Record, known: list[ChargeRecord]) -> ChargingSession | None:
    """Our session, locked, that the record is of: that of what came under its id before, else as it is matched."""
    for row in known:
        if row.session_id:
            return await locked(db, row.session_id)
    return await matching.of_record(db, partner_id, record)


async def adopt_credits(db: Db, session: ChargingSession, row: ChargeRecord) -> None:
    """Credits that came before what they take back, and named no charge of ours then."""
    credited = col(ChargeRecord.document)["credits_external_id"].as_string()
    statement = (
        update(ChargeRecord)
        .where(
            col(ChargeRecord.session_id).is_(None),
            col(ChargeRecord.partner_id) == row.partner_id,
            col(ChargeRecord.country_code) == row.country_code,
            col(ChargeRecord.party_id) == row.party_id,
            func.lower(credited) == row.external_key,
        )
        .values(session_id=session.id)
        .returning(col(ChargeRecord.id))
        .execution_options(synchronize_session=False)
    )
    for _ in (await db.execute(statement)).scalars().all():
        await note(db, session, CREDITED, source="OPERATOR")
