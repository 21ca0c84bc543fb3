"""A charge that has not happened yet, as the periods it would have."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from emsp.pricing.report import ZERO
from emsp.pricing.trace import Period

SECONDS_PER_HOUR = 3600


def periods_of_plan(
    start: datetime,
    energy_wh: Decimal,
    power_w: Decimal,
    stay_until: datetime | None = None,
    reserved_from: datetime | None = None,
) -> tuple[Period, ...]:
    """Charging at constant power, to the full second, then parking until the stay ends.

    Without `stay_until` the driver leaves as the charge ends. Who leaves earlier gets the energy of that
    time, which is then less than asked for. `reserved_from` puts a reservation before the start.
    Raises ValueError unless power is positive, energy is not negative and the times are in order.
    """
    if power_w <= 0:
        raise ValueError("power_w must be more than 0")
    if energy_wh < 0:
        raise ValueError("energy_wh must not be negative")
    if (stay_until or start) < start or (reserved_from or start) > start:
        raise ValueError("reserved_from, start and stay_until must follow each other")
    charging_s = (energy_wh * SECONDS_PER_HOUR / power_w).to_integral_value(ROUND_CEILING)
    end = start + timedelta(seconds=int(charging_s))
    if stay_until is not None and stay_until < end:
        end, charging_s = stay_until, _seconds(start, stay_until)
        energy_wh = min(energy_wh, power_w * charging_s / SECONDS_PER_HOUR)
    charging = Period(start, end, energy_wh, charging_s, ZERO, power_w)
    return (*_reservation(reserved_from, start), charging, *_parking(end, stay_until))


def _reservation(reserved_from: datetime | None, start: datetime) -> tuple[Period, ...]:
    if reserved_from is None or reserved_from == start:
        return ()
    return (Period(reserved_from, start, reserved=True),)


def _parking(end: datetime, stay_until: datetime | None) -> tuple[Period, ...]:
    if stay_until is None or stay_until <= end:
        return ()
    return (Period(end, stay_until, parking_s=_seconds(end, stay_until), power_w=ZERO, current_a=ZERO),)


def _seconds(start: datetime, end: datetime) -> Decimal:
    return Decimal((end - start) // timedelta(microseconds=1)) / 1_000_000
