"""What is planned of a charge: what a connector and a car make of what a driver wants."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from msgspec import Struct
from msgspec.structs import replace

from emsp.errors import Refused
from emsp.pricing.engine.plan import CurvePoint, periods_of_plan
from emsp.pricing.engine.report import Assumption, AssumptionCode, plain
from emsp.pricing.engine.tariff import Tariff
from emsp.pricing.engine.trace import Period
from emsp.pricing.retail.prices import Place

UNKNOWN_POWER_W = Decimal(11_000)
"""What is taken for a connector that does not tell its power."""
USUAL_CAR_W = Decimal(11_000)
"""What most cars take of alternating current."""
MOST_AC_W = Decimal(43_000)
"""No connector gives more alternating current than this (IEC 62196-2, 63 A on three phases)."""
USUAL_LEVEL_PERCENT = 20
LOST_PERCENT = {False: Decimal(10), True: Decimal(5)}
"""Of the metered energy, what does not arrive in the battery: the car turns alternating current into direct current
itself, which costs more than heat in battery and cable alone."""
CURVE_PERCENT = ((60, 100), (80, 50), (100, 20))
"""At which level of the battery a car still takes which part of its most direct current, falling evenly between."""
STEP_PERCENT = 5


class Car(Struct, frozen=True, omit_defaults=True):
    """What a battery holds and how fast it is charged; None for a car that does not take direct current."""

    battery_capacity_wh: Decimal
    max_ac_power_w: Decimal
    max_dc_power_w: Decimal | None = None


class Levels(Struct, frozen=True, omit_defaults=True):
    """From how full to how full a battery is charged."""

    from_percent: int
    to_percent: int
    from_assumed: bool = False


class PlannedCharge(Struct, frozen=True, omit_defaults=True):
    """A charge that begins at `start`, with energy as the charge point's meter counts it, then parking.

    `power_w` caps the `curve`, which is there for a car that takes direct current. Without `stay_until` the driver
    leaves as soon as it is charged.
    """

    start: datetime
    energy_wh: Decimal
    power_w: Decimal
    stay_until: datetime | None = None
    curve: tuple[CurvePoint, ...] = ()
    car: Car | None = None
    levels: Levels | None = None
    lost_percent: Decimal | None = None

    def periods(self) -> tuple[Period, ...]:
        """The periods that it would have."""
        return periods_of_plan(self.start, self.energy_wh, self.power_w, self.stay_until, curve=self.curve)

    def assumptions(self) -> tuple[Assumption, ...]:
        """What was taken for granted in planning it."""
        power = {"power_w": str(plain(self.power_w))}
        if self.car is None or self.levels is None:
            return Assumption(AssumptionCode.NO_VEHICLE, power), Assumption(AssumptionCode.CONSTANT_POWER, power)
        said = [Assumption(AssumptionCode.CHARGING_CURVE if self.curve else AssumptionCode.CONSTANT_POWER, power)]
        if self.levels.from_assumed:
            level = {"percent": str(self.levels.from_percent)}
            said.append(Assumption(AssumptionCode.BATTERY_LEVEL_ASSUMED, level))
        said.append(Assumption(AssumptionCode.CHARGING_LOSSES, {"percent": str(self.lost_percent)}))
        return tuple(said)


def usual_power_w(place: Place) -> Decimal:
    """At what power a car of which nothing is known charges: what the connector gives, and of AC what cars take."""
    power_w = place.power_w or UNKNOWN_POWER_W
    return power_w if _is_direct(place) else min(power_w, USUAL_CAR_W)


def planned_energy(place: Place, energy_wh: Decimal, start: datetime, stay_until: datetime | None) -> PlannedCharge:
    """So much energy, whatever the car."""
    return PlannedCharge(start, energy_wh, usual_power_w(place), stay_until)


def planned_levels(
    place: Place, car: Car, levels: Levels, start: datetime, stay_until: datetime | None
) -> PlannedCharge:
    """As much energy as takes a car's battery from one level to another, in whole Wh.

    Raises Refused (VEHICLE_CANNOT_CHARGE_HERE) for a car that takes no direct current where there is no other.
    """
    direct = _is_direct(place)
    most_w = car.max_dc_power_w if direct else car.max_ac_power_w
    if most_w is None:
        text = "This connector gives direct current, which this car cannot take."
        raise Refused("VEHICLE_CANNOT_CHARGE_HERE", text, "input", "vehicleId")
    arriving = (100 - LOST_PERCENT[direct]) / 100

    def metered_wh(percent: int) -> Decimal:
        return car.battery_capacity_wh * (percent - levels.from_percent) / 100 / arriving

    return PlannedCharge(
        start,
        plain(metered_wh(levels.to_percent).to_integral_value(ROUND_CEILING)),
        min(place.power_w or UNKNOWN_POWER_W, most_w),
        stay_until,
        curve=tuple(
            CurvePoint(plain(metered_wh(percent)), plain(most_w * share / 100))
            for percent, share in _curve()
            if direct and percent > levels.from_percent
        ),
        car=car,
        levels=levels,
        lost_percent=LOST_PERCENT[direct],
    )


def within(planned: PlannedCharge, tariff: Tariff) -> PlannedCharge:
    """The plan a watt slower, where the tariff ends just at its power.

    A maximum of power is exclusive, while what a connector is rated at is the most that it ever gives: operators who
    set the one to the other mean all charges there.
    """
    restrictions = [element.restrictions for element in tariff.elements if element.restrictions]
    ends = any(each.max_power_w == planned.power_w for each in restrictions)
    begins = any(each.min_power_w == planned.power_w for each in restrictions)
    return replace(planned, power_w=planned.power_w - 1) if ends and not begins else planned


def _is_direct(place: Place) -> bool:
    """As it says; where it does not, by a power that alternating current never has."""
    if place.direct_current is None:
        return (place.power_w or UNKNOWN_POWER_W) > MOST_AC_W
    return place.direct_current


def _curve() -> list[tuple[int, Decimal]]:
    """Until which level, in steps, which percentage of its most power a car takes: that of the middle of the step."""
    (level, share), *rest = CURVE_PERCENT
    points = [(level, Decimal(share))]
    for to_level, to_share in rest:
        slope = Decimal(to_share - share) / (to_level - level)
        for until in range(level + STEP_PERCENT, to_level + 1, STEP_PERCENT):
            points.append((until, share + slope * (until - level - Decimal(STEP_PERCENT) / 2)))
        level, share = to_level, to_share
    return points
