"""The price of a charge before it begins."""

from datetime import datetime
from enum import Enum

import msgspec
import strawberry
from strawberry import field

from emsp.charging import ways
from emsp.db.engine import transaction
from emsp.errors import Invalid
from emsp.graphql import ids
from emsp.graphql.errors import UserError, mutation
from emsp.graphql.fields import Input, resolver, value
from emsp.graphql.loaders import the
from emsp.graphql.money import Money, PriceLine, of_minor, price_lines
from emsp.graphql.node import Node
from emsp.graphql.stations import Connector, connector_of
from emsp.graphql.tariffs import MissingPriceReason
from emsp.graphql.vehicles import given, key_of_vehicle
from emsp.graphql.viewer import Info
from emsp.pricing import tables
from emsp.pricing.engine.report import Assumption
from emsp.pricing.quotes.planned import PlannedCharge
from emsp.pricing.quotes.quote import ToLevel, retail_of
from emsp.pricing.retail.prices import Guarantee
from emsp.pricing.words import explain


@strawberry.type(description="What a charge will cost. The bill keeps to the rule that this price was made by.")
class PriceQuote(Node):
    row: strawberry.Private[tables.Quote]

    @resolver("Where the charge would be.")
    async def connector(self, info: Info) -> Connector:
        return connector_of(await the(info.context.loaders.connectors, self.row.connector_id))

    @resolver("What it costs for the energy and time asked for, with tax where it is known.")
    def total(self) -> Money | None:
        return of_minor(self.row.total_minor, self.row.currency)

    @resolver("The most that it can come to, with a quarter more energy, until `worstCaseUntil`; at most this is held.")
    def worst_case(self) -> Money | None:
        return of_minor(self.row.worst_case_minor, self.row.currency)

    @resolver("Until when the worst case lets the car stay: an hour longer than planned, or than it takes to charge.")
    def worst_case_until(self) -> datetime | None:
        return self.row.worst_case_until

    @resolver("The energy that is priced, as the charge point's meter counts it.")
    def energy_wh(self) -> int:
        return int(self._plan.energy_wh)

    @resolver("When the car is planned to leave: as asked for, else as soon as it is charged.")
    def planned_until(self) -> datetime:
        return self._plan.periods()[-1].end

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

    @resolver(
        "Whether the bill is sure to follow these prices; false where none are known, or the operator's record counts."
    )
    def guaranteed(self) -> bool:
        retail = retail_of(self.row)
        return retail is not None and retail.guarantee is Guarantee.QUOTED_RULE

    @resolver("Why there is no price; null when there is one.")
    def missing_reason(self) -> MissingPriceReason | None:
        return MissingPriceReason(self.row.missing_reason) if self.row.missing_reason else None

    @resolver("The quote with the tariff it was made by, signed (JWS): the keys are at `/.well-known/jwks.json`.")
    def evidence(self) -> str:
        return self.row.signature

    @property
    def _plan(self) -> PlannedCharge:
        return msgspec.convert(self.row.plan, PlannedCharge)


def quote_of(row: tables.Quote) -> PriceQuote:
    """A quote as the schema shows it."""
    return PriceQuote(id=ids.encode("PriceQuote", row.id), row=row)


@strawberry.input(description="The charge to price: an amount of energy, or a vehicle and how full it is to be.")
class QuoteChargeInput:
    connector_id: strawberry.ID = field(description="Where.")
    energy_wh: int | None = field(
        default=strawberry.UNSET, description="How much energy, in watt-hours, as the charge point's meter counts it."
    )
    vehicle_id: strawberry.ID | None = field(
        default=strawberry.UNSET, description="Which of the driver's vehicles, to be charged to `targetPercent`."
    )
    target_percent: int | None = field(
        default=strawberry.UNSET, description="How full the vehicle's battery is to be, in percent."
    )
    current_percent: int | None = field(
        default=strawberry.UNSET, description="How full it is at the start; without it, 20 percent is assumed."
    )
    stay_until: datetime | None = field(
        default=strawberry.UNSET, description="When the car leaves; without it, as soon as it is charged."
    )


@strawberry.enum(description="Why no quote was made.")
class QuoteChargeErrorCode(Enum):
    INVALID_INPUT = value("INVALID_INPUT", "The input does not make sense; `field` says where.")
    VEHICLE_NOT_FOUND = value("VEHICLE_NOT_FOUND", "The driver has no such vehicle.")
    VEHICLE_CANNOT_CHARGE_HERE = value(
        "VEHICLE_CANNOT_CHARGE_HERE", "The connector gives direct current, which the vehicle cannot take."
    )


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
            row = await ways.quote_charge(
                db,
                brand=asker.brand,
                driver_id=asker.driver.id if asker.driver else None,
                connector_id=ids.number_of(input.connector_id, "Connector"),
                energy_wh=given(input.energy_wh),
                to_level=_to_level(input),
                stay_until=given(input.stay_until),
            )
        return QuoteChargePayload(quote=quote_of(row))


def _to_level(wanted: QuoteChargeInput) -> ToLevel | None:
    """The vehicle and its target; whose it is, is for `quote_charge` to check. Raises Invalid for half of it."""
    target = given(wanted.target_percent)
    if not wanted.vehicle_id:
        for field_name, value in (("targetPercent", target), ("currentPercent", given(wanted.current_percent))):
            if value is not None:
                raise Invalid("is of use with a vehicle only: say which", field_name)
        return None
    if target is None:
        raise Invalid("is needed with a vehicle: how full it is to be", "targetPercent")
    return ToLevel(
        vehicle_id=key_of_vehicle(wanted.vehicle_id),
        target_percent=target,
        current_percent=given(wanted.current_percent),
    )
