"""Receipts that explain themselves."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import field

from emsp.charging import tables
from emsp.graphql import ids
from emsp.graphql.fields import resolver, value
from emsp.graphql.loaders import the
from emsp.graphql.money import Money, PriceLine, TaxLine, price_lines, shown, tax_lines
from emsp.graphql.node import Node
from emsp.graphql.viewer import Info
from emsp.money import Money as Amount


@strawberry.enum(description="What came of computing the operator's record of a charge once more.")
class CdrVerificationResult(Enum):
    AGREES = value("AGREES", "It is what the operator's published prices come to.")
    WITHIN_TOLERANCE = value("WITHIN_TOLERANCE", "It is off by a rounding only.")
    DIFFERS = value("DIFFERS", "It is not what the operator's published prices come to.")
    NOT_CHECKABLE = value("NOT_CHECKABLE", "It could not be computed; `reason` says why.")


@strawberry.enum(description="Why an operator's record could not be checked, or what differs in it.")
class CdrVerificationReason(Enum):
    NO_TARIFF_PUBLISHED = value("NO_TARIFF_PUBLISHED", "The operator publishes no prices for this place.")
    ANOTHER_CURRENCY = value("ANOTHER_CURRENCY", "The record is in another currency than the prices.")
    NOT_COMPUTABLE = value("NOT_COMPUTABLE", "The prices hold something that cannot be computed.")
    TAX_UNKNOWN = value("TAX_UNKNOWN", "The prices do not tell the tax that is in them.")
    ANOTHER_TAX = value("ANOTHER_TAX", "The amounts before tax agree, the tax does not.")


@strawberry.type(description="The operator's record of a charge, computed once more from the measured periods.")
class CdrVerification:
    result: CdrVerificationResult = field(description="Whether the record is right.")
    reason: CdrVerificationReason | None = field(
        description="Why it could not be checked, or what differs; null when there is no more to say."
    )


@strawberry.type(description="What a driver was billed for one charge; written once.")
class Receipt(Node):
    row: strawberry.Private[tables.Receipt]

    @resolver("The number of the receipt.")
    def number(self) -> str:
        return self.row.number

    @resolver("When it was issued.")
    def issued_at(self) -> datetime:
        return self.row.issued_at

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

    @resolver("What the charge costs, with tax.")
    def total(self) -> Money:
        return self._money(self.row.total_minor)

    @resolver("What was paid of it so far; a charge on a fleet's bill is not paid by the driver.")
    def paid(self) -> Money:
        return self._money(self.row.paid_minor)

    @resolver("Whether the operator's own record of the charge is right.")
    def verification(self) -> CdrVerification:
        reason = self.row.verification.get("reason")
        return CdrVerification(
            result=CdrVerificationResult(self.row.verification["result"]),
            reason=CdrVerificationReason(reason) if reason else None,
        )

    def _money(self, amount_minor: int) -> Money:
        return shown(Amount(amount_minor, self.row.currency))


def receipt_of(row: tables.Receipt) -> Receipt:
    """A receipt as the schema shows it."""
    return Receipt(id=ids.encode("Receipt", row.id), row=row)
