"""One bill for a fleet and a month: every charge over all operators, with totals per driver and VAT rate."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select

from emsp import clock
from emsp.accounts.tables import Driver
from emsp.db.engine import Db
from emsp.errors import Invalid
from emsp.fleets.tables import Fleet, FleetCharge, FleetInvoice
from emsp.money import Money

CORRECTION = "correction:"
"""What the reference of a line begins with that corrects another one."""


@dataclass(frozen=True)
class BillTax:
    """Net and tax at one VAT rate; a None percent: the rate is not known."""

    percent: Decimal | None
    net: Money
    tax: Money


@dataclass(frozen=True)
class DriverTotal:
    """What one driver's charges come to."""

    driver: Driver
    charges: int
    energy_wh: int
    net: Money
    total: Money


@dataclass(frozen=True)
class FleetBillView:
    """A fleet's bill for a month (YYYY-MM, in the fleet's time zone), in one currency."""

    fleet: Fleet
    month: str
    currency: str
    lines: list[FleetCharge]
    drivers: dict[UUID, Driver]

    @property
    def net(self) -> Money:
        return Money(sum(line.net_minor for line in self.lines), self.currency)

    @property
    def total(self) -> Money:
        return Money(sum(line.total_minor for line in self.lines), self.currency)

    @property
    def taxes(self) -> list[BillTax]:
        """Totals per VAT rate, highest rate first."""
        sums: dict[Decimal | None, list[int]] = defaultdict(lambda: [0, 0])
        for tax in (tax for line in self.lines for tax in line.taxes):
            percent = None if tax["percent"] is None else Decimal(tax["percent"])
            sums[percent][0] += tax["net_minor"]
            sums[percent][1] += tax["tax_minor"]
        ordered = sorted(sums.items(), key=lambda item: (item[0] is None, -(item[0] or 0)))
        return [
            BillTax(percent, Money(net, self.currency), Money(tax, self.currency)) for percent, (net, tax) in ordered
        ]

    @property
    def driver_totals(self) -> list[DriverTotal]:
        """Totals per driver, by e-mail address."""
        by_driver: dict[UUID, list[FleetCharge]] = defaultdict(list)
        for line in self.lines:
            by_driver[line.driver_id].append(line)
        totals = [self._driver_total(driver_id, lines) for driver_id, lines in by_driver.items()]
        return sorted(totals, key=lambda total: total.driver.email)

    def _driver_total(self, driver_id: UUID, lines: list[FleetCharge]) -> DriverTotal:
        return DriverTotal(
            self.drivers[driver_id],
            sum(not is_correction(line) for line in lines),
            sum(line.energy_wh for line in lines),
            Money(sum(line.net_minor for line in lines), self.currency),
            Money(sum(line.total_minor for line in lines), self.currency),
        )


async def charge_fleet(db: Db, charge: FleetCharge) -> None:
    """Put a settled charge on the fleet's account, once; in the first month for which there is no invoice yet."""
    fleet = await _held_open(db, charge.fleet_id)
    charge.billed_at = await _first_open(db, fleet, charge.billed_at, charge.currency)
    await db.execute(insert(FleetCharge).values(**charge.model_dump()).on_conflict_do_nothing())


async def _held_open(db: Db, fleet_id: UUID) -> Fleet:
    """The fleet; none of its months is closed until this transaction ends."""
    shared = select(Fleet).where(Fleet.id == fleet_id).with_for_update(read=True, key_share=True)
    return (await db.execute(shared)).scalar_one()


async def _first_open(db: Db, fleet: Fleet, billed_at: datetime, currency: str) -> datetime:
    """`billed_at`, or when the first month after it begins that is not closed: what was invoiced does not change."""
    query = select(FleetInvoice.month).where(FleetInvoice.fleet_id == fleet.id, FleetInvoice.currency == currency)
    closed = set((await db.execute(query)).scalars())
    while (month := month_of(billed_at, fleet.time_zone)) in closed:
        billed_at = month_bounds(month, fleet.time_zone)[1]
    return billed_at


async def charged_minor(db: Db, fleet: Fleet, month: str, currency: str, driver_id: UUID | None = None) -> int:
    """What was charged to the fleet in a month, with tax, in minor units of `currency`; by one driver, if named."""
    start, end = month_bounds(month, fleet.time_zone)
    query = select(func.coalesce(func.sum(FleetCharge.total_minor), 0)).where(
        FleetCharge.fleet_id == fleet.id,
        FleetCharge.currency == currency,
        FleetCharge.billed_at >= start,
        FleetCharge.billed_at < end,
    )
    if driver_id:
        query = query.where(FleetCharge.driver_id == driver_id)
    return int((await db.execute(query)).scalar_one())


async def energy_charged(db: Db, references: Sequence[str]) -> int:
    """The energy in watt-hours that these lines come to."""
    query = select(func.coalesce(func.sum(FleetCharge.energy_wh), 0)).where(col(FleetCharge.reference).in_(references))
    return int((await db.execute(query)).scalar_one())


def is_correction(line: FleetCharge) -> bool:
    """Whether a line corrects another one, perhaps of a month before."""
    return line.reference.startswith(CORRECTION)


async def bills(db: Db, fleet: Fleet, month: str) -> list[FleetBillView]:
    """The fleet's bills for a month (YYYY-MM), one per currency, by currency. Raises Invalid for a bad month."""
    start, end = month_bounds(month, fleet.time_zone)
    query = (
        select(FleetCharge)
        .where(FleetCharge.fleet_id == fleet.id, FleetCharge.billed_at >= start, FleetCharge.billed_at < end)
        .order_by(col(FleetCharge.billed_at), col(FleetCharge.id))
    )
    by_currency: dict[str, list[FleetCharge]] = defaultdict(list)
    for line in (await db.execute(query)).scalars():
        by_currency[line.currency].append(line)
    drivers = await _drivers(db, [line.driver_id for lines in by_currency.values() for line in lines])
    return [FleetBillView(fleet, month, currency, lines, drivers) for currency, lines in sorted(by_currency.items())]


async def bill(db: Db, fleet: Fleet, month: str, currency: str) -> FleetBillView | None:
    """The fleet's bill for a month in its brand's currency; None when nothing was charged in it."""
    found = await bills(db, fleet, month)
    return next((view for view in found if view.currency == currency), next(iter(found), None))


def as_csv(views: Sequence[FleetBillView]) -> str:
    """The bill as CSV (RFC 4180, UTF-8): a row per charge or correction, amounts in major units, times in UTC."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for view in views:
        writer.writerows(_row(view, line) for line in view.lines)
    return out.getvalue()


COLUMNS = (
    "receipt",
    "driver",
    "started_at",
    "ended_at",
    "station",
    "operator",
    "country",
    "energy_wh",
    "net",
    "tax",
    "total",
    "currency",
    "vat_percents",
    "kind",
)


def _row(view: FleetBillView, line: FleetCharge) -> list[str]:
    net, total = Money(line.net_minor, line.currency), Money(line.total_minor, line.currency)
    texts = [view.drivers[line.driver_id].email, clock.utc_text(line.started_at)]
    return [
        _safe(line.receipt_number),
        *(_safe(text) for text in texts),
        clock.utc_text(line.ended_at) if line.ended_at else "",
        _safe(line.station_name or ""),
        _safe(line.operator_name or ""),
        line.country or "",
        str(line.energy_wh),
        str(net.amount),
        str((total - net).amount),
        str(total.amount),
        line.currency,
        " ".join(str(tax["percent"]) for tax in line.taxes if tax["percent"] is not None),
        "CORRECTION" if is_correction(line) else "CHARGE",
    ]


def _safe(text: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def month_of(moment: datetime, time_zone: str) -> str:
    """The month (YYYY-MM) of a moment in a time zone."""
    return f"{moment.astimezone(ZoneInfo(time_zone)):%Y-%m}"


def month_bounds(month: str, time_zone: str) -> tuple[datetime, datetime]:
    """When a month (YYYY-MM) of a time zone begins, and when the next one does. Raises Invalid naming `month`."""
    try:
        start = datetime.strptime(month, "%Y-%m").replace(tzinfo=ZoneInfo(time_zone))
    except ValueError as error:
        raise Invalid("must be a month as YYYY-MM", "month") from error
    end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return start.astimezone(UTC), end.astimezone(UTC)


async def _drivers(db: Db, ids: Sequence[UUID]) -> dict[UUID, Driver]:
    found = await db.execute(select(Driver).where(col(Driver.id).in_(set(ids))))
    return {driver.id: driver for driver in found.scalars()}
