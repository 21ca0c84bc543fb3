"""A tariff as the engine understands it, whatever protocol it came by.

Decimals are strings in JSON, so that no amount ever passes through a float. A tariff that holds something the
engine does not know carries the reason in `not_computable`: it has no price, which is not the price zero.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct


class NotComputable(ValueError):
    """This tariff cannot be priced; the message says why."""


class Dimension(StrEnum):
    """What a price component counts."""

    ENERGY = "ENERGY"
    """Energy delivered, priced per kWh, stepped in Wh."""
    TIME = "TIME"
    """Time spent charging, priced per hour, stepped in seconds."""
    PARKING_TIME = "PARKING_TIME"
    """Time connected without charging, priced per hour, stepped in seconds."""
    FLAT = "FLAT"
    """Once for the session."""


class TaxIncluded(StrEnum):
    """Whether the component prices contain tax."""

    NO = "NO"
    YES = "YES"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    """No tax is due at all: net and gross are the same."""


class Day(StrEnum):
    """Days of the week in the order of `date.weekday()`."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


class ReservationUse(StrEnum):
    """Elements marked with this price a reservation and never a charge."""

    RESERVATION = "RESERVATION"
    """From the making of the reservation until charging starts or the reservation ends."""
    RESERVATION_EXPIRES = "RESERVATION_EXPIRES"
    """A reservation that ended without a charge."""


class Component(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One price: per kWh, per hour or per session. `vat_percent` None is "not stated", which is not 0."""

    dimension: Dimension
    price: Decimal
    vat_percent: Decimal | None = None
    step_size: int = 1
    """Wh or seconds; 0 and 1 both occur for FLAT, where it means nothing."""


class Restrictions(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """When an element applies: everything that is set must hold. Minima are inclusive, maxima exclusive.

    Times, dates and days are local to the place of charging; energy and duration count from the start of the
    session (a reservation has its own clock); power and current are those of the moment, the current summed
    over all phases.
    """

    start_time: time | None = None
    end_time: time | None = None
    start_date: date | None = None
    end_date: date | None = None
    days_of_week: tuple[Day, ...] = ()
    min_energy_wh: Decimal | None = None
    max_energy_wh: Decimal | None = None
    min_current_a: Decimal | None = None
    max_current_a: Decimal | None = None
    min_power_w: Decimal | None = None
    max_power_w: Decimal | None = None
    min_duration_s: int | None = None
    max_duration_s: int | None = None
    reservation: ReservationUse | None = None


class Element(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Components that apply together under the same restrictions (None: always)."""

    components: tuple[Component, ...]
    restrictions: Restrictions | None = None


class PriceLimit(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A floor or a ceiling of the session, or of its part at this tariff, before and after tax, each for its total."""

    net: Decimal | None = None
    gross: Decimal | None = None


class Tariff(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Elements in the order in which they are tried, per dimension, at every moment of a session.

    The validity is for whoever chooses the tariff of a session; pricing does not ask for it.
    """

    currency: str
    elements: tuple[Element, ...]
    tax_included: TaxIncluded = TaxIncluded.NO
    min_price: PriceLimit | None = None
    max_price: PriceLimit | None = None
    kind: str | None = None
    """What the partner calls its type (REGULAR, AD_HOC_PAYMENT, PROFILE_FAST …); None: good for all."""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    not_computable: str | None = None
    external_id: str | None = None
    """The partner's id of it, where several come together (`Period.tariff_id` says which applies)."""


def net_and_gross(
    amount: Decimal, vat_percent: Decimal | None, tax_included: TaxIncluded
) -> tuple[Decimal | None, Decimal | None]:
    """Both sides of an amount; the side that an unstated VAT leaves open is None. Nothing bears no tax."""
    if tax_included is TaxIncluded.NOT_APPLICABLE or not amount:
        return amount, amount
    if tax_included is TaxIncluded.YES:
        return None if vat_percent is None else amount * 100 / (100 + vat_percent), amount
    return amount, None if vat_percent is None else amount * (100 + vat_percent) / 100
