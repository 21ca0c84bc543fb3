"""Fleets: who is in them, and the one bill a month for all their charges."""

import re
from datetime import datetime
from enum import Enum

import strawberry
from strawberry import field

from emsp.accounts import tables as accounts
from emsp.db.engine import reading
from emsp.errors import Invalid
from emsp.fleets import bill, links, members, tables
from emsp.fleets.invoices import invoices_of
from emsp.fleets.issued import payer_of
from emsp.graphql import ids
from emsp.graphql.connection import Connection, checked_first, connection, slice_of
from emsp.graphql.fields import After, First, Month, resolver, value
from emsp.graphql.fleet_invoices import FleetInvoice, invoice_of
from emsp.graphql.fleet_members import FleetMember, manages_fleet, member_of, own_membership
from emsp.graphql.mandates import Mandate, mandate_of
from emsp.graphql.money import Money, TaxLine, of_minor, shown, tax_line, tax_lines
from emsp.graphql.node import Node
from emsp.graphql.people import Driver, driver_of
from emsp.graphql.scalars import URL, CountryCode
from emsp.graphql.viewer import Info, manages
from emsp.papers.links import document_url
from emsp.payments.mandates import shown_of

MONTH = re.compile(r"2\d{3}-(0[1-9]|1[0-2])")


@strawberry.enum(description="What a line of a fleet's bill is.")
class FleetBillLineKind(Enum):
    CHARGE = value("CHARGE", "A charge.")
    CORRECTION = value("CORRECTION", "A later correction of a charge, perhaps of a month before; mostly negative.")


@strawberry.type(description="One settled charge on a fleet's bill.")
class FleetBillLine:
    row: strawberry.Private[tables.FleetCharge]
    paid_for: strawberry.Private[accounts.Driver]

    @resolver("Whether it is a charge, or corrects one.")
    def kind(self) -> FleetBillLineKind:
        return FleetBillLineKind.CORRECTION if bill.is_correction(self.row) else FleetBillLineKind.CHARGE

    @resolver("The number of the charge's receipt.")
    def receipt_number(self) -> str:
        return self.row.receipt_number

    @resolver("Who charged.")
    def driver(self) -> Driver:
        return driver_of(self.paid_for)

    @resolver("The name of the station.")
    def station_name(self) -> str | None:
        return self.row.station_name

    @resolver("The name of the operator.")
    def operator_name(self) -> str | None:
        return self.row.operator_name

    @resolver("The country of the station.")
    def country(self) -> CountryCode | None:
        return CountryCode(self.row.country) if self.row.country else None

    @resolver("When the charge began.")
    def started_at(self) -> datetime:
        return self.row.started_at

    @resolver("When the charge ended.")
    def ended_at(self) -> datetime | None:
        return self.row.ended_at

    @resolver("When it was billed.")
    def billed_at(self) -> datetime:
        return self.row.billed_at

    @resolver("The energy delivered, in watt-hours.")
    def energy_wh(self) -> int:
        return self.row.energy_wh

    @resolver("What it costs without tax.")
    def net(self) -> Money | None:
        return of_minor(self.row.net_minor, self.row.currency)

    @resolver("The taxes by rate.")
    def taxes(self) -> list[TaxLine]:
        return tax_lines(self.row.taxes, self.row.currency)

    @resolver("What it costs with tax.")
    def total(self) -> Money | None:
        return of_minor(self.row.total_minor, self.row.currency)


@strawberry.type(description="What the charges of one driver come to.")
class FleetDriverTotal:
    driver: Driver = field(description="Who charged.")
    charges: int = field(description="How many charges.")
    energy_wh: int = field(description="The energy delivered, in watt-hours.")
    net: Money = field(description="What they cost without tax.")
    total: Money = field(description="What they cost with tax.")


@strawberry.type(description="All charges of a fleet that were billed in a month, in one currency.")
class FleetBill(Node):
    view: strawberry.Private[bill.FleetBillView]

    @resolver("The month, as YYYY-MM, in the fleet's time zone.")
    def month(self) -> str:
        return self.view.month

    @resolver("The sum without tax.")
    def net(self) -> Money:
        return shown(self.view.net)

    @resolver("The taxes by rate.")
    def taxes(self) -> list[TaxLine]:
        return [tax_line(tax.percent, tax.net, tax.tax) for tax in self.view.taxes]

    @resolver("The sum with tax.")
    def total(self) -> Money:
        return shown(self.view.total)

    @resolver("The sums per driver.")
    def driver_totals(self) -> list[FleetDriverTotal]:
        return [
            FleetDriverTotal(
                driver=driver_of(sums.driver),
                charges=sums.charges,
                energy_wh=sums.energy_wh,
                net=shown(sums.net),
                total=shown(sums.total),
            )
            for sums in self.view.driver_totals
        ]

    @resolver("The charges, in the order in which they were billed.")
    def lines(self, first: First = 100, after: After = strawberry.UNSET) -> Connection[FleetBillLine]:
        lines = [FleetBillLine(row=line, paid_for=self.view.drivers[line.driver_id]) for line in self.view.lines]
        return slice_of(lines, checked_first(first, default=100), after or None)

    @resolver("Where the month's bill is as CSV, in all its currencies; good for an hour, without signing in.")
    def csv_url(self) -> URL | None:
        return URL(links.csv_url(self.view.fleet.id, self.view.month))

    @resolver("The invoice for it; null as long as the month is not closed.")
    async def invoice(self, info: Info) -> FleetInvoice | None:
        found = await self._invoice(info)
        return invoice_of(found) if found else None

    @resolver(
        "Where the invoice for it is as PDF, good for an hour, without signing in; null as long as there is none."
    )
    async def pdf_url(self, info: Info) -> URL | None:
        invoice = await self._invoice(info)
        document = await info.context.loaders.documents_of_invoices.load(invoice.id) if invoice else None
        return URL(document_url(document.id)) if document else None

    async def _invoice(self, info: Info) -> tables.FleetInvoice | None:
        key = (self.view.fleet.id, self.view.month, self.view.currency)
        return await info.context.loaders.invoices_of_months.load(key)


@strawberry.type(description="A company that pays for its drivers' charges by one bill a month.")
class Fleet(Node):
    row: strawberry.Private[tables.Fleet]

    @resolver("Its name.")
    def name(self) -> str:
        return self.row.name

    @resolver("Who is in it, by e-mail address; a member who is no manager sees only themselves.")
    async def members(self, info: Info, first: First = 20, after: After = strawberry.UNSET) -> Connection[FleetMember]:
        wanted, membership = checked_first(first), await own_membership(info, self.row.id)
        if not manages(info.context.asker, membership):
            alone = [member_of(membership, info.context.driver)] if membership else []
            return slice_of(alone, wanted, after or None)
        async with reading() as db:
            page = await members.members(db, self.row.id, wanted, after or None)
        return connection(
            [member_of(member.membership, member.driver) for member in page.members],
            [member.cursor for member in page.members],
            has_next=page.has_next,
            total=page.total_count,
            after=after or None,
        )

    @resolver("Its bill for a month (YYYY-MM) in the brand's currency; null for who does not manage it.")
    async def bill(self, info: Info, month: Month) -> FleetBill | None:
        found, currency = await _bills(info, self.row, month), info.context.asker.brand.currency
        return next((one for one in found if one.view.currency == currency), next(iter(found), None))

    @resolver("Its bills for a month (YYYY-MM), one per currency; empty for who does not manage it.")
    async def bills(self, info: Info, month: Month) -> list[FleetBill]:
        return await _bills(info, self.row, month)

    @resolver("Its invoices, the newest first; empty for who does not manage it.")
    async def invoices(
        self, info: Info, first: First = 20, after: After = strawberry.UNSET
    ) -> Connection[FleetInvoice]:
        wanted, rows = checked_first(first), list[tables.FleetInvoice]()
        if await manages_fleet(info, self.row.id):
            async with reading() as db:
                rows = await invoices_of(db, self.row.id)
        return slice_of([invoice_of(row) for row in rows], wanted, after or None)

    @resolver(
        "How its invoices are collected: the active mandate, else the one begun last; null for who does not manage it."
    )
    async def mandate(self, info: Info) -> Mandate | None:
        if not await manages_fleet(info, self.row.id):
            return None
        async with reading() as db:
            found = await shown_of(db, payer_of(self.row.id))
        return mandate_of(found) if found else None


def fleet_of(row: tables.Fleet) -> Fleet:
    """A fleet as the schema shows it."""
    return Fleet(id=ids.encode("Fleet", row.id), row=row)


def bill_of(view: bill.FleetBillView) -> FleetBill:
    """A fleet's bill as the schema shows it."""
    return FleetBill(id=ids.encode("FleetBill", view.fleet.id, view.month, view.currency), view=view)


async def own_fleet(info: Info, key: str) -> Fleet | None:
    """The fleet, for its members."""
    row = await info.context.loaders.fleets.load(ids.as_uuid(key))
    return fleet_of(row) if row and await own_membership(info, row.id) else None


async def own_bill(info: Info, key: str) -> FleetBill | None:
    """The fleet's bill, for its managers."""
    fleet_id, _, rest = key.partition(":")
    month, _, currency = rest.partition(":")
    fleet = await info.context.loaders.fleets.load(ids.as_uuid(fleet_id))
    found = await _bills(info, fleet, month) if fleet and MONTH.fullmatch(month) else []
    return next((one for one in found if one.view.currency == currency), None)


async def _bills(info: Info, fleet: tables.Fleet, month: Month) -> list[FleetBill]:
    if not MONTH.fullmatch(month):
        raise Invalid("must be a month as YYYY-MM", "month")
    if not await manages_fleet(info, fleet.id):
        return []
    async with reading() as db:
        return [bill_of(view) for view in await bill.bills(db, fleet, month)]
