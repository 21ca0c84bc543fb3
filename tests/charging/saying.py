"""What operators say in these tests, and helpers to let it be heard."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import procrastinate
from sqlmodel import col, func, select

from emsp import jobs
from emsp.charging import read, track
from emsp.charging.billing import issue
from emsp.charging.records.record import Record, SessionReport
from emsp.charging.tables import ChargeRecord, ChargingSession, Receipt
from emsp.db.engine import database_url, transaction
from emsp.payments.ledger import imbalance
from emsp.payments.tables import LedgerEntry
from emsp.pricing.engine.price import Period
from tests.charging.conftest import END, START, Place

Jobs = Callable[[], Awaitable[list[str]]]
NAMELESS: dict[str, Any] = {"authorization_reference": None, "token_uid": None, "location_id": "L1", "evse_uid": "E1"}
"""What a document says that names neither a reference nor a token."""


def report(session: ChargingSession, status: str, *, minutes: int = 0, **facts: Any) -> SessionReport:
    """A report made `minutes` after the start."""
    values: dict[str, Any] = {
        "country_code": "NL",
        "party_id": "ABC",
        "external_id": "S1",
        "status": status,
        "started_at": START,
        "energy_wh": Decimal(minutes * 100),
        "authorization_reference": session.authorization_reference,
        "updated_at": START + timedelta(minutes=minutes),
    }
    return SessionReport(**(values | facts))


def record(session: ChargingSession, *, net: str = "4.50", energy_wh: int = 10_000, **facts: Any) -> Record:
    """The record of ten kilowatt-hours in an hour."""
    values: dict[str, Any] = {
        "country_code": "NL",
        "party_id": "ABC",
        "external_id": "C1",
        "authorization_reference": session.authorization_reference,
        "started_at": START,
        "ended_at": END,
        "energy_wh": Decimal(energy_wh),
        "periods": [Period(START, END, Decimal(energy_wh), charging_s=Decimal(3600))],
        "currency": "EUR",
        "net_cost": Decimal(net),
        "updated_at": END,
    }
    return Record(**(values | facts))


async def say(place: Place, *said: SessionReport | Record) -> None:
    """The partner sends sessions and records, one after the other."""
    for each in said:
        async with transaction() as db:
            if isinstance(each, Record):
                await track.record_received(db, place.partner.id, each)
            else:
                await track.session_reported(db, place.partner.id, each)


async def run_jobs() -> None:
    """Do all that waits to be done at once, as a worker does it."""
    connector = procrastinate.PsycopgConnector(conninfo=database_url(), min_size=1)
    with jobs.app.replace_connector(connector) as own:
        async with own.open_async():
            await own.run_worker_async(wait=False, install_signal_handlers=False)


async def now(session: ChargingSession) -> ChargingSession:
    """The session as it stands."""
    async with transaction() as db:
        return await db.get_one(ChargingSession, session.id)


async def receipt_of(session: ChargingSession) -> Receipt | None:
    """What was billed for the session."""
    async with transaction() as db:
        return (await read.receipts_of(db, [session.id])).get(session.id)


async def receipts_of(session: ChargingSession) -> list[Receipt]:
    """What was billed for the session, and then each correction."""
    async with transaction() as db:
        return await issue.receipts_of(db, session.id)


async def timeline(session: ChargingSession) -> list[str]:
    """The sentences of the timeline, in order."""
    async with transaction() as db:
        return [line.text for line in (await read.events(db, [session.id]))[session.id]]


async def books() -> dict[str, int]:
    """What stands on each kind of account, in minor units; points are no money and left out."""
    kind = func.split_part(LedgerEntry.account, ":", 1)
    query = select(kind, func.sum(LedgerEntry.amount_minor)).where(LedgerEntry.currency != "PTS").group_by(kind)
    async with transaction() as db:
        return {account: int(amount) for account, amount in await db.execute(query)}


async def unbalanced() -> dict[str, int]:
    """Currencies in which the books do not sum to zero."""
    async with transaction() as db:
        return await imbalance(db)


async def kept_records() -> dict[str, UUID | None]:
    """Every record that was kept, and the session that it is billed for."""
    async with transaction() as db:
        rows = (await db.execute(select(ChargeRecord).order_by(col(ChargeRecord.external_id)))).scalars()
        return {row.external_id: row.session_id for row in rows}
