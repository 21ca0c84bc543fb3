"""The tariffs of the made-up operators: a few shapes, in each country's currency and VAT."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Element = dict[str, Any]
WEEKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]
SHAPES = (
    "energy",
    "energy-flat",
    "day-night",
    "weekend",
    "parking",
    "minutes",
    "free",
    "night-flat",
    "dc",
    "dc-roam",
)
AC_SHAPES = ("energy", "energy-flat", "day-night", "weekend", "parking", "minutes", "free", "night-flat")
DC_SHAPES = ("dc", "dc-roam")


@dataclass(frozen=True, slots=True)
class Money:
    """A country's currency, what one EUR of a price list is in it, and its VAT percentage."""

    currency: str
    rate: Decimal
    vat: Decimal

    def part(self, kind: str, euro: str, step_size: int = 1) -> dict[str, Any]:
        """A price component at a price given in EUR."""
        price = (Decimal(euro) * self.rate).quantize(Decimal("0.001")).normalize()
        return {"type": kind, "price": Decimal(f"{price:f}"), "vat": self.vat, "step_size": step_size}


def element(*parts: dict[str, Any], **restrictions: Any) -> Element:
    """A tariff element."""
    body: Element = {"price_components": list(parts)}
    return {**body, "restrictions": restrictions} if restrictions else body


def elements_of(shape: str, money: Money) -> list[Element]:
    """The elements of one of the SHAPES."""
    part = money.part
    match shape:
        case "energy":
            return [element(part("ENERGY", "0.45"))]
        case "energy-flat":
            return [element(part("ENERGY", "0.39"), part("FLAT", "0.50"))]
        case "day-night":
            return [
                element(part("ENERGY", "0.29"), start_time="22:00", end_time="06:00"),
                element(part("ENERGY", "0.47")),
            ]
        case "weekend":
            return [element(part("ENERGY", "0.49"), day_of_week=WEEKDAYS), element(part("ENERGY", "0.35"))]
        case "parking":
            return [
                element(part("ENERGY", "0.42")),
                element(part("PARKING_TIME", "3.00", 60), start_time="08:00", end_time="22:00"),
            ]
        case "minutes":
            return [element(part("TIME", "3.60", 60), part("PARKING_TIME", "3.60", 60))]
        case "free":
            return [element(part("FLAT", "0.00"))]
        case "night-flat":
            return [
                element(part("FLAT", "4.50"), start_time="20:00", end_time="08:00"),
                element(part("ENERGY", "0.48"), start_time="08:00", end_time="20:00"),
            ]
        case "dc":
            return [element(part("ENERGY", "0.69"))]
        case _:
            return [
                element(part("ENERGY", "0.59"), part("FLAT", "0.35")),
                element(part("TIME", "6.00", 60), min_duration=3600),
                element(part("PARKING_TIME", "6.00", 60)),
            ]


def tariffs_of(country_code: str, party_id: str, money: Money, last_updated: str) -> Iterator[dict[str, Any]]:
    """One published tariff a shape."""
    for shape in SHAPES:
        yield {
            "country_code": country_code,
            "party_id": party_id,
            "id": f"{party_id}-{shape}".upper(),
            "currency": money.currency,
            "type": "REGULAR",
            "elements": elements_of(shape, money),
            "last_updated": last_updated,
        }
