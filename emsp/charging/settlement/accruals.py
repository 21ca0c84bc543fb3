"""Charges whose month is over before their record came: booked by estimate, and put right when they are billed.

An accrual is written once per charge and taken out again, to the cent, in the transaction that bills the charge, or
once it is known that nothing will be billed. The two stay side by side in its row, so that anybody can see how good the
estimates are.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlalchemy import and_, func, or_
from sqlmodel import col, select

from emsp import clock, logs
from emsp.brands.tables import Brand
from emsp.charging.lifecycle import State
from emsp.charging.records import keep
from emsp.charging.records.suspicion import Seen
from emsp.charging.session import locked
from emsp.charging.settlement.estimate import Estimate, converted, estimated
from emsp.charging.settlement.months import Month
from emsp.charging.tables import Accrual, ChargingSession, Receipt
from emsp.db.engine import Db, transaction
from emsp.money import Money
from emsp.payments.ledger import operators as ledger
from emsp.pricing.engine.tariff import Tariff
from emsp.pricing.quotes.quote import retail_of
from emsp.pricing.tables import Quote
from emsp.stations.tables import Station

CLOSING_DAYS = 3
"""On how many days of a month the one before is closed: a day without workers loses nothing."""
AT_ONCE = 500
OVER = (State.ENDED, State.IN_REVIEW)
NO_ESTIMATE = "neither a price nor another measure is known"
log = logs.log(__name__)


class Accrued(Struct, frozen=True, kw_only=True):
    """A charge that ended in a month and was not billed in time, net: what it was thought to come to, and what it
    came to. Without an estimate `reason` says why."""

    session_id: UUID
    ended_at: datetime
    estimate: Estimate | None
    billed: Estimate | None
    trued_up_at: datetime | None = None
    reason: str | None = None


async def close_month() -> None:
    """Job: accrue what has no receipt of the month before, brand by brand; take out what came to nothing."""
    async with transaction() as db:
        brands = (await db.execute(select(Brand).order_by(col(Brand.slug)))).scalars().all()
    for brand in brands:
        today = clock.now().astimezone(ZoneInfo(brand.time_zone)).date()
        if today.day <= CLOSING_DAYS:
            await accrue_month(brand.id, Month.of(today).before)
    await take_out_what_failed()


async def accrue_month(brand_id: UUID, month: Month) -> int:
    """Accrue a brand's charges that ended in a month and have no receipt; how many. Run again, it adds what is new."""
    made = 0
    async with transaction() as db:
        brand = await db.get_one(Brand, brand_id)
        query = _unbilled(month.bounds(brand.time_zone)).where(ChargingSession.brand_id == brand_id)
        waiting = (await db.execute(query.with_only_columns(col(ChargingSession.id)))).scalars().all()
    for session_id in waiting:
        async with transaction() as db:
            made += await _accrue(db, session_id, month)
    if made:
        log.info("charges without a record were accrued", brand=brand.slug, month=str(month), charges=made)
    return made


async def true_up(db: Db, session: ChargingSession, *, revenue: Money, cost: Money) -> None:
    """The charge is billed now: what was thought of it is taken out, and what it came to is kept beside it."""
    row = await db.get(Accrual, session.id, with_for_update=True)
    if row is None or row.trued_up_at:
        return
    retail = retail_of(await db.get_one(Quote, session.quote_id))
    in_sale = converted(cost, retail) if retail else None
    billed = Estimate(revenue, in_sale) if in_sale and revenue.currency == row.currency else None
    await _take_out(db, row, billed)


async def take_out_what_failed() -> None:
    """Accruals of charges that will never be billed: their record was wrong, and support said so."""
    query = (
        select(Accrual.session_id)
        .join(ChargingSession, col(ChargingSession.id) == col(Accrual.session_id))
        .where(col(Accrual.trued_up_at).is_(None), ChargingSession.state == State.FAILED)
    )
    async with transaction() as db:
        failed = (await db.execute(query.limit(AT_ONCE))).scalars().all()
    for session_id in failed:
        async with transaction() as db:
            session = await locked(db, session_id)
            row = await db.get_one(Accrual, session_id, with_for_update=True)
            if session.state == State.FAILED and row.trued_up_at is None:
                nothing = Money(0, row.currency)
                await _take_out(db, row, Estimate(nothing, nothing))


async def accruals(db: Db, month: Month) -> list[Accrued]:
    """The charges of a month that were accrued, and those that could not be, in the order in which they ended."""
    query = (
        select(Accrual, ChargingSession)
        .join(ChargingSession, col(ChargingSession.id) == col(Accrual.session_id))
        .where(Accrual.month == str(month))
    )
    accrued = [_accrued(row, session) for row, session in await db.execute(query)]
    return sorted([*accrued, *await _not_estimated(db, month)], key=lambda one: (one.ended_at, one.session_id))


async def _accrue(db: Db, session_id: UUID, month: Month) -> bool:
    session = await locked(db, session_id)
    known = await db.get(Accrual, session_id)
    if known or session.state not in OVER or await _has_receipt(db, session_id):
        return False
    estimate = await _estimate(db, session)
    if estimate is None:
        log.warning("a charge without a record cannot be accrued", session_id=str(session_id), reason=NO_ESTIMATE)
        return False
    row = Accrual(
        session_id=session_id,
        month=str(month),
        currency=estimate.revenue.currency,
        revenue_minor=estimate.revenue.amount_minor,
        cost_minor=estimate.cost.amount_minor,
    )
    db.add(row)
    await db.flush()
    return await ledger.accrual_made(db, reference=str(session_id), revenue=estimate.revenue, cost=estimate.cost)


async def _estimate(db: Db, session: ChargingSession) -> Estimate | None:
    """By what the session told; a record that waits in review is not believed."""
    quote, station = await db.get_one(Quote, session.quote_id), await db.get_one(Station, session.station_id)
    told = msgspec.convert((await keep.seen_before(db, session) or {}).get("seen"), Seen | None)
    told = told or Seen(session.energy_wh, session.started_at, session.ended_at, None)
    if told.started_at is None:
        return None
    return estimated(
        retail_of(quote),
        msgspec.convert(quote.wholesale, Tariff) if quote.wholesale else None,
        started_at=told.started_at,
        ended_at=told.ended_at or _ended_at(session),
        energy_wh=told.energy_wh,
        time_zone=station.time_zone,
    )


async def _take_out(db: Db, row: Accrual, billed: Estimate | None) -> None:
    """What it was billed in another currency than was thought is not compared."""
    thought = _thought(row)
    await ledger.accrual_undone(db, reference=str(row.session_id), revenue=thought.revenue, cost=thought.cost)
    if billed:
        row.billed_revenue_minor, row.billed_cost_minor = billed.revenue.amount_minor, billed.cost.amount_minor
    row.trued_up_at = clock.now()
    await db.flush()


async def _has_receipt(db: Db, session_id: UUID) -> bool:
    return await db.scalar(select(Receipt.id).where(Receipt.session_id == session_id).limit(1)) is not None


async def _not_estimated(db: Db, month: Month) -> list[Accrued]:
    """Those of a month that is over which are not billed, and which nothing is known to come to."""
    if clock.now() < month.next.bounds("UTC")[0] + timedelta(days=1):
        return []
    found = (await db.execute(_unbilled(month.bounds("UTC")))).scalars()
    return [
        Accrued(session_id=one.id, ended_at=_ended_at(one), estimate=None, billed=None, reason=NO_ESTIMATE)
        for one in found
        if await _estimate(db, one) is None
    ]


def _unbilled(bounds: tuple[datetime, datetime]) -> Any:
    """Charges that ended between two moments, without a receipt and without an accrual."""
    ended_at = func.coalesce(col(ChargingSession.ended_at), col(ChargingSession.state_since))
    receipt = select(Receipt.id).where(col(Receipt.session_id) == col(ChargingSession.id))
    accrual = select(Accrual.session_id).where(col(Accrual.session_id) == col(ChargingSession.id))
    return select(ChargingSession).where(
        col(ChargingSession.state).in_(OVER),
        and_(ended_at >= bounds[0], ended_at < bounds[1]),
        ~or_(receipt.exists(), accrual.exists()),
    )


def _accrued(row: Accrual, session: ChargingSession) -> Accrued:
    billed = None
    if row.billed_revenue_minor is not None and row.billed_cost_minor is not None:
        billed = Estimate(Money(row.billed_revenue_minor, row.currency), Money(row.billed_cost_minor, row.currency))
    return Accrued(
        session_id=row.session_id,
        ended_at=_ended_at(session),
        estimate=_thought(row),
        billed=billed,
        trued_up_at=row.trued_up_at,
    )


def _thought(row: Accrual) -> Estimate:
    return Estimate(Money(row.revenue_minor, row.currency), Money(row.cost_minor, row.currency))


def _ended_at(session: ChargingSession) -> datetime:
    return session.ended_at or session.state_since
