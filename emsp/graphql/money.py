"""Money, prices per unit, taxes and the lines of a bill, as the schema shows them."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
import strawberry
from strawberry import field

from emsp import money
from emsp.graphql.fields import value
from emsp.graphql.scalars import CurrencyCode
from emsp.pricing.engine.billed import BilledLine, BilledTax
from emsp.pricing.engine.report import LineKind, plain
from emsp.pricing.words import explain


@strawberry.type(description="An amount to pay, in the currency's own decimals.")
class Money:
    amount: Decimal = field(description="The amount in major units, such as 12.34 for twelve euros and 34 cents.")
    currency: CurrencyCode = field(description="The currency of the amount.")


@strawberry.enum(description="What a line of a bill is for.")
class PriceLineKind(Enum):
    ENERGY = value("ENERGY", "Energy delivered.")
    TIME = value("TIME", "Time spent charging.")
    PARKING_TIME = value("PARKING_TIME", "Time connected without charging.")
    FLAT = value("FLAT", "A fee for the session.")
    RESERVATION_TIME = value("RESERVATION_TIME", "Time that the charge point was kept for the driver.")
    RESERVATION_FLAT = value("RESERVATION_FLAT", "A fee for a reservation.")
    SESSION_FEE = value("SESSION_FEE", "What the brand asks for each session.")
    ENERGY_FEE = value("ENERGY_FEE", "What the brand asks for each kWh, beside the operator's price.")
    TIME_FEE = value("TIME_FEE", "What the brand asks for the time of charging.")
    PARKING_FEE = value("PARKING_FEE", "What the brand asks for the time of parking after charging.")
    PLAN_DISCOUNT = value("PLAN_DISCOUNT", "What the driver's plan takes off; the amount is negative.")
    MIN_PRICE = value("MIN_PRICE", "The difference up to the lowest price of a session.")
    MAX_PRICE = value("MAX_PRICE", "The difference down to the highest price of a session.")
    GOODWILL = value("GOODWILL", "The difference down to the first receipt: a later correction makes no charge dearer.")
    REFUND = value("REFUND", "What support gave back; the amount is negative, and the receipt says why.")


@strawberry.enum(description="The unit of a quantity.")
class QuantityUnit(Enum):
    WH = value("WH", "Watt-hours.")
    SECOND = value("SECOND", "Seconds.")
    ONCE = value("ONCE", "Counted once.")


@strawberry.enum(description="The unit that a price is for.")
class PriceUnit(Enum):
    KWH = value("KWH", "Per kilowatt-hour.")
    HOUR = value("HOUR", "Per hour.")
    SESSION = value("SESSION", "Per charging session or reservation.")


@strawberry.enum(description="How prices relate to tax.")
class TaxMode(Enum):
    YES = value("YES", "Tax is included.")
    NO = value("NO", "Tax comes on top.")
    NOT_APPLICABLE = value("NOT_APPLICABLE", "No tax is due.")


@strawberry.type(description="An amount of energy or time.")
class Quantity:
    amount: Decimal = field(description="How much.")
    unit: QuantityUnit = field(description="Of what.")


@strawberry.type(description="A price per unit, as a tariff states it, before any rounding.")
class Price:
    amount: Decimal = field(description="The price of one unit in major units; it may have more decimals than money.")
    currency: CurrencyCode = field(description="The currency of the price.")
    per: PriceUnit = field(description="The unit that it is the price of.")


@strawberry.type(description="What is taxed at one rate.")
class TaxLine:
    percent: Decimal | None = field(description="The tax rate in percent; null when it is not known.")
    net: Money = field(description="What is taxed, without the tax.")
    tax: Money = field(description="The tax on it.")


@strawberry.type(description="One line of a quote or a receipt: what for, how much, at which price.")
class PriceLine:
    kind: PriceLineKind = field(description="What the line is for.")
    text: str = field(description="The line in words, with why its price applied.")
    begins: datetime | None = field(name="from", description="When it began; null where time does not matter.")
    until: datetime | None = field(description="When it ended; null where time does not matter.")
    measured: Quantity | None = field(description="What was measured or is expected.")
    billed: Quantity | None = field(description="What is billed: as measured, or rounded up to the tariff's step.")
    unit_price: Price | None = field(description="The price of one unit, with or without tax as the tariff states it.")
    amount: Money = field(description="What the line adds to the total, with tax where it is known.")
    tax: Money | None = field(description="The tax in the amount; null when it is not known.")
    taken_back: bool = field(description="Whether a correction takes this line back: its amount is subtracted.")


UNITS = {
    LineKind.ENERGY: (QuantityUnit.WH, PriceUnit.KWH),
    LineKind.TIME: (QuantityUnit.SECOND, PriceUnit.HOUR),
    LineKind.PARKING_TIME: (QuantityUnit.SECOND, PriceUnit.HOUR),
    LineKind.RESERVATION_TIME: (QuantityUnit.SECOND, PriceUnit.HOUR),
    LineKind.FLAT: (QuantityUnit.ONCE, PriceUnit.SESSION),
    LineKind.RESERVATION_FLAT: (QuantityUnit.ONCE, PriceUnit.SESSION),
    LineKind.SESSION_FEE: (QuantityUnit.ONCE, PriceUnit.SESSION),
    LineKind.ENERGY_FEE: (QuantityUnit.WH, PriceUnit.KWH),
    LineKind.TIME_FEE: (QuantityUnit.SECOND, PriceUnit.HOUR),
    LineKind.PARKING_FEE: (QuantityUnit.SECOND, PriceUnit.HOUR),
}


def shown(amount: money.Money) -> Money:
    """An amount as the schema shows it."""
    return Money(amount=amount.amount, currency=CurrencyCode(amount.currency))


def of_minor(amount_minor: int | None, currency: str | None) -> Money | None:
    """Minor units as money; None when the amount is not known."""
    return None if amount_minor is None or currency is None else shown(money.Money(amount_minor, currency))


def price_lines(rows: list[dict[str, Any]], currency: str, time_zone: str, language: str) -> list[PriceLine]:
    """The lines of a bill as they are kept with a quote or a receipt."""
    billed = msgspec.convert(rows, list[BilledLine])
    return [_price_line(line, currency, time_zone, language) for line in billed]


def tax_lines(rows: list[dict[str, Any]], currency: str) -> list[TaxLine]:
    """The taxes of a bill as they are kept with a receipt."""
    return [
        tax_line(tax.percent, money.Money(tax.net_minor, currency), money.Money(tax.tax_minor, currency))
        for tax in msgspec.convert(rows, list[BilledTax])
    ]


def tax_line(percent: Decimal | None, net: money.Money, tax: money.Money) -> TaxLine:
    """What is taxed at `percent`."""
    return TaxLine(percent=percent, net=shown(net), tax=shown(tax))


def _price_line(row: BilledLine, currency: str, time_zone: str, language: str) -> PriceLine:
    line = row.line
    quantity_unit, price_unit = UNITS.get(line.kind, (None, None))
    return PriceLine(
        kind=PriceLineKind(line.kind.value),
        text=explain.line_text(line, language, currency=currency, time_zone=time_zone, taken_back=row.taken_back),
        begins=line.start,
        until=line.end,
        measured=Quantity(amount=plain(line.measured), unit=quantity_unit) if quantity_unit else None,
        billed=Quantity(amount=plain(line.billed), unit=quantity_unit) if quantity_unit else None,
        unit_price=price(line.unit_price, currency, price_unit) if price_unit else None,
        amount=shown(money.Money(row.amount_minor, currency)),
        tax=of_minor(row.tax_minor, currency),
        taken_back=row.taken_back,
    )


def price(amount: Decimal, currency: str, per: PriceUnit) -> Price:
    """A price per unit as the schema shows it."""
    return Price(amount=plain(amount), currency=CurrencyCode(currency), per=per)
