"""The simulated car at its connector: how much it takes each second, and the meter that counts it.

A meter is a pure function of the facts of its session and of the simulated seconds passed, stepped second by
second: after a restart it is replayed and shows the same figures.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .pricing import Active, Moment, Period, Tariff

CAR_AC_W = 11_000
CAR_DC_W = 120_000
LONGEST_PERIOD_S = 900
PHASES = {"AC_1_PHASE": 1, "AC_2_PHASE": 2, "AC_2_PHASE_SPLIT": 2, "AC_3_PHASE": 3}


def charging_power_w(connector: dict[str, Any]) -> int:
    """The most this car takes at a connector, in W; odd published figures become a modest 3.7 kW."""
    phases = PHASES.get(str(connector.get("power_type", "")).upper())
    stated = int(connector.get("max_electric_power") or 0)
    voltage, amperage = int(connector.get("max_voltage") or 0), int(connector.get("max_amperage") or 0)
    power = stated if stated >= 1000 else voltage * amperage * (phases or 1)
    return min(power if power >= 1000 else 3_700, CAR_AC_W if phases else CAR_DC_W)


@dataclass(frozen=True, slots=True)
class Car:
    """A battery and the power it accepts: all of it up to 80 %, then less and less."""

    power_w: int
    battery_wh: int
    start_percent: int
    wanted_wh: int | None = None

    def takes_ws(self, energy_ws: int) -> int:
        """Energy taken in the next second, in Ws, after `energy_ws` were charged; 0 when full."""
        room_ws = self.battery_wh * 36 * (100 - self.start_percent) - energy_ws
        wanted_ws = room_ws if self.wanted_wh is None else self.wanted_wh * 3600 - energy_ws
        tapered_w = self.power_w * room_ws * 5 // (self.battery_wh * 3600)
        accepted_w = min(self.power_w, max(tapered_w, self.power_w // 20))
        return max(0, min(accepted_w, room_ws, wanted_ws))


class Meter:
    """Counts one charge in simulated seconds and splits it into charging periods."""

    def __init__(self, car: Car, tariff: Tariff, start: datetime, overstay_s: int) -> None:
        self.car = car
        self.tariff = tariff
        self.start = start
        self.overstay_s = overstay_s
        self.at_s = 0
        self.energy_ws = 0
        self.full_at_s: int | None = None
        self.periods: list[Period] = []
        self._situation: tuple[object, ...] | None = None
        self._active: Active = {}

    @property
    def energy_wh(self) -> int:
        """The meter's reading in whole Wh."""
        return self.energy_ws // 3600

    @property
    def left(self) -> bool:
        """Whether the car, full, has been unplugged by its driver."""
        return self.full_at_s is not None and self.at_s >= self.full_at_s + self.overstay_s

    def advance(self, to_s: int) -> None:
        """Lets the car charge until `to_s` simulated seconds after its start, or until it leaves."""
        if not self.periods:
            self._open_period(self.car.takes_ws(0) > 0, self._active_now(self.car.takes_ws(0)))
        while self.at_s < to_s and not self.left:
            self._second()

    def _second(self) -> None:
        taken_ws = self.car.takes_ws(self.energy_ws)
        active = self._active_now(taken_ws)
        self._period_for(taken_ws > 0, active)
        if taken_ws == 0 and self.full_at_s is None:
            self.full_at_s = self.at_s
        before_wh = self.energy_wh
        self.at_s += 1
        self.energy_ws += taken_ws
        self.periods[-1].end_s = self.at_s
        self.periods[-1].energy_wh += self.energy_wh - before_wh

    def _active_now(self, power_w: int) -> Active:
        minute = (int(self.start.timestamp()) + self.at_s) // 60
        situation = self.tariff.situation(minute, self.energy_wh, self.at_s, power_w)
        if situation != self._situation:
            local = (self.start + timedelta(seconds=self.at_s)).astimezone(self.tariff.zone)
            self._active = self.tariff.active_at(Moment(local, self.energy_wh, self.at_s, power_w))
            self._situation = situation
        return self._active

    def _period_for(self, charging: bool, active: Active) -> None:
        current = self.periods[-1]
        if current.charging != charging or current.active != active or current.duration_s >= LONGEST_PERIOD_S:
            if current.duration_s == 0:
                self.periods.pop()
            self._open_period(charging, active)

    def _open_period(self, charging: bool, active: Active) -> None:
        self.periods.append(Period(start_s=self.at_s, end_s=self.at_s, energy_wh=0, charging=charging, active=active))
