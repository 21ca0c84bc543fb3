"""Which of the charge points that partners publish are one and the same, and which of them stands for all: its pin.

By the EVSE id, which is unique in the world: the same one printed with other separators or in another case is the
same, unless it is said to stand somewhere else. Without one, by place and equipment, and only where nothing else
can be meant. Two charge points of one station are never taken to be the same, whatever they are called.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from emsp.stations.geo import haversine_m

EVSE_ID, PLACE = "EVSE_ID", "PLACE"

WORLDWIDE = re.compile(r"[A-Z]{2}[A-Z0-9]{3}E[A-Z0-9]+")
"""An EVSE id of ISO 15118 without its separators: country, operator, E, the operator's own number."""
SOMEWHAT_UNIQUE = 7
"""From so many letters and digits on, an id of another make is at least unique in its neighbourhood."""

HERE_M = 100
SAME_ID_WITHIN_M = 1_000
"""The same id farther away is a charge point that was moved, or a mistake: nobody can tell from here which."""
SAME_PLACE_WITHIN_M = 30
NEXT_TO_M = 10
SILENT = timedelta(days=14)
"""Who was heard so much earlier than another is not the one to ask, unless the EVSE id names it."""

LEAST_PERCENT = 80
"""What is matched by place with less confidence is not matched."""


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A charge point as one party publishes it, with what tells it from others."""

    evse_id: int
    station_id: int
    party: str  # NLABC
    key: str | None = None  # the EVSE id without separators, in upper case
    uid_key: str = ""
    label: str | None = None
    latitude: float
    longitude: float
    operator_id: int | None = None
    address: str | None = None  # postal code and street, folded
    station_evses: int = 1  # how many charge points its station has
    heard_at: datetime  # when anything was last said of its station
    equipment: tuple[tuple[str, int | None], ...] = ()  # standard and power in watts of its connectors, sorted

    @property
    def is_named(self) -> bool:
        """Whether it is published by the very party that its EVSE id names."""
        return bool(self.key) and str(self.key).startswith(self.party)


class Twin(msgspec.Struct, frozen=True):
    """A charge point that is another one, with how that is known and how sure it is."""

    evse_id: int
    pin_evse_id: int
    matched_by: str
    confidence_percent: int


def same_by_id(published: Iterable[Published]) -> list[Twin]:
    """The twins among charge points, told by their EVSE ids; those without a usable one are left alone."""
    groups: dict[str, list[Published]] = defaultdict(list)
    for one in published:
        if one.key and is_usable(one.key):
            groups[one.key].append(one)
    return [twin for group in groups.values() if len(group) > 1 for twin in _same(group)]


def is_usable(key: str | None) -> bool:
    """Whether an id, without its separators, says anything outside of its station."""
    return key is not None and len(key) >= SOMEWHAT_UNIQUE and any(letter.isdigit() for letter in key)


def pin_order(group: Sequence[Published]) -> list[Published]:
    """Who stands for the others first: the party that the EVSE id names, then one that was not silent while others
    spoke, then the station with most charge points, then the one known longest."""
    newest = max(one.heard_at for one in group)

    def rank(one: Published) -> tuple[bool, bool, int, int, int]:
        return not one.is_named, one.heard_at < newest - SILENT, -one.station_evses, one.station_id, one.evse_id

    return sorted(group, key=rank)


def _same(group: list[Published]) -> list[Twin]:
    """Of charge points with one id. Where a station has it twice, the same uid elsewhere tells which is meant."""
    ordered = pin_order(group)
    at_station: dict[int, int] = defaultdict(int)
    for one in ordered:
        at_station[one.station_id] += 1
    pins: list[list[Published]] = []
    for one in ordered:
        meant = [pin for pin in pins if _may_be(one, pin)]
        if len(meant) > 1 or at_station[one.station_id] > 1 or any(at_station[pin[0].station_id] > 1 for pin in meant):
            meant = [pin for pin in meant if pin[0].uid_key == one.uid_key]
        if len(meant) == 1:
            meant[0].append(one)
        else:
            pins.append([one])
    return [Twin(one.evse_id, pin.evse_id, EVSE_ID, _surety(one, pin)) for pin, *others in pins for one in others]


def _may_be(one: Published, pin: Sequence[Published]) -> bool:
    within_m = SAME_ID_WITHIN_M if WORLDWIDE.fullmatch(one.key or "") else HERE_M
    return _metres(one, pin[0]) <= within_m and all(other.station_id != one.station_id for other in pin)


def _surety(one: Published, pin: Published) -> int:
    here = 99 if _metres(one, pin) <= HERE_M else 95
    percent = here if WORLDWIDE.fullmatch(one.key or "") else 90
    standards, others = {standard for standard, _ in one.equipment}, {standard for standard, _ in pin.equipment}
    return percent - 15 if standards and others and not standards & others else percent


def same_by_place(nameless: Sequence[Published], around: Mapping[int, Sequence[Published]]) -> list[Twin]:
    """The twins among charge points without a usable EVSE id, given what stands `around` each, by its id.

    `around` leaves out what is known to be a twin. One is the twin of another when they are each other's only likely
    match. Of two nameless ones the pin is the one that `pin_order` puts first.
    """
    likely = {one.evse_id: _likely(one, around[one.evse_id]) for one in nameless}
    asked_for: Counter[int] = Counter(evse_id for others in likely.values() for evse_id in others)
    twins = []
    for one in nameless:
        for other_id, (other, percent) in likely[one.evse_id].items():
            alone = len(likely[one.evse_id]) == 1 and asked_for[other_id] == 1
            if alone and (is_usable(other.key) or pin_order([one, other])[0] is other):
                twins.append(Twin(one.evse_id, other_id, PLACE, percent))
    return twins


def _likely(one: Published, others: Iterable[Published]) -> dict[int, tuple[Published, int]]:
    found = {other.evse_id: (other, _likeness(one, other)) for other in others}
    return {evse_id: likeness for evse_id, likeness in found.items() if likeness[1] >= LEAST_PERCENT}


def _likeness(one: Published, other: Published) -> int:
    """In percent; 0 where they cannot be the same."""
    metres = _metres(one, other)
    if one.party == other.party or metres > SAME_PLACE_WITHIN_M or not _same_equipment(one, other):
        return 0
    said_alike = (
        (15, one.operator_id is not None and one.operator_id == other.operator_id),
        (10, one.address is not None and one.address == other.address),
        (10, metres <= NEXT_TO_M),
        (10, one.label is not None and one.label == other.label),
        (10, one.uid_key == other.uid_key),
    )
    return min(60 + sum(points for points, alike in said_alike if alike), 98)


def _same_equipment(one: Published, other: Published) -> bool:
    if not one.equipment or len(one.equipment) != len(other.equipment):
        return False
    return all(
        standard == other_standard and _about_equal(power_w, other_w)
        for (standard, power_w), (other_standard, other_w) in zip(one.equipment, other.equipment, strict=True)
    )


def _about_equal(power_w: int | None, other_w: int | None) -> bool:
    """Within a tenth; a power that is not stated speaks against nothing."""
    return power_w is None or other_w is None or abs(power_w - other_w) * 10 <= max(power_w, other_w)


def _metres(one: Published, other: Published) -> float:
    return haversine_m(one.longitude, one.latitude, other.longitude, other.latitude)
