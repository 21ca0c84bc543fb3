"""What a tariff offers in a phase of a session: its components, element by element, and where that may turn."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from emsp.pricing.engine.policies import Durations, NightWindows
from emsp.pricing.engine.report import LineKind
from emsp.pricing.engine.restrictions import NO_TURNS, Moment, Turns, matches, turns_of
from emsp.pricing.engine.tariff import Component, Dimension, Element, ReservationUse, Restrictions, Tariff

CHARGING_KINDS = {dimension: LineKind(dimension.value) for dimension in Dimension}
RESERVATION_KINDS = {Dimension.TIME: LineKind.RESERVATION_TIME, Dimension.FLAT: LineKind.RESERVATION_FLAT}
MOST_KEPT = 2000


class Phase(Enum):
    """A part of a session with elements of its own: which `reservation` they ask for, in the order they are tried."""

    CHARGE = (None,)
    RESERVATION = (ReservationUse.RESERVATION,)
    UNUSED_RESERVATION = (ReservationUse.RESERVATION_EXPIRES, ReservationUse.RESERVATION)


@dataclass(slots=True, eq=False)
class Offer:
    """A component on offer, and where it stands in its tariff."""

    kind: LineKind
    element_index: int
    component: Component
    restrictions: Restrictions | None
    tariff: Tariff


Active = dict[LineKind, Offer]


@dataclass(slots=True, eq=False)
class Group:
    """The offers of one element; `counts_parking`: its durations are those of parking (policy OF_PARKING)."""

    restrictions: Restrictions | None
    offers: list[Offer]
    kinds: frozenset[LineKind]
    counts_parking: bool


@dataclass(slots=True, eq=False)
class Offers:
    """The groups in the order they are tried, and where they turn: in the session, and in parking alone."""

    tariff: Tariff | None
    groups: list[Group]
    kinds: frozenset[LineKind]
    turns: Turns
    parking_turns: Turns

    def active(self, moment: Moment, parked: Moment, night_windows: NightWindows) -> Active:
        """Of each kind the first offer whose restrictions hold; `parked` is the moment on the clock of parking."""
        active: Active = {}
        missing = set(self.kinds)
        for group in self.groups:
            asked = parked if group.counts_parking else moment
            if not missing.isdisjoint(group.kinds) and matches(group.restrictions, asked, night_windows):
                for offer in group.offers:
                    active.setdefault(offer.kind, offer)
                missing -= group.kinds
                if not missing:
                    break
        return active


NOTHING = Offers(None, [], frozenset(), NO_TURNS, NO_TURNS)
"""Where no tariff applies."""

_kept: dict[tuple[int, Phase, Durations], Offers] = {}


def offers_of(tariff: Tariff, phase: Phase, durations: Durations) -> Offers:
    """What applies in the phase. A tariff never changes, so this is found once and kept with it for a while."""
    key = (id(tariff), phase, durations)
    found = _kept.get(key)
    if found is None or found.tariff is not tariff:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        found = _kept[key] = _offers(tariff, phase, durations)
    return found


def _offers(tariff: Tariff, phase: Phase, durations: Durations) -> Offers:
    kinds = CHARGING_KINDS if phase is Phase.CHARGE else RESERVATION_KINDS
    groups = [
        _group(tariff, index, element, kinds, durations)
        for use in phase.value
        for index, element in enumerate(tariff.elements)
        if (element.restrictions.reservation if element.restrictions else None) is use
    ]
    return Offers(
        tariff,
        groups,
        frozenset().union(*(group.kinds for group in groups)),
        turns_of([g.restrictions for g in groups if g.restrictions]),
        turns_of([g.restrictions for g in groups if g.restrictions and g.counts_parking]),
    )


def _group(
    tariff: Tariff, index: int, element: Element, kinds: dict[Dimension, LineKind], durations: Durations
) -> Group:
    offers = [
        Offer(kinds[component.dimension], index, component, element.restrictions, tariff)
        for component in element.components
        if component.dimension in kinds
    ]
    found = frozenset(offer.kind for offer in offers)
    counts_parking = durations is Durations.OF_PARKING and LineKind.PARKING_TIME in found
    return Group(element.restrictions, offers, found, counts_parking)
