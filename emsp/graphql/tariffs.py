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
from emsp.graphql.viewer import Info
from emsp.graphql.ways import terms_of_asker, way_at
from emsp.graphql.words import Weekday
from emsp.pricing.catalog import Missing
from emsp.pricing.engine import tariff
from emsp.pricing.engine.report import LineKind, plain
from emsp.pricing.quotes.missing import NoPrice, usable_tariff
from emsp.pricing.retail.prices import (
    Conversion,
    RetailTariff,
    SessionFee,
    UsageFee,
    own_tariff,
    retail_tariff,
)
from emsp.pricing.retail.sale import place_of
from emsp.pricing.tables import TariffRow
from emsp.pricing.words import explain

PER = {
    tariff.Dimension.ENERGY: PriceUnit.KWH,
    tariff.Dimension.TIME: PriceUnit.HOUR,
    tariff.Dimension.PARKING_TIME: PriceUnit.HOUR,
    tariff.Dimension.FLAT: PriceUnit.SESSION,
}
FEES = {
    LineKind.ENERGY_FEE: tariff.Dimension.ENERGY,
    LineKind.TIME_FEE: tariff.Dimension.TIME,
    LineKind.PARKING_FEE: tariff.Dimension.PARKING_TIME,
}


@strawberry.enum(description="Why no price can be told. It is not known, which is not the same as free.")
class MissingPriceReason(Enum):
    NO_TARIFF_PUBLISHED = value("NO_TARIFF_PUBLISHED", "The operator names no tariff here for who charges by app.")
    TARIFF_UNKNOWN = value("TARIFF_UNKNOWN", "The operator names a tariff but has not published it.")
    TARIFF_EXPIRED = value("TARIFF_EXPIRED", "The operator's tariff is no longer valid.")
    NOT_YET_VALID = value("NOT_YET_VALID", "The operator's tariff becomes valid later.")
    NOT_COMPUTABLE = value("NOT_COMPUTABLE", "The tariff holds something that cannot be computed.")
    NO_PRICE_AT_THIS_TIME = value("NO_PRICE_AT_THIS_TIME", "The tariff has no price for energy at the time asked for.")
    TIME_ZONE_UNKNOWN = value("TIME_ZONE_UNKNOWN", "Prices go by the clock of a place whose time zone is not known.")
    CURRENCY_UNKNOWN = value("CURRENCY_UNKNOWN", "The tariff is in a currency that is not known.")


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


@strawberry.type(description="What the brand asks beside the prices of a tariff, without tax.")
class BrandFee:
    dimension: PriceDimension = field(description="What it is counted by.")
    price: Price = field(description="The fee for one unit.")
    vat_percent: Decimal | None = field(description="The VAT rate in percent; null when it is not known.")


@strawberry.type(description="The exchange rate by which prices were converted; what was quoted keeps to it.")
class ConversionRate:
    currency: CurrencyCode = field(description="The currency of the operator's prices.")
    rate: Decimal = field(description="Units of the tariff's currency for one unit of the operator's.")
    as_of: date = field(description="The day that the rate is of.")
    source: str = field(description="Who published it.")


@strawberry.type(description="What charging costs at a connector, as this driver pays it.")
class Tariff(Node):
    currency: CurrencyCode = field(description="The currency of all its prices.")
    summary: str = field(description="The tariff in one or a few sentences.")
    elements: list[TariffElement] = field(description="Its prices, in the order in which they are tried.")
    tax_included: TaxMode = field(description="Whether its prices contain tax.")
    min_price: PriceLimit | None = field(description="The lowest price of a session; null when there is none.")
    max_price: PriceLimit | None = field(description="The highest price of a session; null when there is none.")
    session_fee: Price | None = field(description="What the brand asks for each session, without tax.")
    fees: list[BrandFee] = field(description="All that the brand asks beside these prices, by session, kWh and hour.")
    own_price: bool = field(description="Whether it is the brand's own price, whatever the operator asks.")
    converted: ConversionRate | None = field(
        description="How prices came into this currency; null when they were in it."
    )
    plan: str | None = field(description="What the driver's plan takes off, in a sentence; null without a plan.")
    valid_from: datetime | None = field(description="When it begins to apply; null means it always did.")
    valid_until: datetime | None = field(description="When it ends; null means it is open.")
    missing_reason: MissingPriceReason | None = field(description="Why no price can be told by it; null when one can.")


async def tariff_at(info: Info, connector_id: int) -> Tariff | None:
    """What charging costs the asker at a connector now; None when that is not known, or nothing is shown there."""
    loaders, asker, way = info.context.loaders, info.context.asker, await way_at(info, connector_id)
    where = await loaders.places.load(way)
    if where is None or where.connector.removed or where.evse.removed or not where.station.shown:
        return None
    found = await loaders.tariffs_of_connectors.load(way)
    terms, place = await terms_of_asker(info), place_of(where.connector, where.station)
    if isinstance(found, TariffRow):
        retail = retail_tariff(msgspec.convert(found.document, tariff.Tariff), terms, place)
        shown = _shown(retail, connector_id, asker.language)
        return shown if retail.own_price else _as_published(shown, found)
    own = own_tariff(terms, place)
    return None if own is None else _shown(own, connector_id, asker.language)


async def price_missing_at(info: Info, connector_id: int) -> MissingPriceReason | None:
    """Why the price at a connector is not known; None when it is."""
    loaders, way = info.context.loaders, await way_at(info, connector_id)
    found = await loaders.tariffs_of_connectors.load(way)
    where = await loaders.places.load(way)
    if not isinstance(found, Missing) or where is None:
        return None
    own = own_tariff(await terms_of_asker(info), place_of(where.connector, where.station))
    return None if own else MissingPriceReason(found.value)


def _as_published(shown: Tariff, row: TariffRow) -> Tariff:
    """With what is only true of an operator's tariff: from when to when it holds, and why it gives no price."""
    shown.valid_from, shown.valid_until = row.valid_from, row.valid_until
    try:
        usable_tariff(row.document)
    except NoPrice as missing:
        shown.missing_reason = MissingPriceReason(missing.reason)
    return shown


def _shown(retail: RetailTariff, connector_id: int, language: str) -> Tariff:
    sold = retail.tariff
    return Tariff(
        id=ids.encode("Tariff", connector_id),
        currency=CurrencyCode(sold.currency),
        summary=explain.summary(retail, language),
        elements=[_element(element, sold, language) for element in sold.elements],
        tax_included=TaxMode(sold.tax_included.value),
        min_price=_limit(sold.min_price),
        max_price=_limit(sold.max_price),
        session_fee=_fee(retail),
        fees=_fees(retail),
        own_price=retail.own_price,
        converted=_conversion(retail.conversion),
        plan=explain.plan_text(retail.plan, language, sold.currency) if retail.plan else None,
        valid_from=None,
        valid_until=None,
        missing_reason=None,
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


def _fees(retail: RetailTariff) -> list[BrandFee]:
    currency = retail.tariff.currency
    asked: list[tuple[tariff.Dimension, SessionFee | UsageFee]] = [
        *((tariff.Dimension.FLAT, fee) for fee in [retail.session_fee] if fee),
        *((FEES[fee.kind], fee) for fee in retail.usage_fees),
    ]
    return [
        BrandFee(
            dimension=PriceDimension(dimension.value),
            price=price(fee.net, currency, PER[dimension]),
            vat_percent=fee.vat_percent,
        )
        for dimension, fee in asked
    ]


def _conversion(given: Conversion | None) -> ConversionRate | None:
    if given is None:
        return None
    rate = plain(given.rate)
    return ConversionRate(currency=CurrencyCode(given.currency), rate=rate, as_of=given.as_of, source=given.source)
