"""A period of a session, and what follows from it alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from emsp.pricing.engine.report import ZERO, LineKind

MICROSECOND = timedelta(microseconds=1)
SECONDS_PER_HOUR = 3600


class Period(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A stretch of a session: Wh, seconds charging and parking, power in W, current in A over all phases."""

    start: datetime
    end: datetime
    energy_wh: Decimal = ZERO
    charging_s: Decimal = ZERO
    parking_s: Decimal = ZERO
    power_w: Decimal | None = None
    current_a: Decimal | None = None
    reserved: bool = False
    """Before the charge: the station was kept for the driver, for `charging_s`, or from start to end if that is 0."""
    tariff_id: str | None = None
    """Which of several tariffs applies to it, by `Tariff.external_id`."""


def volumes_of(period: Period) -> list[tuple[LineKind, Decimal]]:
    """What there is of each kind that is measured."""
    volumes = (
        (LineKind.ENERGY, period.energy_wh),
        (LineKind.TIME, period.charging_s),
        (LineKind.PARKING_TIME, period.parking_s),
    )
    if period.reserved:
        reserved_s = period.charging_s or seconds_between(period.start, period.end)
        volumes = (volumes[0], (LineKind.RESERVATION_TIME, reserved_s), volumes[2])
    return [(kind, volume) for kind, volume in volumes if volume]


def seconds_between(start: datetime, end: datetime) -> Decimal:
    """To the microsecond."""
    return Decimal((end - start) // MICROSECOND) / 1_000_000


def average_power_w(period: Period) -> Decimal:
    """The energy of the period over its time of charging."""
    seconds = period.charging_s or seconds_between(period.start, period.end)
    return period.energy_wh * SECONDS_PER_HOUR / seconds if seconds else ZERO
