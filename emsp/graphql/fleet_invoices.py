"""A fleet's invoices, for its managers."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import field

from emsp.fleets import tables
from emsp.graphql import ids
from emsp.graphql.fields import resolver, value
from emsp.graphql.fleet_members import manages_fleet
from emsp.graphql.money import Money, TaxLine, of_minor, shown, tax_lines
from emsp.graphql.node import Node
from emsp.graphql.scalars import URL
from emsp.graphql.viewer import Info
from emsp.money import Money as Amount
from emsp.papers.links import document_url


@strawberry.enum(description="Where an invoice stands.")
class FleetInvoiceState(Enum):
    OPEN = value("OPEN", "It is to be paid by transfer, or nothing has been done about it yet.")
    COLLECTING = value("COLLECTING", "It is being taken from the fleet's bank account, which takes days.")
    PAID = value("PAID", "Nothing is left to pay.")
    DUE = value("DUE", "It was not paid in time, or the bank refused; a transfer is awaited.")


@strawberry.type(description="What the charges of one driver come to on an invoice.")
class FleetInvoiceDriver:
    email: str = field(description="The address of the driver at that time.")
    charges: int = field(description="How many charges.")
    energy_wh: int = field(description="The energy delivered, in watt-hours.")
    net: Money | None = field(description="What they cost without tax.")
    total: Money | None = field(description="What they cost with tax.")


@strawberry.type(description="One month of a fleet in one currency, as it was invoiced; its figures never change.")
class FleetInvoice(Node):
    row: strawberry.Private[tables.FleetInvoice]

    @resolver("Its number, without gaps per brand and year.")
    def number(self) -> str:
        return self.row.number

    @resolver("The month that it is for, as YYYY-MM, in the fleet's time zone.")
    def month(self) -> str:
        return self.row.month

    @resolver("Where it stands.")
    def state(self) -> FleetInvoiceState:
        return FleetInvoiceState(self.row.state)

    @resolver("Why it stands there, in a sentence.")
    def state_reason(self) -> str | None:
        return self.row.state_reason

    @resolver("The sum without tax.")
    def net(self) -> Money:
        return shown(Amount(self.row.net_minor, self.row.currency))

    @resolver("The taxes by rate.")
    def taxes(self) -> list[TaxLine]:
        return tax_lines(self.row.taxes, self.row.currency)

    @resolver("The sum with tax.")
    def total(self) -> Money:
        return shown(Amount(self.row.total_minor, self.row.currency))

    @resolver("What was paid of it.")
    def paid(self) -> Money:
        return shown(Amount(self.row.paid_minor, self.row.currency))

    @resolver("How many charges it is for, corrections aside.")
    def charges(self) -> int:
        return self.row.charges

    @resolver("The energy delivered, in watt-hours.")
    def energy_wh(self) -> int:
        return self.row.energy_wh

    @resolver("The sums per driver, by e-mail address.")
    def drivers(self) -> list[FleetInvoiceDriver]:
        return [
            FleetInvoiceDriver(
                email=total["email"],
                charges=total["charges"],
                energy_wh=total["energy_wh"],
                net=of_minor(total["net_minor"], self.row.currency),
                total=of_minor(total["total_minor"], self.row.currency),
            )
            for total in self.row.drivers
        ]

    @resolver("When it was issued.")
    def issued_at(self) -> datetime:
        return self.row.issued_at

    @resolver("Until when it is to be paid.")
    def due_at(self) -> datetime:
        return self.row.due_at

    @resolver("Where it is as PDF, good for an hour, without signing in; null for the moment until it is written.")
    async def pdf_url(self, info: Info) -> URL | None:
        document = await info.context.loaders.documents_of_invoices.load(self.row.id)
        return URL(document_url(document.id)) if document else None


def invoice_of(row: tables.FleetInvoice) -> FleetInvoice:
    """An invoice as the schema shows it."""
    return FleetInvoice(id=ids.encode("FleetInvoice", row.id), row=row)


async def own_invoice(info: Info, key: str) -> FleetInvoice | None:
    """The invoice, for the fleet's managers."""
    row = await info.context.loaders.fleet_invoices.load(ids.as_uuid(key))
    return invoice_of(row) if row and await manages_fleet(info, row.fleet_id) else None
