"""The end of a fleet's month: one invoice per currency, numbered without gaps per brand and year, and never changed.

A month is closed while nothing can be put on the fleet's account; what comes later goes to the next month
(`bill.charge_fleet`). Closing a month again finds its invoice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import col, select

from emsp import clock, events, jobs, logs
from emsp.brands.tables import Brand
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid
from emsp.fleets.bill import FleetBillView, bills, is_correction, month_of
from emsp.fleets.happened import InvoiceIssued
from emsp.fleets.tables import Fleet, FleetCharge, FleetInvoice
from emsp.fleets.terms import read_terms

LOOKED_BACK = timedelta(days=400)
log = logs.log(__name__)


async def close_finished_months() -> None:
    """Job: close every month that is over in its fleet's time zone and has something that is on no invoice."""
    async with transaction() as db:
        for fleet_id, month in await _not_closed(db, clock.now()):
            await jobs.defer(db, close_month, lock=f"fleet:{fleet_id}", fleet_id=fleet_id, month=month)


async def close_month(fleet_id: UUID, month: str) -> None:
    """Job: the invoices of a fleet for a month that is over."""
    async with transaction() as db:
        await close(db, fleet_id, month)


async def close(db: Db, fleet_id: UUID, month: str, *, early: bool = False) -> list[FleetInvoice]:
    """The fleet's invoices for a month (YYYY-MM), made where there are none yet; one per currency with charges.

    Raises Invalid naming `month` for one that is none, or is not over, unless it is to be closed `early`: what is
    charged in the rest of it goes to the next month.
    """
    locked = select(Fleet).where(Fleet.id == fleet_id).with_for_update()  # until then nothing is put on its account
    fleet = (await db.execute(locked, execution_options={"populate_existing": True})).scalar_one()
    views = await bills(db, fleet, month)
    now = clock.now()
    if not early and month >= month_of(now, fleet.time_zone):
        raise Invalid("must be over before it is closed", "month")
    known = await _invoices(db, fleet, month)
    return [known.get(view.currency) or await _issue(db, fleet, view, now) for view in views]


async def _not_closed(db: Db, now: datetime) -> list[tuple[UUID, str]]:
    month = func.to_char(func.timezone(Fleet.time_zone, FleetCharge.billed_at), "YYYY-MM")
    is_invoiced = (
        select(FleetInvoice.id)
        .where(
            FleetInvoice.fleet_id == FleetCharge.fleet_id,
            FleetInvoice.month == month,
            FleetInvoice.currency == FleetCharge.currency,
        )
        .exists()
    )
    query = (
        select(FleetCharge.fleet_id, month)
        .join(Fleet, col(Fleet.id) == FleetCharge.fleet_id)
        .where(
            FleetCharge.billed_at > now - LOOKED_BACK,
            month < func.to_char(func.timezone(Fleet.time_zone, now), "YYYY-MM"),
            ~is_invoiced,
        )
        .distinct()
    )
    return [(fleet_id, found) for fleet_id, found in await db.execute(query)]


async def _invoices(db: Db, fleet: Fleet, month: str) -> dict[str, FleetInvoice]:
    query = select(FleetInvoice).where(FleetInvoice.fleet_id == fleet.id, FleetInvoice.month == month)
    return {invoice.currency: invoice for invoice in (await db.execute(query)).scalars()}


async def _issue(db: Db, fleet: Fleet, view: FleetBillView, now: datetime) -> FleetInvoice:
    invoice = FleetInvoice(
        brand_id=fleet.brand_id,
        fleet_id=fleet.id,
        month=view.month,
        number=await _next_number(db, fleet.brand_id, now),
        currency=view.currency,
        net_minor=view.net.amount_minor,
        total_minor=view.total.amount_minor,
        paid_minor=0,
        charges=sum(not is_correction(line) for line in view.lines),
        energy_wh=sum(line.energy_wh for line in view.lines),
        taxes=_taxes(view),
        drivers=_drivers(view),
        buyer=fleet.billing,
        due_at=now + timedelta(days=read_terms(fleet.terms).pay_within_days),
        issued_at=now,
    )
    db.add(invoice)
    await db.flush()
    await _set_off(db, invoice)
    await events.emit(db, InvoiceIssued(invoice_id=invoice.id))
    log.info("fleet invoice issued", number=invoice.number, fleet_id=str(fleet.id), month=view.month)
    return invoice


async def _next_number(db: Db, brand_id: UUID, now: datetime) -> str:
    """The next invoice number of the brand in its year; the brand's row stays locked, so no number is skipped."""
    brand = (await db.execute(select(Brand).where(Brand.id == brand_id).with_for_update(key_share=True))).scalar_one()
    series = f"{brand.slug.upper()}-F{now.astimezone(ZoneInfo(brand.time_zone)).year}-"
    query = select(func.count()).where(
        FleetInvoice.brand_id == brand_id, col(FleetInvoice.number).startswith(series, autoescape=True)
    )
    return f"{series}{(await db.execute(query)).scalar_one() + 1:06d}"


async def _set_off(db: Db, invoice: FleetInvoice) -> None:
    """What earlier invoices gave back and nobody was paid goes towards this one; one that asks for nothing is paid."""
    for credit in await _credits(db, invoice):
        used = min(invoice.total_minor - invoice.paid_minor, credit.paid_minor - credit.total_minor)
        if used > 0:
            invoice.paid_minor += used
            credit.paid_minor -= used
            await _paid_if_it_is(db, credit)
    if invoice.total_minor < 0:
        invoice.state_reason = "This is a credit; it is set off against the next invoices."
    await _paid_if_it_is(db, invoice)


async def _credits(db: Db, invoice: FleetInvoice) -> list[FleetInvoice]:
    query = select(FleetInvoice).where(
        FleetInvoice.fleet_id == invoice.fleet_id,
        FleetInvoice.currency == invoice.currency,
        FleetInvoice.state == "OPEN",
        FleetInvoice.total_minor < FleetInvoice.paid_minor,
    )
    order = col(FleetInvoice.issued_at)
    return [row for row in (await db.execute(query.order_by(order).with_for_update())).scalars() if row != invoice]


async def _paid_if_it_is(db: Db, invoice: FleetInvoice) -> None:
    if invoice.paid_minor == invoice.total_minor:
        invoice.state, invoice.state_reason, invoice.updated_at = "PAID", "Nothing is left to pay.", clock.now()
    await db.flush()


def _taxes(view: FleetBillView) -> list[dict[str, object]]:
    return [
        {
            "percent": None if tax.percent is None else str(tax.percent),
            "net_minor": tax.net.amount_minor,
            "tax_minor": tax.tax.amount_minor,
        }
        for tax in view.taxes
    ]


def _drivers(view: FleetBillView) -> list[dict[str, object]]:
    return [
        {
            "driver_id": str(total.driver.id),
            "email": total.driver.email,
            "charges": total.charges,
            "energy_wh": total.energy_wh,
            "net_minor": total.net.amount_minor,
            "total_minor": total.total.amount_minor,
        }
        for total in view.driver_totals
    ]
