"""The price of a charge before it begins."""

from datetime import datetime
from enum import Enum

import msgspec
import strawberry
from strawberry import field

from emsp.db.engine import transaction
from emsp.graphql import ids
from emsp.graphql.errors import UserError, mutation
from emsp.graphql.fields import Input, resolver, value
from emsp.graphql.loaders import the
from emsp.graphql.money import Money, PriceLine, of_minor, price_lines
from emsp.graphql.node import Node
from emsp.graphql.stations import Connector, connector_of
from emsp.graphql.tariffs import MissingPriceReason
from emsp.graphql.viewer import Info
from emsp.pricing import explain, tables
from emsp.pricing.quotes import make_quote
from emsp.pricing.report import Assumption


@strawberry.type(description="What a charge will cost. The bill keeps to the rule that this price was made by.")
class PriceQuote(Node):
    row: strawberry.Private[tables.Quote]

    @resolver("Where the charge would be.")
    async def connector(self, info: Info) -> Connector:
        return connector_of(await the(info.context.loaders.connectors, self.row.connector_id))

    @resolver("What it costs for the energy and time asked for, with tax where it is known.")
    def total(self) -> Money | None:
        return of_minor(self.row.total_minor, self.row.currency)

    @resolver("What it costs with a quarter more energy and an hour of overstay; at most this is held.")
    def worst_case(self) -> Money | None:
        return of_minor(self.row.worst_case_minor, self.row.currency)

    @resolver("What the total is made of; empty when the price is not known.")
    async def lines(self, info: Info) -> list[PriceLine]:
        place = await the(info.context.loaders.places, self.row.connector_id)
        language = info.context.asker.language
        return price_lines(self.row.lines, self.row.currency or "", place.station.time_zone, language)

    @resolver("What was taken for granted, in sentences.")
    def assumptions(self, info: Info) -> list[str]:
        language = info.context.asker.language
        assumed = msgspec.convert(self.row.assumptions, list[Assumption])
        return [explain.assumption_text(assumption, language) for assumption in assumed]

    @resolver("Until when a charge can be started at this price.")
    def valid_until(self) -> datetime:
        return self.row.valid_until

    @resolver("Whether the bill is sure to follow the same prices; false when the price is not known.")
    def guaranteed(self) -> bool:
        return self.row.tariff is not None

    @resolver("Why there is no price; null when there is one.")
    def missing_reason(self) -> MissingPriceReason | None:
        return MissingPriceReason(self.row.missing_reason) if self.row.missing_reason else None


def quote_of(row: tables.Quote) -> PriceQuote:
    """A quote as the schema shows it."""
    return PriceQuote(id=ids.encode("PriceQuote", row.id), row=row)


@strawberry.input(description="The charge that a price is wanted for.")
class QuoteChargeInput:
    connector_id: strawberry.ID = field(description="Where.")
    energy_wh: int = field(description="How much energy, in watt-hours.")
    stay_until: datetime | None = field(
        default=strawberry.UNSET, description="When the car leaves; without it, as soon as it is charged."
    )


@strawberry.enum(description="Why no quote was made.")
class QuoteChargeErrorCode(Enum):
    INVALID_INPUT = value("INVALID_INPUT", "The amount of energy or the stay does not make sense; `field` says which.")


@strawberry.type(description="Why no quote was made.")
class QuoteChargeError(UserError):
    reason: QuoteChargeErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of a request for a price.")
class QuoteChargePayload:
    quote: PriceQuote | None = field(default=None, description="The quote; null when there are errors.")
    errors: list[QuoteChargeError] = field(default_factory=list, description="Why there is none.")


@strawberry.type
class QuoteMutation:
    @mutation(
        QuoteChargePayload, QuoteChargeError, QuoteChargeErrorCode, "Tell what a charge will cost before it begins."
    )
    async def quote_charge(self, info: Info, input: Input[QuoteChargeInput]) -> QuoteChargePayload:
        asker = info.context.asker
        async with transaction() as db:
            row = await make_quote(
                db,
                brand=asker.brand,
                driver_id=asker.driver.id if asker.driver else None,
                connector_id=ids.number_of(input.connector_id, "Connector"),
                energy_wh=input.energy_wh,
                stay_until=input.stay_until or None,
            )
        return QuoteChargePayload(quote=quote_of(row))
