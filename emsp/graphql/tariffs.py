"""Tariffs as the driver pays them: the operator's, with the brand's price policy applied."""

from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum

import msgspec
import strawberry
from msgspec.structs import replace
from strawberry import field

from emsp.graphql import ids
from emsp.graphql.fields import value
from emsp.graphql.money import Price, PriceUnit, TaxMode, price
from emsp.graphql.node import Node
from emsp.graphql.scalars import CurrencyCode
from emsp.graphql.viewer import Asker
from emsp.graphql.words import Weekday
from emsp.pricing import explain, tariff
from emsp.pricing.report import plain
from emsp.pricing.retail import Place, RetailTariff, Terms, retail_tariff
from emsp.pricing.sale import policy_of
from emsp.pricing.tables import TariffRow

PER = {
    tariff.Dimension.ENERGY: PriceUnit.KWH,
    tariff.Dimension.TIME: PriceUnit.HOUR,
    tariff.Dimension.PARKING_TIME: PriceUnit.HOUR,
    tariff.Dimension.FLAT: PriceUnit.SESSION,
}


@strawberry.enum(description="Why no price can be told. It is not known, which is not the same as free.")
class MissingPriceReason(Enum):
    NO_TARIFF_PUBLISHED = value("NO_TARIFF_PUBLISHED", "The operator names no tariff here for who charges by app.")
    TARIFF_UNKNOWN = value("TARIFF_UNKNOWN", "The operator names a tariff but has not published it.")
    TARIFF_EXPIRED = value("TARIFF_EXPIRED", "The operator's tariff is no longer valid.")
    NOT_YET_VALID = value("NOT_YET_VALID", "The operator's tariff becomes valid later.")
    NOT_COMPUTABLE = value("NOT_COMPUTABLE", "The tariff holds something that cannot be computed.")
    NO_PRICE_AT_THIS_TIME = value("NO_PRICE_AT_THIS_TIME", "The tariff has no price for energy at the time asked for.")


@strawberry.enum(description="What a price component counts.")
class PriceDimension(Enum):
    ENERGY = value("ENERGY", "Energy delivered, per kWh.")
    TIME = value("TIME", "Time spent charging, per hour.")
    PARKING_TIME = value("PARKING_TIME", "Time connected without charging, per hour.")
    FLAT = value("FLAT", "Once for the session.")


@strawberry.enum(description="What of a reservation an element of a tariff prices.")
class ReservationUse(Enum):
    RESERVATION = value("RESERVATION", "The time that a charge point is kept.")
    RESERVATION_EXPIRES = value("RESERVATION_EXPIRES", "A reservation that ended without a charge.")


@strawberry.type(description="One price of a tariff.")
class PriceComponent:
    dimension: PriceDimension = field(description="What is counted.")
    price: Price = field(description="The price of one unit, with or without tax as the tariff's `taxIncluded` says.")
    vat_percent: Decimal | None = field(description="The VAT rate in percent; null when it is not known.")
    step_size: int = field(description="What is billed is rounded up to this many Wh or seconds; 1 and 0: not rounded.")


@strawberry.type(description="When prices apply: everything that is set must hold, minima included, maxima excluded.")
class TariffRestrictions:
    start_time: time | None = field(description="From this time of day, on the clock of the station.")
    end_time: time | None = field(description="Until this time of day, on the clock of the station.")
    start_date: date | None = field(description="From this day.")
    end_date: date | None = field(description="Until before this day.")
    days_of_week: list[Weekday] = field(description="On these days of the week; an empty list means every day.")
    min_energy_wh: Decimal | None = field(description="From this much energy on.")
    max_energy_wh: Decimal | None = field(description="Up to this much energy.")
    min_power_w: Decimal | None = field(description="At this power and above.")
    max_power_w: Decimal | None = field(description="Below this power.")
    min_current_a: Decimal | None = field(description="At this current and above, in ampere.")
    max_current_a: Decimal | None = field(description="Below this current, in ampere.")
    min_duration_s: int | None = field(description="From this many seconds after the start.")
    max_duration_s: int | None = field(description="Until this many seconds after the start.")
    reservation: ReservationUse | None = field(description="For reservations only; null for charges.")


@strawberry.type(description="Prices that apply together; the first element that fits and has a dimension prices it.")
class TariffElement:
    text: str = field(description="The element in words.")
    components: list[PriceComponent] = field(description="Its prices.")
    restrictions: TariffRestrictions | None = field(description="When they apply; null means always.")


@strawberry.type(description="A lowest or highest price of a whole session.")
class PriceLimit:
    net: Decimal | None = field(description="Without tax, in major units.")
    gross: Decimal | None = field(description="With tax, in major units.")


@strawberry.type(description="What charging costs at a connector, as this brand's drivers pay it.")
class Tariff(Node):
    currency: CurrencyCode = field(description="The currency of all its prices.")
    summary: str = field(description="The tariff in one or a few sentences.")
    elements: list[TariffElement] = field(description="Its prices, in the order in which they are tried.")
    tax_included: TaxMode = field(description="Whether its prices contain tax.")
    min_price: PriceLimit | None = field(description="The lowest price of a session; null when there is none.")
    max_price: PriceLimit | None = field(description="The highest price of a session; null when there is none.")
    session_fee: Price | None = field(description="What the brand asks for each session, without tax.")
    valid_from: datetime | None = field(description="When it begins to apply; null means it always did.")
    valid_until: datetime | None = field(description="When it ends; null means it is open.")
    missing_reason: MissingPriceReason | None = field(description="Why no price can be told by it; null when one can.")


def tariff_of(row: TariffRow, asker: Asker, country: str) -> Tariff:
    """The operator's tariff as the asker's brand sells it at a place in `country`."""
    wholesale = msgspec.convert(row.document, tariff.Tariff)
    retail = retail_tariff(wholesale, Terms(policy=policy_of(asker.brand)), Place(country=country))
    sold = retail.tariff
    return Tariff(
        id=ids.encode("Tariff", row.id, country),
        currency=CurrencyCode(sold.currency),
        summary=explain.summary(retail, asker.language),
        elements=[_element(element, sold, asker.language) for element in sold.elements],
        tax_included=TaxMode(sold.tax_included.value),
        min_price=_limit(sold.min_price),
        max_price=_limit(sold.max_price),
        session_fee=_fee(retail),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        missing_reason=MissingPriceReason.NOT_COMPUTABLE if sold.not_computable else None,
    )


def _element(element: tariff.Element, whole: tariff.Tariff, language: str) -> TariffElement:
    alone = replace(whole, elements=(element,), min_price=None, max_price=None)
    return TariffElement(
        text=explain.summary(alone, language),
        components=[_component(component, whole.currency) for component in element.components],
        restrictions=_restrictions(element.restrictions) if element.restrictions else None,
    )


def _component(component: tariff.Component, currency: str) -> PriceComponent:
    return PriceComponent(
        dimension=PriceDimension(component.dimension.value),
        price=price(component.price, currency, PER[component.dimension]),
        vat_percent=component.vat_percent,
        step_size=component.step_size,
    )


def _restrictions(given: tariff.Restrictions) -> TariffRestrictions:
    return TariffRestrictions(
        start_time=given.start_time,
        end_time=given.end_time,
        start_date=given.start_date,
        end_date=given.end_date,
        days_of_week=[Weekday(day.value) for day in given.days_of_week],
        min_energy_wh=given.min_energy_wh,
        max_energy_wh=given.max_energy_wh,
        min_power_w=given.min_power_w,
        max_power_w=given.max_power_w,
        min_current_a=given.min_current_a,
        max_current_a=given.max_current_a,
        min_duration_s=given.min_duration_s,
        max_duration_s=given.max_duration_s,
        reservation=ReservationUse(given.reservation.value) if given.reservation else None,
    )


def _limit(given: tariff.PriceLimit | None) -> PriceLimit | None:
    return PriceLimit(net=_plain(given.net), gross=_plain(given.gross)) if given else None


def _plain(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else plain(amount)


def _fee(retail: RetailTariff) -> Price | None:
    fee = retail.session_fee
    return price(fee.net, retail.tariff.currency, PriceUnit.SESSION) if fee else None
