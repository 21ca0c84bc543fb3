"""Receipts that explain themselves."""

from datetime import datetime
from typing import Optional

import strawberry

from emsp.charging import tables
from emsp.charging.paper import hand_out as papers
from emsp.db.engine import transaction
from emsp.graphql import ids
from emsp.graphql.fields import resolver
from emsp.graphql.loaders import the
from emsp.graphql.money import Money, PriceLine, TaxLine, price_lines, shown, tax_lines
from emsp.graphql.node import Node
from emsp.graphql.scalars import URL
from emsp.graphql.verification import CdrVerification, verification_of
from emsp.graphql.viewer import Info
from emsp.money import Money as Amount
from emsp.papers.links import document_url


@strawberry.type(
    description="What a driver was billed for one charge, or a correction of it; written once and never changed."
)
class Receipt(Node):
    row: strawberry.Private[tables.Receipt]

    @resolver("The number of the receipt.")
    def number(self) -> str:
        return self.row.number

    @resolver("When it was issued.")
    def issued_at(self) -> datetime:
        return self.row.issued_at

    @resolver("The receipt that this one corrects; null when it is the first of its charge.")
    async def corrects(self, info: Info) -> Optional["Receipt"]:
        first = self.row.corrects_id
        return receipt_of(await the(info.context.loaders.receipts, first)) if first else None

    @resolver("What corrects this receipt, the oldest first: each takes back lines and sets others in their place.")
    async def corrections(self, info: Info) -> list["Receipt"]:
        return [receipt_of(row) for row in await self._corrections(info)]

    @resolver("What the charge costs after all corrections so far; the total where there are none.")
    async def total_after_corrections(self, info: Info) -> Money:
        first = await the(info.context.loaders.receipts, self.row.corrects_id or self.row.id)
        corrected = await receipt_of(first)._corrections(info)
        return self._money(first.total_minor + sum(row.total_minor for row in corrected))

    async def _corrections(self, info: Info) -> list[tables.Receipt]:
        return await info.context.loaders.corrections_of_receipts.load(self.row.id) or []

    @resolver("What the total is made of, line by line.")
    async def lines(self, info: Info) -> list[PriceLine]:
        loaders = info.context.loaders
        session = await the(loaders.sessions, self.row.session_id)
        station = await the(loaders.stations, session.station_id)
        return price_lines(self.row.lines, self.row.currency, station.time_zone, info.context.asker.language)

    @resolver("The total without tax.")
    def net(self) -> Money:
        return self._money(self.row.net_minor)

    @resolver("The taxes by rate; empty when they are not known.")
    def taxes(self) -> list[TaxLine]:
        return tax_lines(self.row.taxes, self.row.currency)

    @resolver("What the charge costs, with tax; in a correction by how much that changes, negative when it sinks.")
    def total(self) -> Money:
        return self._money(self.row.total_minor)

    @resolver(
        "What was paid of it so far, negative when given back; a charge on a fleet's bill is not paid by the driver."
    )
    def paid(self) -> Money:
        return self._money(self.row.paid_minor)

    @resolver("Why our support gave money back by this correction; null when nobody of us is the reason.")
    def reason(self) -> str | None:
        return self.row.reason

    @resolver(
        "Where it can be downloaded as PDF, for an hour, always the same bytes; null while its payment is being tried."
    )
    async def pdf_url(self) -> URL | None:
        async with transaction() as db:
            document = await papers.document_of(db, self.row)
        return URL(document_url(document.id)) if document else None

    @resolver("Whether the operator's own record of the charge is right.")
    def verification(self, info: Info) -> CdrVerification:
        return verification_of(self.row.verification, info.context.asker.language)

    def _money(self, amount_minor: int) -> Money:
        return shown(Amount(amount_minor, self.row.currency))


def receipt_of(row: tables.Receipt) -> Receipt:
    """A receipt as the schema shows it."""
    return Receipt(id=ids.encode("Receipt", row.id), row=row)
