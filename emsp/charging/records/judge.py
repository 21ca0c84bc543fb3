"""What of an operator's records a charge is billed by: the newest that stands and can be right."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlmodel import col, func, select

from emsp import clock
from emsp.brands.tables import Brand
from emsp.charging.allowed.securing import largest_hold
from emsp.charging.billing.bill import driver_bill
from emsp.charging.records.checking import Checked, Decision, check_record
from emsp.charging.records.plausible import doubt
from emsp.charging.records.record import Record
from emsp.charging.records.standing import Kept, standing
from emsp.charging.tables import ChargeRecord, ChargingSession
from emsp.db.engine import Db
from emsp.pricing.engine.billed import Bill
from emsp.pricing.engine.tariff import NotComputable
from emsp.pricing.retail.sale import place_of, terms_of
from emsp.pricing.tables import Quote
from emsp.stations.tables import Connector, Station


@dataclass(frozen=True)
class Case:
    """A charge with all that its records are judged by. `power_w` is the most that the charge point gives."""

    session: ChargingSession
    brand: Brand
    quote: Quote
    connector: Connector
    station: Station
    power_w: int | None


@dataclass(frozen=True)
class Priced:
    """A record with the driver's bill for it, and what came of checking it."""

    row: ChargeRecord
    record: Record
    bill: Bill
    checked: Checked


@dataclass(frozen=True)
class Judgement:
    """`stands` is what the charge is billed by, if anything; `refused` says why others are not, `second` are records
    of another time beside it."""

    rows: list[ChargeRecord]
    stands: Priced | None
    refused: dict[UUID, str]
    second: list[UUID]


async def case_of(db: Db, session: ChargingSession) -> Case:
    """What is known of a charge."""
    power_w = await db.scalar(select(func.max(Connector.max_power_w)).where(Connector.evse_id == session.evse_id))
    return Case(
        session=session,
        brand=await db.get_one(Brand, session.brand_id),
        quote=await db.get_one(Quote, session.quote_id),
        connector=await db.get_one(Connector, session.connector_id),
        station=await db.get_one(Station, session.station_id),
        power_w=power_w,
    )


async def judged(db: Db, case: Case, *, billed: Collection[UUID] = (), currency: str | None = None) -> Judgement:
    """What stands of a charge. Those in `billed` were accepted before; a bill is to be in `currency`, if one is set."""
    rows = await records_of(db, case.session.id)
    kept, refused = kept_in(rows), dict[UUID, str]()
    while True:
        found = standing([one for one in kept if one.id not in refused])
        second = [one.id for one in found.second]
        if found.stands is None:
            return Judgement(rows, None, refused, second)
        row = next(row for row in rows if row.id == found.stands.id)
        priced = await _judged(db, case, row, accepted=row.id in billed, currency=currency)
        if isinstance(priced, Priced):
            return Judgement(rows, priced, refused, second)
        refused[row.id] = priced


async def priced(db: Db, case: Case, row: ChargeRecord) -> Priced:
    """The driver's bill for a record as it is. Raises NotComputable or ValueError where there can be none."""
    record = record_in(row)
    terms = await terms_of(db, case.brand, case.session.driver_id)
    place = place_of(case.connector, case.station)
    bill = driver_bill(record, case.quote, terms, place, time_zone=case.station.time_zone)
    return Priced(row, record, bill, await check_record(db, case.session, row, case.quote, case.station))


async def _judged(db: Db, case: Case, row: ChargeRecord, *, accepted: bool, currency: str | None) -> Priced | str:
    """The bill for a record, or in a sentence why nobody is to be billed by it."""
    told = None if accepted else _doubt(case, record_in(row))
    if told:
        return told
    try:
        found = await priced(db, case, row)
    except (NotComputable, ValueError) as error:
        return f"It cannot be priced: {error}."
    bill = found.bill
    if currency not in (None, bill.currency):
        return f"It is in {bill.currency}, and the receipt in {currency}."
    if accepted:
        return found
    largest = await largest_hold(db, case.brand, bill.currency)
    if case.quote.tariff is None and bill.total_minor > largest.amount_minor:
        return f"No price was known before, and it comes to {bill.total}."
    return found.checked.reason if found.checked.decision is Decision.REVIEW else found


def _doubt(case: Case, record: Record) -> str | None:
    return doubt(record, power_w=case.power_w, commanded_at=case.session.created_at, now=clock.now())


async def records_of(db: Db, session_id: UUID) -> list[ChargeRecord]:
    """Every record of a charge, in the order in which they arrived."""
    query = select(ChargeRecord).where(ChargeRecord.session_id == session_id)
    return list((await db.execute(query.order_by(col(ChargeRecord.created_at), col(ChargeRecord.id)))).scalars())


def kept_in(rows: Sequence[ChargeRecord]) -> list[Kept]:
    """The records that rows keep."""
    return [Kept(row.id, record_in(row), row.revision) for row in rows]


def record_in(row: ChargeRecord) -> Record:
    """The record that a row keeps."""
    return msgspec.convert(row.document, Record)
