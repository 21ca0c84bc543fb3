"""A walk over the periods of a session: which price component applied to how much, and from when to when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from emsp.pricing.engine.offers import Active, Offer, Offers
from emsp.pricing.engine.periods import Period, average_power_w, seconds_between, volumes_of
from emsp.pricing.engine.policies import DEFAULT, Flats, Policies
from emsp.pricing.engine.report import ZERO, Assumption, AssumptionCode, LineKind
from emsp.pricing.engine.restrictions import Turns, instants_of_change
from emsp.pricing.engine.track import WHOLE, Here, Track

__all__ = ["Period", "Run", "Trace"]

PHASE_VOLTAGE_V = 230
FLATS = (LineKind.FLAT, LineKind.RESERVATION_FLAT)
VOLUME = Decimal("1E-9")
HALF = Decimal("0.5")


@dataclass(slots=True)
class Run:
    """An unbroken run of one offer among the stretches that have its dimension."""

    offer: Offer
    start: datetime
    end: datetime
    measured: Decimal
    billed: Decimal = ZERO
    step_size: int = 0


@dataclass(slots=True)
class Trace:
    """Walks over periods in time and notes which offer applied to how much."""

    zone: ZoneInfo
    policies: Policies = DEFAULT
    runs: list[Run] = field(default_factory=list)
    latest: dict[LineKind, Run | None] = field(default_factory=dict)
    measured: dict[LineKind, Decimal] = field(default_factory=dict)
    guesses: dict[AssumptionCode, None] = field(default_factory=dict)
    flats: set[Offer] = field(default_factory=set)

    def walk(self, periods: Sequence[tuple[Period, Offers]]) -> None:
        """Follows the periods of one phase in order; energy and durations start at zero with it."""
        if not periods:
            return
        started, ended = periods[0][0].start, max(period.end for period, _ in periods)
        tracks = {offers: self._track(offers, started, ended) for offers in {offers for _, offers in periods}}
        energy_wh = parked_s = ZERO
        for period, offers in periods:
            power_w, current_a = self._power_and_current(period, offers.turns)
            here = Here(period, self.zone, started, energy_wh, parked_s, power_w, current_a)
            self._follow(here, tracks[offers])
            energy_wh += period.energy_wh
            parked_s += period.parking_s

    def assumptions(self) -> Iterator[Assumption]:
        """What had to be guessed on the way."""
        return (Assumption(code) for code in self.guesses)

    def _track(self, offers: Offers, started: datetime, ended: datetime) -> Track:
        instants = instants_of_change(offers.turns, started, ended, self.zone)
        return Track(offers, instants, self.policies.night_windows)

    def _follow(self, here: Here, track: Track) -> None:
        period, in_time, in_energy = here.period, track.cuts_in_time(here), track.cuts_in_energy(here)
        volumes = volumes_of(period)
        if not in_time and not in_energy:
            self._note(volumes, period.start, period.end, track.active(here, HALF))
            return
        positions = [ZERO, *sorted({*in_time, *in_energy}), WHOLE]
        actives = []
        for low, high in pairwise(positions):
            actives.append(track.active(here, (low + high) / 2))
            parts = [(kind, _share(volume, high) - _share(volume, low)) for kind, volume in volumes]
            self._note(parts, here.instant(low), here.instant(high), actives[-1])
        kinds = _not_measured(period, volumes, cut_in_time=bool(in_time), cut_in_energy=bool(in_energy))
        if _differ(actives, kinds):
            self.guesses[AssumptionCode.SPLIT_PRO_RATA] = None

    def _note(self, parts: list[tuple[LineKind, Decimal]], start: datetime, end: datetime, active: Active) -> None:
        for kind in FLATS:
            if kind in active and self._is_due(active[kind]):
                self.flats.add(active[kind])
                self._extend(kind, active[kind], start, start, WHOLE)
        for kind, part in parts:
            self.measured[kind] = self.measured.get(kind, ZERO) + part
            self._extend(kind, active.get(kind), start, end, part)

    def _is_due(self, flat: Offer) -> bool:
        if self.policies.flats is Flats.EVERY_FLAT:
            return flat not in self.flats
        return flat.kind not in self.latest

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

    def _power_and_current(self, period: Period, turns: Turns) -> tuple[Decimal, Decimal]:
        """As reported, or else derived, which is noted if a restriction asks for it."""
        power_w, current_a = period.power_w, period.current_a
        if (power_w is not None and current_a is not None) or not (turns.powers_w or turns.currents_a):
            return power_w or ZERO, current_a or ZERO
        if power_w is None:
            power_w = average_power_w(period)
            if turns.powers_w:
                self.guesses[AssumptionCode.POWER_AVERAGED] = None
        if current_a is None:
            current_a = power_w / PHASE_VOLTAGE_V
            if turns.currents_a:
                self.guesses[AssumptionCode.CURRENT_DERIVED] = None
        return power_w, current_a


def _differ(actives: list[Active], kinds: list[LineKind]) -> bool:
    return any(active.get(k) is not actives[0].get(k) for active in actives[1:] for k in kinds)


def _not_measured(
    period: Period, volumes: list[tuple[LineKind, Decimal]], *, cut_in_time: bool, cut_in_energy: bool
) -> list[LineKind]:
    """The kinds whose amounts on either side of a cut are only known pro rata.

    A period of nothing but charging, or nothing but parking, has known times on both sides of a moment; any
    period has known energies on both sides of an amount of energy.
    """
    length_s = seconds_between(period.start, period.end)
    return [
        kind
        for kind, volume in volumes
        if (cut_in_time if kind is LineKind.ENERGY else cut_in_energy or volume != length_s)
    ]


def _share(volume: Decimal, position: Decimal) -> Decimal:
    return volume if position == WHOLE else (volume * position).quantize(VOLUME)
