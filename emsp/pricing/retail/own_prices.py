"""A brand's own price table: simple prices that are sold instead of the operator's, by where one charges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from msgspec import Struct

from emsp.pricing.engine.tariff import Component, Dimension, Element, Restrictions, Tariff, TaxIncluded
from emsp.pricing.retail.countries import alpha_2

MINUTES_PER_HOUR = 60
SECONDS_PER_MINUTE = 60


class Place(Struct, frozen=True, omit_defaults=True):
    """Where something is sold: country (alpha-2 or alpha-3), the operator's party (NL-ABC), what it delivers."""

    country: str
    party: str = ""
    power_w: Decimal | None = None
    direct_current: bool | None = None


class OwnPrice(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """One entry: where it holds (whatever is not said holds everywhere), and what it costs there.

    A power class is from `min_power_w` to below `max_power_w`. A place that does not tell what an entry asks about
    is not fitted by it. All prices are with or without tax, as `tax_included` says.
    """

    countries: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    """Operators by country code and party id, such as NL-ABC."""
    min_power_w: Decimal | None = None
    max_power_w: Decimal | None = None
    direct_current: bool | None = None

    currency: str
    tax_included: bool
    vat_percent: Decimal | None = None
    """None: the rate of the country of charging."""
    per_kwh: Decimal | None = None
    per_charging_minute: Decimal | None = None
    per_parking_minute: Decimal | None = None
    parking_from_min: int = 0
    """Parking costs nothing until so many minutes after the start of the session."""
    per_session: Decimal | None = None


def own_price_at(table: Iterable[OwnPrice], place: Place) -> OwnPrice | None:
    """The first entry that fits the place."""
    return next((entry for entry in table if _fits(entry, place)), None)


def tariff_of(entry: OwnPrice, vat_of_place: Decimal | None) -> Tariff:
    """An entry as a tariff."""
    vat = vat_of_place if entry.vat_percent is None else entry.vat_percent
    return Tariff(
        currency=entry.currency,
        elements=tuple(_elements(entry, vat)),
        tax_included=TaxIncluded.YES if entry.tax_included else TaxIncluded.NO,
    )


def _fits(entry: OwnPrice, place: Place) -> bool:
    return (
        (not entry.countries or alpha_2(place.country) in map(alpha_2, entry.countries))
        and (not entry.parties or place.party.upper() in (party.upper() for party in entry.parties))
        and (entry.direct_current is None or entry.direct_current == place.direct_current)
        and _in_power_class(entry, place.power_w)
    )


def _in_power_class(entry: OwnPrice, power_w: Decimal | None) -> bool:
    if entry.min_power_w is None and entry.max_power_w is None:
        return True
    if power_w is None:
        return False
    return (entry.min_power_w or 0) <= power_w and (entry.max_power_w is None or power_w < entry.max_power_w)


def _elements(entry: OwnPrice, vat: Decimal | None) -> Iterator[Element]:
    always = {
        Dimension.FLAT: entry.per_session,
        Dimension.ENERGY: entry.per_kwh,
        Dimension.TIME: _per_hour(entry.per_charging_minute),
    }
    components = tuple(Component(of, amount, vat) for of, amount in always.items() if amount is not None)
    if components:
        yield Element(components)
    parking = _per_hour(entry.per_parking_minute)
    if parking is not None:
        after = Restrictions(min_duration_s=entry.parking_from_min * SECONDS_PER_MINUTE)
        component = Component(Dimension.PARKING_TIME, parking, vat)
        yield Element((component,), after if entry.parking_from_min else None)


def _per_hour(per_minute: Decimal | None) -> Decimal | None:
    return None if per_minute is None else per_minute * MINUTES_PER_HOUR
