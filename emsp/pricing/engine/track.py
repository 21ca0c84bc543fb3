"""Where in a period something turns, and what applies at each place of it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from emsp.pricing.engine.offers import Active, Offers
from emsp.pricing.engine.periods import MICROSECOND, Period, seconds_between
from emsp.pricing.engine.policies import NightWindows
from emsp.pricing.engine.restrictions import Moment

POSITION = Decimal("1E-18")
WHOLE = Decimal(1)


@dataclass(slots=True)
class Here:
    """A period, and what the session had come to when it began."""

    period: Period
    zone: ZoneInfo
    started: datetime
    energy_wh: Decimal
    parked_s: Decimal
    power_w: Decimal
    current_a: Decimal

    def instant(self, position: Decimal) -> datetime:
        """The moment at this fraction of the period."""
        period = self.period
        if not position or position == WHOLE:
            return period.end if position else period.start
        length_us = (period.end - period.start) // MICROSECOND
        return period.start + timedelta(microseconds=int((length_us * position).to_integral_value()))


@dataclass(slots=True)
class Track:
    """Offers along the session. Between two places where something turns, the same ones stay active."""

    offers: Offers
    instants: list[datetime]
    night_windows: NightWindows
    known: dict[tuple[int, ...], Active] = field(default_factory=dict)

    def cuts_in_time(self, here: Here) -> list[Decimal]:
        """The fractions of the period at which a clock, a day or a duration turns."""
        period, parking = here.period, self.offers.parking_turns.durations_s
        first, last = bisect_right(self.instants, period.start), bisect_left(self.instants, period.end)
        if first >= last and not parking:
            return []
        length_us = (period.end - period.start) // MICROSECOND
        positions = [Decimal((at - period.start) // MICROSECOND) / length_us for at in self.instants[first:last]]
        return [p.quantize(POSITION) for p in positions] + _cuts(parking, here.parked_s, period.parking_s)

    def cuts_in_energy(self, here: Here) -> list[Decimal]:
        """The fractions of the period at which the energy of the session reaches a limit."""
        energies = self.offers.turns.energies_wh
        return _cuts(energies, here.energy_wh, here.period.energy_wh) if energies else []

    def active(self, here: Here, position: Decimal) -> Active:
        """What applies at this fraction of the period."""
        at, turns = here.instant(position), self.offers.turns
        energy_wh = here.energy_wh + here.period.energy_wh * position
        parked_s = here.parked_s + here.period.parking_s * position
        place = (
            bisect_right(self.instants, at),
            bisect_right(turns.energies_wh, energy_wh),
            bisect_right(turns.powers_w, here.power_w),
            bisect_right(turns.currents_a, here.current_a),
            bisect_right(self.offers.parking_turns.durations_s, parked_s),
        )
        found = self.known.get(place)
        if found is None:
            local, elapsed_s = at.astimezone(here.zone), seconds_between(here.started, at)
            moment = Moment(local, elapsed_s, energy_wh, here.power_w, here.current_a)
            found = self.known[place] = self.offers.active(
                moment, moment._replace(elapsed_s=parked_s), self.night_windows
            )
        return found


def _cuts(limits: list[Decimal], before: Decimal, volume: Decimal) -> list[Decimal]:
    """The fractions of a volume at which the sum of it and what was before reaches one of the limits."""
    first, last = bisect_right(limits, before), bisect_left(limits, before + volume)
    return [((limit - before) / volume).quantize(POSITION) for limit in limits[first:last]]
