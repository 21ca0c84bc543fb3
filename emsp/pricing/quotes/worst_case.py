"""The most that a rule can ask for a charge that goes otherwise than planned, within stated bounds.

No formula gives this for tariffs that depend on clock, energy and power, so it is looked for: the charge is played
through in the ways in which it can become dear, and the dearest counts. At non-negative prices a bill grows between
two turns of the tariff, so it is enough to stop and to leave at the turns and at the ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from emsp.pricing.engine.billed import Bill, billed
from emsp.pricing.engine.plan import periods_of_plan
from emsp.pricing.engine.report import ZERO
from emsp.pricing.engine.restrictions import Turns, instants_of_change, turns_of
from emsp.pricing.engine.trace import PHASE_VOLTAGE_V, Period
from emsp.pricing.quotes.planned import PlannedCharge
from emsp.pricing.retail.prices import RetailTariff, retail_price

MORE_ENERGY = Decimal("1.25")
OVERSTAY = timedelta(hours=1)
TURNS_MAX = 24
SECOND = timedelta(seconds=1)

Periods = tuple[Period, ...]


class Bounds(Struct, frozen=True):
    """What a worst case allows for: so much energy, a start as late as this and a stay until `until`."""

    energy_wh: Decimal
    latest_start: datetime
    until: datetime


def bounds_of(planned: PlannedCharge, latest_start: datetime) -> Bounds:
    """A quarter more energy than planned, and an hour longer than it takes or than the driver means to stay."""
    energy_wh = planned.energy_wh * MORE_ENERGY
    charged = periods_of_plan(planned.start, energy_wh, planned.power_w, curve=planned.curve)[-1].end
    return Bounds(energy_wh, latest_start, max(charged, planned.stay_until or charged) + OVERSTAY)


def worst_case(retail: RetailTariff, planned: PlannedCharge, bounds: Bounds, *, time_zone: str) -> Bill:
    """The dearest bill within the bounds. Raises as `engine.price` does."""
    ways = dict.fromkeys(_ways(retail, planned, bounds, ZoneInfo(time_zone)))
    bills = (billed(retail_price(retail, way, time_zone=time_zone)) for way in ways)
    return max(bills, key=lambda bill: bill.total_minor)


def _ways(retail: RetailTariff, planned: PlannedCharge, bounds: Bounds, zone: ZoneInfo) -> Iterator[Periods]:
    turns = turns_of([element.restrictions for element in retail.tariff.elements if element.restrictions])
    starts = (planned.start, bounds.latest_start) if turns.walls else (planned.start,)
    for start in starts:
        yield _parked(start, bounds.until)
        for power_w in _powers(planned, turns, bounds, start):
            whole = periods_of_plan(start, bounds.energy_wh, power_w, bounds.until, curve=planned.curve)
            yield whole
            yield from _cut_short(whole, turns, zone)


def _powers(planned: PlannedCharge, turns: Turns, bounds: Bounds, start: datetime) -> list[Decimal]:
    """As planned, half of it, so slow that it lasts for the whole stay, and around each power that changes a price."""
    trickle_w = bounds.energy_wh * 3600 / ((bounds.until - start) // SECOND)
    changes = [*turns.powers_w, *(current_a * PHASE_VOLTAGE_V for current_a in turns.currents_a)]
    around = sorted({change_w + more for change_w in changes for more in (-1, 0)})
    between = [power_w for power_w in around if trickle_w < power_w < planned.power_w]
    return [planned.power_w, planned.power_w / 2, trickle_w, *between]


def _cut_short(whole: Periods, turns: Turns, zone: ZoneInfo) -> Iterator[Periods]:
    """The same, left when charged; and charged no longer than to each turn, then left, or parked until the end."""
    start, until = whole[0].start, whole[-1].end
    charged = max(period.end for period in whole if period.charging_s)
    found = {*instants_of_change(turns, start, charged, zone), *_seconds_before(whole, turns.energies_wh)}
    yield _until(whole, charged)
    for turn in sorted(found)[:TURNS_MAX]:
        left = _until(whole, turn)
        yield left
        yield (*left, *_parked(turn, until))


def _seconds_before(whole: Periods, energies: Sequence[Decimal]) -> Iterator[datetime]:
    """The last full seconds before the charge reaches an amount of energy that changes a price."""
    told_wh = ZERO
    for period in whole:
        for energy_wh in energies:
            if told_wh < energy_wh <= told_wh + period.energy_wh:
                seconds = (energy_wh - told_wh) * period.charging_s / period.energy_wh
                turn = period.start + SECOND * (int(seconds.to_integral_value(ROUND_CEILING)) - 1)
                if turn > whole[0].start:
                    yield turn
        told_wh += period.energy_wh


def _until(whole: Periods, end: datetime) -> Periods:
    """What of it is before `end`."""
    return tuple(_shortened(period, end) for period in whole if period.start < end)


def _shortened(period: Period, end: datetime) -> Period:
    if period.end <= end:
        return period
    part = Decimal((end - period.start) // SECOND) / Decimal((period.end - period.start) // SECOND)
    return replace(
        period,
        end=end,
        energy_wh=period.energy_wh * part,
        charging_s=period.charging_s * part,
        parking_s=period.parking_s * part,
    )


def _parked(start: datetime, until: datetime) -> Periods:
    parking_s = Decimal((until - start) // SECOND)
    return (Period(start, until, parking_s=parking_s, power_w=ZERO, current_a=ZERO),)
