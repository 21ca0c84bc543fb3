"""May I charge there? Asked before the driver is at the plug."""

from enum import Enum
from typing import Annotated

import strawberry
from strawberry import field

from emsp.charging.authorize import check_start
from emsp.db.engine import transaction
from emsp.errors import Refused
from emsp.graphql import ids
from emsp.graphql.charging import StartChargingErrorCode
from emsp.graphql.fields import Id, resolver, value
from emsp.graphql.viewer import Info

QuoteId = Annotated[
    strawberry.ID | None, strawberry.argument(description="The price that was shown there, to be held against limits.")
]
CardId = Annotated[
    strawberry.ID | None, strawberry.argument(description="The card that shall pay; without it the default card.")
]
FleetId = Annotated[strawberry.ID | None, strawberry.argument(description="The fleet that shall pay.")]


@strawberry.enum(description="How a charge is paid.")
class PaymentFlow(Enum):
    HOLD = value("HOLD", "Money is held on the card before the start, and taken when the bill is known.")
    AFTER = value("AFTER", "The card is charged when the bill is known.")
    PREPAID = value("PREPAID", "The driver's balance pays.")
    FLEET = value("FLEET", "It goes on the fleet's bill.")


@strawberry.type(description="Whether a charge would be started, as things stand.")
class ChargePermission:
    allowed: bool = field(description="Whether it would.")
    code: StartChargingErrorCode | None = field(description="Why not, as startCharging would say it.")
    message: str | None = field(description="Why not, in a sentence for the driver.")
    payment_flow: PaymentFlow | None = field(description="How it would be paid; null when it is not allowed.")


@strawberry.type
class ChargePermissionQuery:
    @resolver("Whether the driver may charge at a connector here and now, and why not; nothing is started or held.")
    async def charge_permission(
        self,
        info: Info,
        connector_id: Id,
        quote_id: QuoteId = strawberry.UNSET,
        payment_method_id: CardId = strawberry.UNSET,
        fleet_id: FleetId = strawberry.UNSET,
    ) -> ChargePermission:
        driver, brand = info.context.driver, info.context.asker.brand
        try:
            wanted = {
                "quote_id": ids.uuid_of(quote_id, "PriceQuote") if quote_id else None,
                "payment_method_id": ids.uuid_of(payment_method_id, "PaymentMethod") if payment_method_id else None,
                "fleet_id": ids.uuid_of(fleet_id, "Fleet") if fleet_id else None,
            }
            connector = ids.number_of(connector_id, "Connector")
            async with transaction() as db:
                permitted = await check_start(db, brand=brand, driver=driver, connector_id=connector, **wanted)
        except Refused as no:
            return ChargePermission(
                allowed=False, code=StartChargingErrorCode(no.code), message=no.message, payment_flow=None
            )
        return ChargePermission(allowed=True, code=None, message=None, payment_flow=PaymentFlow(permitted.flow.value))
