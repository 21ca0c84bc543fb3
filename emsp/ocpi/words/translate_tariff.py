"""A Tariff in OCPI's words becomes one that our engine prices, or one that says why it cannot be priced."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import msgspec

from emsp.errors import Invalid
from emsp.ocpi.wire import is_amount, utc
from emsp.ocpi.words import messages
from emsp.ocpi.words.translate_location import owner_of
from emsp.pricing.engine.tariff import (
    Component,
    Day,
    Dimension,
    Element,
    PriceLimit,
    ReservationUse,
    Restrictions,
    Tariff,
    TaxIncluded,
)
from emsp.pricing.facts import TariffFacts

MIDNIGHT_AS_24 = "24:00"
MOST_WHOLE = 2**31 - 1
TAX_INCLUDED = {
    "YES": TaxIncluded.YES,
    "NO": TaxIncluded.NO,
    "N/A": TaxIncluded.NOT_APPLICABLE,
    "": TaxIncluded.NO,
}
BOOKING = "booking"
"""The restriction of elements that price bookings, and never a charge (Bookings: TariffRestrictions)."""


class _NotUnderstood(ValueError):
    """Something that decides the price and that we do not know."""


def tariff_facts(tariff: messages.Tariff) -> TariffFacts:
    """The tariff with its owner and its alternative texts. Raises Invalid when it has no owner or time."""
    country_code, party_id = owner_of(tariff)
    if tariff.last_updated is None:
        raise Invalid("required", "last_updated")
    return TariffFacts(
        country_code=country_code,
        party_id=party_id,
        external_id=tariff.id,
        tariff=tariff_of(tariff),
        alt_text={text.language.lower(): text.text for text in tariff.tariff_alt_text or []},
        updated_at=utc(tariff.last_updated),
    )


def tariff_of(tariff: messages.Tariff) -> Tariff:
    """The tariff for the engine; `not_computable` names the first thing in it that is not understood."""
    ours = Tariff(
        currency=_currency(tariff.currency),
        elements=(),
        min_price=_limit(tariff.min_price),
        max_price=_limit(tariff.max_price),
        kind=tariff.type.upper() if tariff.type else None,
        valid_from=_moment(tariff.start_date_time),
        valid_until=_moment(tariff.end_date_time),
    )
    try:
        tax_included = _tax_included(tariff.tax_included or "")
        elements = tuple(
            _element(element) for element in tariff.elements if not (element.restrictions or {}).get(BOOKING)
        )
    except _NotUnderstood as reason:
        return msgspec.structs.replace(ours, not_computable=str(reason))
    return msgspec.structs.replace(ours, elements=elements, tax_included=tax_included)


def _tax_included(stated: str) -> TaxIncluded:
    """Partners leave it out where prices are without tax, also in examples of the specification."""
    if (found := TAX_INCLUDED.get(stated.strip().upper())) is None:
        raise _NotUnderstood(f"tax_included {stated!r} is not known")
    return found


def _currency(code: str) -> str:
    currency = code.strip().upper()
    if len(currency) != 3 or not currency.isalpha():
        raise Invalid(f"{code!r} is not a currency code", "currency")
    return currency


def _moment(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value)


def _limit(limit: messages.PriceLimit | None) -> PriceLimit | None:
    return None if limit is None else PriceLimit(net=limit.before_taxes, gross=limit.after_taxes)


def _element(element: messages.TariffElement) -> Element:
    return Element(
        components=tuple(_component(component) for component in element.price_components),
        restrictions=_restrictions(element.restrictions or {}),
    )


def _component(component: messages.PriceComponent) -> Component:
    kind = component.type.strip().upper()
    if kind not in Dimension.__members__:
        raise _NotUnderstood(f"the price component type {component.type!r} is not known")
    if not component.price.is_finite():
        raise _NotUnderstood("a price is not a number")
    if component.step_size > MOST_WHOLE:
        raise _NotUnderstood(f"the step size {component.step_size} is not understood")
    return Component(
        dimension=Dimension(kind),
        price=component.price,
        vat_percent=component.vat,
        step_size=max(component.step_size, 0),
    )


def _restrictions(stated: dict[str, Any]) -> Restrictions | None:
    """The restrictions that are set; null and an empty list are as good as absent."""
    known: dict[str, Any] = {}
    for name, value in stated.items():
        if value is None or value in ([], ""):
            continue
        if name not in READERS:
            raise _NotUnderstood(f"the restriction {name!r} is not known")
        ours, read = READERS[name]
        try:
            known[ours] = read(value)
        except (ValueError, TypeError, AttributeError, KeyError, ArithmeticError) as error:
            raise _NotUnderstood(f"the restriction {name} {value!r} is not understood") from error
    return Restrictions(**known) if known else None


def _time(value: str) -> time:
    return time(0) if value.startswith(MIDNIGHT_AS_24) else time.fromisoformat(value.strip().zfill(5))


def _date(value: str) -> date:
    return date.fromisoformat(value.strip()[:10])


def _number(value: Any) -> Decimal:
    number = Decimal(value)
    if not is_amount(number):
        raise ValueError(value)
    return number


def _seconds(value: Any) -> int:
    seconds = int(_number(value))
    if seconds > MOST_WHOLE:
        raise ValueError(value)
    return seconds


def _thousandfold(value: Any) -> Decimal:
    return _number(value) * 1000


def _days(value: Any) -> tuple[Day, ...]:
    return tuple(Day[day.strip().upper()] for day in (value if isinstance(value, list) else [value]))


def _reservation(value: str) -> ReservationUse:
    return ReservationUse[value.strip().upper()]


READERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "start_time": ("start_time", _time),
    "end_time": ("end_time", _time),
    "start_date": ("start_date", _date),
    "end_date": ("end_date", _date),
    "day_of_week": ("days_of_week", _days),
    "min_kwh": ("min_energy_wh", _thousandfold),
    "max_kwh": ("max_energy_wh", _thousandfold),
    "min_current": ("min_current_a", _number),
    "max_current": ("max_current_a", _number),
    "min_power": ("min_power_w", _thousandfold),
    "max_power": ("max_power_w", _thousandfold),
    "min_duration": ("min_duration_s", _seconds),
    "max_duration": ("max_duration_s", _seconds),
    "reservation": ("reservation", _reservation),
}
"""OCPI's name of each restriction, ours, and how its value is read (kWh and kW become Wh and W)."""
