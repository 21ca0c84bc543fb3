"""A walk over the periods of a session: which price component applied to how much, and from when to when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from msgspec import Struct

from emsp.pricing.report import ZERO, Assumption, AssumptionCode, LineKind
from emsp.pricing.restrictions import Moment, energies_of_change, instants_of_change, matches
from emsp.pricing.tariff import Component, Restrictions

PHASE_VOLTAGE_V = 230
FLATS = (LineKind.FLAT, LineKind.RESERVATION_FLAT)
POSITION = Decimal("1E-18")
VOLUME = Decimal("1E-9")
WHOLE = Decimal(1)
MICROSECOND = timedelta(microseconds=1)


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
    """Before the charge: the station was kept for the driver."""
    tariff_id: str | None = None
    """Which of several tariffs applies to it, by `Tariff.external_id`."""


@dataclass(slots=True, eq=False)
class Offer:
    """A component on offer, and where it stands in the tariff."""

    kind: LineKind
    element_index: int
    component: Component
    restrictions: Restrictions | None


@dataclass(slots=True)
class Run:
    """An unbroken run of one offer among the stretches that have its dimension."""

    offer: Offer
    start: datetime
    end: datetime
    measured: Decimal
    billed: Decimal = ZERO
    step_size: int = 0


Offers = list[tuple[Restrictions | None, list[Offer]]]
Active = dict[LineKind, Offer]


@dataclass(slots=True)
class Trace:
    """Walks over periods in time and notes which offer applied to how much."""

    zone: ZoneInfo
    runs: list[Run] = field(default_factory=list)
    latest: dict[LineKind, Run | None] = field(default_factory=dict)
    measured: dict[LineKind, Decimal] = field(default_factory=dict)
    guesses: dict[AssumptionCode, None] = field(default_factory=dict)

    def walk(self, offers: Offers, periods: Sequence[Period]) -> None:
        """Follows the periods of one phase; energy and duration start at zero with it."""
        if not periods:
            return
        restrictions = [r for r, _ in offers if r is not None]
        started, ended = periods[0].start, max(p.end for p in periods)
        instants = instants_of_change(restrictions, started, ended, self.zone)
        energies = energies_of_change(restrictions)
        energy_wh = ZERO
        for period in periods:
            in_time, in_energy = _cuts_in_time(period, instants), _cuts_in_energy(period, energies, energy_wh)
            positions = [ZERO, *sorted(in_time | in_energy), WHOLE]
            power_w, current_a = self._power_and_current(period, restrictions)
            actives = []
            for low, high in pairwise(positions):
                moment = self._moment(period, (low + high) / 2, started, energy_wh, power_w, current_a)
                actives.append(_active(offers, moment))
                self._note(period, low, high, actives[-1])
            kinds = _not_measured(period, cut_in_time=bool(in_time), cut_in_energy=bool(in_energy))
            if _differ(actives, kinds):
                self.guesses[AssumptionCode.SPLIT_PRO_RATA] = None
            energy_wh += period.energy_wh

    def assumptions(self) -> Iterator[Assumption]:
        """What had to be guessed on the way."""
        return (Assumption(code) for code in self.guesses)

    def _moment(
        self,
        period: Period,
        position: Decimal,
        started: datetime,
        energy_wh: Decimal,
        power_w: Decimal,
        current_a: Decimal,
    ) -> Moment:
        at = _instant(period, position)
        energy_wh += period.energy_wh * position
        return Moment(at.astimezone(self.zone), _seconds(started, at), energy_wh, power_w, current_a)

    def _note(self, period: Period, low: Decimal, high: Decimal, active: Active) -> None:
        start, end = _instant(period, low), _instant(period, high)
        for kind in FLATS:
            if kind in active and kind not in self.latest:
                self._extend(kind, active[kind], start, start, WHOLE)
        for kind, volume in _volumes(period):
            part = _share(volume, high) - _share(volume, low)
            self.measured[kind] = self.measured.get(kind, ZERO) + part
            self._extend(kind, active.get(kind), start, end, part)

    def _extend(self, kind: LineKind, offer: Offer | None, start: datetime, end: datetime, part: Decimal) -> None:
        run = self.latest.get(kind)
        if offer is None:
            self.latest[kind] = None
        elif run is not None and run.offer is offer:
            run.end = end
            run.measured += part
        else:
            self.latest[kind] = run = Run(offer, start, end, part)
            self.runs.append(run)

    def _power_and_current(self, period: Period, restrictions: Iterable[Restrictions]) -> tuple[Decimal, Decimal]:
        """As reported, or else derived, which is noted if a restriction asks for it."""
        power_w, current_a = period.power_w, period.current_a
        if power_w is not None and current_a is not None:
            return power_w, current_a
        asks_power = any(r.min_power_w or r.max_power_w is not None for r in restrictions)
        asks_current = any(r.min_current_a or r.max_current_a is not None for r in restrictions)
        if not (asks_power or asks_current):
            return ZERO, ZERO
        if power_w is None:
            power_w = _average_power_w(period)
            if asks_power:
                self.guesses[AssumptionCode.POWER_AVERAGED] = None
        if current_a is None:
            current_a = power_w / PHASE_VOLTAGE_V
            if asks_current:
                self.guesses[AssumptionCode.CURRENT_DERIVED] = None
        return power_w, current_a


def _active(offers: Offers, moment: Moment) -> Active:
    active: Active = {}
    for restrictions, element_offers in offers:
        if any(o.kind not in active for o in element_offers) and matches(restrictions, moment):
            for offer in element_offers:
                active.setdefault(offer.kind, offer)
    return active


def _differ(actives: list[Active], kinds: list[LineKind]) -> bool:
    return any(active.get(k) is not actives[0].get(k) for active in actives[1:] for k in kinds)


def _cuts_in_time(period: Period, instants: list[datetime]) -> set[Decimal]:
    """The fractions of the period at which these moments lie in it."""
    length_us = (period.end - period.start) // MICROSECOND
    return {
        (Decimal((instant - period.start) // MICROSECOND) / length_us).quantize(POSITION)
        for instant in instants
        if period.start < instant < period.end
    }


def _cuts_in_energy(period: Period, energies: list[Decimal], before_wh: Decimal) -> set[Decimal]:
    """The fractions of the period at which the session's energy reaches these amounts."""
    return {
        ((energy_wh - before_wh) / period.energy_wh).quantize(POSITION)
        for energy_wh in energies
        if before_wh < energy_wh < before_wh + period.energy_wh
    }


def _not_measured(period: Period, *, cut_in_time: bool, cut_in_energy: bool) -> list[LineKind]:
    """The kinds whose amounts on either side of a cut are only known pro rata.

    A period of nothing but charging, or nothing but parking, has known times on both sides of a moment; any
    period has known energies on both sides of an amount of energy.
    """
    length_s = _seconds(period.start, period.end)
    return [
        kind
        for kind, volume in _volumes(period)
        if (cut_in_time if kind is LineKind.ENERGY else cut_in_energy or volume != length_s)
    ]


def _instant(period: Period, position: Decimal) -> datetime:
    if not position or position == WHOLE:
        return period.end if position else period.start
    length_us = (period.end - period.start) // MICROSECOND
    return period.start + timedelta(microseconds=int((length_us * position).to_integral_value()))


def _volumes(period: Period) -> list[tuple[LineKind, Decimal]]:
    if period.reserved:
        return [(LineKind.RESERVATION_TIME, _seconds(period.start, period.end))]
    volumes = (
        (LineKind.ENERGY, period.energy_wh),
        (LineKind.TIME, period.charging_s),
        (LineKind.PARKING_TIME, period.parking_s),
    )
    return [(kind, volume) for kind, volume in volumes if volume]


def _share(volume: Decimal, position: Decimal) -> Decimal:
    return volume if position == WHOLE else (volume * position).quantize(VOLUME)


def _seconds(start: datetime, end: datetime) -> Decimal:
    return Decimal((end - start) // MICROSECOND) / 1_000_000


def _average_power_w(period: Period) -> Decimal:
    seconds = period.charging_s or _seconds(period.start, period.end)
    return period.energy_wh * 3600 / seconds if seconds else ZERO
