"""What a charge costs by an OCPI 2.2.1 tariff, worked out on its own and simply: this CPO's view, not the product's.

Each dimension is priced by the first element whose restrictions hold and that has a component of it (Tariffs
module, Tariff Element); step sizes round once per charge (CDRs module, step_size). Components without `vat` add
no tax; when none states any, the total including VAT is unknown.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
Active = dict[str, int]


class Period(msgspec.Struct, kw_only=True):
    """A stretch of a charge with the same active components: seconds from the start, whole Wh."""

    start_s: int
    end_s: int
    energy_wh: int
    charging: bool
    active: Active

    @property
    def duration_s(self) -> int:
        """Its length."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Moment:
    """What restrictions can look at: local time, energy so far, seconds since the start, present power."""

    local: datetime
    energy_wh: int
    elapsed_s: int
    power_w: int


@dataclass(frozen=True, slots=True)
class Amount:
    """One priced amount in the tariff's currency, before VAT, and the VAT percentage if stated."""

    dimension: str
    excl_vat: Decimal
    vat: Decimal | None


class Tariff:
    """A tariff made ready to say which element prices which dimension at a moment."""

    def __init__(self, published: dict[str, Any], time_zone: str) -> None:
        self.published = published
        self.zone = ZoneInfo(time_zone)
        elements = published.get("elements") or []
        self.restrictions = [element.get("restrictions") or {} for element in elements]
        self.components = [
            {str(part["type"]).upper(): part for part in element.get("price_components") or []} for element in elements
        ]
        self._energy_wh = self._limits("kwh", 1000)
        self._power_w = self._limits("power", 1000)
        self._duration_s = self._limits("duration", 1)

    def _limits(self, name: str, scale: int) -> list[Decimal]:
        stated = [r.get(f"{side}_{name}") for r in self.restrictions for side in ("min", "max")]
        return sorted({Decimal(value) * scale for value in stated if value is not None})

    def situation(self, minute: int, energy_wh: int, elapsed_s: int, power_w: int) -> tuple[int, int, int, int]:
        """A key that stays equal for as long as no restriction can have changed its mind."""
        return (
            minute,
            bisect_right(self._energy_wh, energy_wh),
            bisect_right(self._duration_s, elapsed_s),
            bisect_right(self._power_w, power_w),
        )

    def active_at(self, moment: Moment) -> Active:
        """For each dimension that costs something now, the index of the element that prices it."""
        active: Active = {}
        for index, (restrictions, components) in enumerate(zip(self.restrictions, self.components, strict=True)):
            new = [dimension for dimension in components if dimension not in active]
            if new and applies(restrictions, moment):
                active.update(dict.fromkeys(new, index))
        return active

    def component(self, period: Period, dimension: str) -> dict[str, Any] | None:
        """The price component of a dimension in a period, None when it is free of charge."""
        index = period.active.get(dimension)
        return None if index is None else self.components[index][dimension]


def applies(restrictions: dict[str, Any], moment: Moment) -> bool:
    """Whether all restrictions of an element hold; those of reservations never do during a charge."""
    return (
        not restrictions.get("reservation")
        and _within_clock(restrictions, moment.local)
        and _within_dates(restrictions, moment.local)
        and _on_day(restrictions, moment.local)
        and _between(restrictions, "kwh", Decimal(moment.energy_wh) / 1000)
        and _between(restrictions, "power", Decimal(moment.power_w) / 1000)
        and _between(restrictions, "duration", Decimal(moment.elapsed_s))
    )


def _within_clock(restrictions: dict[str, Any], local: datetime) -> bool:
    start = restrictions.get("start_time") or "00:00"
    end = restrictions.get("end_time") or "24:00"
    end = "24:00" if end in ("00:00", "23:59") else end
    clock = f"{local:%H:%M}"
    return start <= clock < end if start < end else clock >= start or clock < end


def _within_dates(restrictions: dict[str, Any], local: datetime) -> bool:
    start, end = restrictions.get("start_date"), restrictions.get("end_date")
    today = f"{local:%Y-%m-%d}"
    return not (start and today < start) and not (end and today >= end)


def _on_day(restrictions: dict[str, Any], local: datetime) -> bool:
    days = restrictions.get("day_of_week")
    return not days or DAYS[local.weekday()] in {day.upper() for day in days}


def _between(restrictions: dict[str, Any], name: str, value: Decimal) -> bool:
    low, high = restrictions.get(f"min_{name}"), restrictions.get(f"max_{name}")
    return (low is None or value >= low) and (high is None or value < high)


def amounts_of(tariff: Tariff, periods: list[Period]) -> list[Amount]:
    """Every priced amount of a charge, unrounded, with what step sizes add."""
    return [*_energy(tariff, periods), *_time(tariff, periods), *_flat(tariff, periods)]


def _energy(tariff: Tariff, periods: list[Period]) -> Iterator[Amount]:
    last = None
    for period in periods:
        if component := tariff.component(period, "ENERGY"):
            last = component
            yield _amount(component, Decimal(period.energy_wh) / 1000)
    if last:
        yield _amount(last, Decimal(_missing(sum(p.energy_wh for p in periods), last)) / 1000)


def _time(tariff: Tariff, periods: list[Period]) -> Iterator[Amount]:
    last = None
    for period in periods:
        dimension = "TIME" if period.charging else "PARKING_TIME"
        if component := tariff.component(period, dimension):
            last = (component, period.charging)
            yield _amount(component, Decimal(period.duration_s) / 3600)
    if last:
        component, charging = last
        total_s = sum(p.duration_s for p in periods if p.charging is charging)
        yield _amount(component, Decimal(_missing(total_s, component)) / 3600)


def _flat(tariff: Tariff, periods: list[Period]) -> Iterator[Amount]:
    first = next((found for period in periods if (found := tariff.component(period, "FLAT"))), None)
    if first:
        yield _amount(first, Decimal(1))


def _missing(total: int, component: dict[str, Any]) -> int:
    """What lacks to a whole number of steps."""
    step = int(component.get("step_size") or 1)
    return -total % step


def _amount(component: dict[str, Any], quantity: Decimal) -> Amount:
    vat = component.get("vat")
    return Amount(
        str(component["type"]).upper(),
        Decimal(component["price"]) * quantity,
        None if vat is None else Decimal(vat),
    )


def price_of(amounts: Iterable[Amount]) -> dict[str, Decimal]:
    """An OCPI Price of four decimals; without `incl_vat` when no amount states its VAT."""
    listed = list(amounts)
    excl = sum((amount.excl_vat for amount in listed), Decimal(0))
    incl = sum((amount.excl_vat * (100 + (amount.vat or 0)) / 100 for amount in listed), Decimal(0))
    known = not listed or any(amount.vat is not None for amount in listed)
    return {"excl_vat": _four(excl), "incl_vat": _four(incl)} if known else {"excl_vat": _four(excl)}


def total_of(tariff: Tariff, periods: list[Period]) -> dict[str, Decimal]:
    """The whole price of a charge, within the tariff's min_price and max_price (each before and after VAT)."""
    total = price_of(amounts_of(tariff, periods))
    least, most = tariff.published.get("min_price") or {}, tariff.published.get("max_price") or {}
    return {side: _limited(value, least.get(side), most.get(side)) for side, value in total.items()}


def _limited(value: Decimal, least: Any, most: Any) -> Decimal:
    value = value if least is None else max(value, Decimal(least))
    return value if most is None else min(value, Decimal(most))


def _four(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)
