"""Our tariffs and periods in the words of OCPI 2.3.0, so that one example can be told both ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext
from typing import Any

import msgspec

from emsp.pricing.engine.tariff import Component, Element, PriceLimit, Restrictions, Tariff
from emsp.pricing.engine.trace import Period

NAMES = {
    "days_of_week": "day_of_week",
    "min_energy_wh": "min_kwh",
    "max_energy_wh": "max_kwh",
    "min_current_a": "min_current",
    "max_current_a": "max_current",
    "min_power_w": "min_power",
    "max_power_w": "max_power",
    "min_duration_s": "min_duration",
    "max_duration_s": "max_duration",
}
THOUSANDFOLD = ("min_energy_wh", "max_energy_wh", "min_power_w", "max_power_w")
TAX_INCLUDED = {"NOT_APPLICABLE": "N/A"}


def ocpi_tariff(tariff: Tariff) -> dict[str, Any]:
    """Tariffs: Tariff."""
    return {
        "id": tariff.external_id or "T1",
        "currency": tariff.currency,
        "type": tariff.kind,
        "tax_included": TAX_INCLUDED.get(tariff.tax_included, tariff.tax_included),
        "min_price": _limit(tariff.min_price),
        "max_price": _limit(tariff.max_price),
        "start_date_time": tariff.valid_from,
        "end_date_time": tariff.valid_until,
        "elements": [_element(element) for element in tariff.elements],
    }


def _limit(limit: PriceLimit | None) -> dict[str, Any] | None:
    return limit and {"before_taxes": limit.net, "after_taxes": limit.gross}


def _element(element: Element) -> dict[str, Any]:
    return {
        "price_components": [_component(component) for component in element.components],
        "restrictions": element.restrictions and _restrictions(element.restrictions),
    }


def _component(component: Component) -> dict[str, Any]:
    return {
        "type": component.dimension,
        "price": component.price,
        "vat": component.vat_percent,
        "step_size": component.step_size,
    }


def _restrictions(restrictions: Restrictions) -> dict[str, Any]:
    stated = msgspec.structs.asdict(restrictions)
    for name in ("start_time", "end_time"):
        stated[name] = stated[name] and f"{stated[name]:%H:%M}"
    for name in THOUSANDFOLD:
        stated[name] = None if stated[name] is None else stated[name] / 1000
    return {NAMES.get(name, name): value for name, value in stated.items()}


def ocpi_cdr(periods: Sequence[Period]) -> dict[str, Any]:
    """CDRs: CDR, with what a price needs; what lies between two periods is a period without volumes."""
    return {
        "start_date_time": periods[0].start,
        "end_date_time": max(period.end for period in periods),
        "charging_periods": list(_charging_periods(periods)),
        "total_energy": sum((period.energy_wh for period in periods), Decimal(0)) / 1000,
    }


def _charging_periods(periods: Sequence[Period]) -> Iterator[dict[str, Any]]:
    for period, following in zip(periods, [*periods[1:], None], strict=True):
        dimensions = [
            {"type": kind, "volume": volume} for kind, volume in _volumes(period).items() if volume is not None
        ]
        yield {"start_date_time": period.start, "tariff_id": period.tariff_id, "dimensions": dimensions}
        if following is not None and following.start > period.end:
            yield {"start_date_time": period.end, "dimensions": []}


def _volumes(period: Period) -> dict[str, Decimal | None]:
    with localcontext(prec=40):
        hours = (period.end - period.start).total_seconds() / 3600
        if period.reserved:
            return {"RESERVATION_TIME": period.charging_s / 3600 or Decimal(hours)}
        return {
            "ENERGY": period.energy_wh / 1000,
            "TIME": period.charging_s / 3600,
            "PARKING_TIME": period.parking_s / 3600,
            "MAX_POWER": None if period.power_w is None else period.power_w / 1000,
            "MAX_CURRENT": period.current_a,
        }
