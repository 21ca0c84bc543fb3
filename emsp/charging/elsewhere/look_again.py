"""Records of charges by card that could not be taken on when they came, since their place was not known yet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select
from sqlmodel import col, func, or_, select

from emsp import clock
from emsp.accounts.tables import ChargeToken
from emsp.charging.records import matching
from emsp.charging.records.record import Record
from emsp.charging.tables import ChargeRecord
from emsp.charging.track import take_record
from emsp.db.engine import transaction

FOR = timedelta(days=30)
AT_ONCE = 200


async def look_again() -> None:
    """Job: take on what has found its place meanwhile."""
    async with transaction() as db:
        waiting = list((await db.execute(_waiting())).scalars())
    for record_id in waiting:
        await _look(record_id)


def _waiting() -> Select[Any]:
    """Records of no charge of ours that name a card or contract of ours."""
    names = (_named("token_uid") == ChargeToken.uid, _named("contract_id") == ChargeToken.contract_id)
    of_ours = select(ChargeToken.id).where(or_(*names), col(ChargeToken.driver_id).is_not(None))
    return (
        select(ChargeRecord.id)
        .where(
            col(ChargeRecord.session_id).is_(None),
            col(ChargeRecord.created_at) > clock.now() - FOR,
            of_ours.exists(),
        )
        .order_by(col(ChargeRecord.created_at))
        .limit(AT_ONCE)
    )


def _named(field: str) -> Any:
    return func.regexp_replace(func.upper(col(ChargeRecord.document)[field].as_string()), "[^A-Z0-9]", "", "g")


async def _look(record_id: UUID) -> None:
    async with transaction() as db:
        row = await db.get_one(ChargeRecord, record_id, with_for_update=True)
        record = msgspec.convert(row.document, Record)
        session = None if row.session_id else await matching.of_record(db, row.partner_id, record)
        if session:
            await take_record(db, session, row, record)
