"""The priced examples of the product, whose tariffs are in its own words, as a partner would have sent them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from emsp.pricing.engine.plan import CurvePoint, periods_of_plan
from emsp.pricing.engine.trace import Period
from tests.pricing.second.walk import Document

FILES = Path(__file__).parents[2] / "examples" / "tariffs"
UNDERSTOOD = {"description", "time_zone", "tariff", "expected", "periods", "plan", "specification"}
LONGEST = timedelta(days=20)
THOUSANDTH = Decimal("0.001")
NAMES: dict[str, tuple[str, Decimal | int]] = {
    "min_energy_wh": ("min_kwh", THOUSANDTH),
    "max_energy_wh": ("max_kwh", THOUSANDTH),
    "min_power_w": ("min_power", THOUSANDTH),
    "max_power_w": ("max_power", THOUSANDTH),
    "min_current_a": ("min_current", 1),
    "max_current_a": ("max_current", 1),
    "min_duration_s": ("min_duration", 1),
    "max_duration_s": ("max_duration", 1),
}


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """The examples that ask for nothing but one tariff that OCPI can express, the default policies and a short walk."""
    for file in sorted(FILES.glob("*.json")):
        case = json.loads(file.read_bytes())
        if not set(case) - UNDERSTOOD and _limited_before_tax(case["tariff"]) and not _is_long(periods_of(case)):
            yield file.stem, case


def _limited_before_tax(tariff: Document) -> bool:
    return all("net" in tariff[name] for name in ("min_price", "max_price") if name in tariff)


def _is_long(periods: list[Period]) -> bool:
    return periods[-1].end - periods[0].start > LONGEST


def tariff_of(tariff: Document) -> Document:
    """The tariff in OCPI's words."""
    limits: Document = {
        name: {"before_taxes": tariff[name].get("net"), "after_taxes": tariff[name].get("gross")}
        for name in ("min_price", "max_price")
        if name in tariff
    }
    tax_included = {"NOT_APPLICABLE": "N/A"}.get(tariff.get("tax_included", "NO"), tariff.get("tax_included", "NO"))
    elements = [_element(element) for element in tariff["elements"]]
    return {"currency": tariff["currency"], "tax_included": tax_included, "elements": elements, **limits}


def _element(element: Document) -> Document:
    components = [
        {
            "type": each["dimension"],
            "price": each["price"],
            "vat": each.get("vat_percent"),
            "step_size": each["step_size"],
        }
        for each in ({"step_size": 1} | component for component in element["components"])
    ]
    restrictions = dict(_restriction(name, value) for name, value in element.get("restrictions", {}).items())
    return {"price_components": components, "restrictions": restrictions}


def _restriction(name: str, value: Any) -> tuple[str, Any]:
    if name in NAMES:
        theirs, factor = NAMES[name]
        return theirs, Decimal(str(value)) * factor
    if name in ("start_time", "end_time"):
        return name, value[:5]
    return {"days_of_week": "day_of_week"}.get(name, name), value


def cdr_of(periods: list[Period]) -> Document:
    """The periods in OCPI's words, in exact fractions of kWh and hours."""
    told = [{"start_date_time": each.start.isoformat(), "dimensions": _dimensions(each)} for each in periods]
    return {"charging_periods": told, "end_date_time": periods[-1].end.isoformat()}


def _dimensions(period: Period) -> list[Document]:
    time_s = period.charging_s or (period.end - period.start).total_seconds() * period.reserved
    volumes = {
        "ENERGY": Fraction(period.energy_wh) / 1000,
        "RESERVATION_TIME" if period.reserved else "TIME": Fraction(time_s) / 3600,
        "PARKING_TIME": Fraction(period.parking_s) / 3600,
    }
    told: list[Document] = [{"type": name, "volume": volume} for name, volume in volumes.items() if volume]
    if period.power_w is not None:
        told.append({"type": "MAX_POWER", "volume": Fraction(period.power_w) / 1000})
    if period.current_a is not None:
        told.append({"type": "MAX_CURRENT", "volume": Fraction(period.current_a)})
    return told


def periods_of(case: dict[str, Any]) -> list[Period]:
    """The periods of a case, or those of its plan."""
    if "plan" not in case:
        return msgspec.convert(case["periods"], list[Period])
    return list(periods_of_plan(**msgspec.structs.asdict(msgspec.convert(case["plan"], Plan))))


class Plan(msgspec.Struct):
    """What `periods_of_plan` takes."""

    start: datetime
    energy_wh: Decimal
    power_w: Decimal
    stay_until: datetime | None = None
    reserved_from: datetime | None = None
    curve: tuple[CurvePoint, ...] = ()
