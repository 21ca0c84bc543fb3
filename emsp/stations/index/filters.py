"""What a filter asks, as numpy has it: of stations, of EVSEs, of connectors; of a few rows or of all of a segment."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emsp.stations.asking import Filter, Network
from emsp.stations.conditions import PLUG_AND_CHARGE, TAKES_CARDS
from emsp.stations.index import codes, hours
from emsp.stations.index.boxes import Mask, Rows, expanded

if TYPE_CHECKING:
    from emsp.stations.index.columns import Segment

ALL = slice(None)


class Parts(NamedTuple):
    """Some EVSEs with the place of the station of each in the rows asked for; connectors with that of their EVSE."""

    evses: Any
    station_of: Any
    connectors: Any
    evse_of: Any


def passing(segment: Segment, wanted: Filter, at: datetime, rows: Rows | None = None) -> Mask:
    """Of each row (None: of all of the segment), whether it is alive and has all that is asked, prices apart."""
    chosen = ALL if rows is None else rows
    mask = segment.alive[chosen] & _of_station(segment, wanted, at, chosen)
    if not asks_of_evses(wanted):
        return mask
    if rows is not None:
        kept = np.flatnonzero(mask)
        mask[kept] = has_evse(segment, wanted, parts_of(segment, rows[kept]), len(kept))
        return mask
    return mask & has_evse(segment, wanted, parts_of(segment, None), len(mask))


def passing_stations(segment: Segment, wanted: Filter, at: datetime, rows: Rows | None = None) -> Mask:
    """As `passing`, for what is asked of stations only."""
    return _of_station(segment, wanted, at, ALL if rows is None else rows)


def of_evses(wanted: Filter) -> Filter:
    """The part of a filter that EVSEs and connectors decide, prices apart: what takes long to tell of all stations."""
    power_w = wanted.network.max_power_w if wanted.network else None
    return Filter(
        available_now=wanted.available_now,
        standards=wanted.standards,
        min_power_w=wanted.min_power_w,
        remote_start=wanted.remote_start,
        reservable=wanted.reservable,
        accessible=wanted.accessible,
        plug_and_charge=wanted.plug_and_charge,
        ad_hoc_payment=wanted.ad_hoc_payment,
        network=None if power_w is None else Network(max_power_w=power_w),
    )


def asks_of_evses(wanted: Filter) -> bool:
    """Whether it takes a look at EVSEs to tell."""
    return bool(
        wanted.available_now
        or wanted.remote_start
        or wanted.reservable
        or wanted.accessible
        or wanted.ad_hoc_payment
        or asks_of_connectors(wanted)
    )


def asks_of_connectors(wanted: Filter) -> bool:
    """Whether it takes a look at connectors to tell, prices apart."""
    power = wanted.network.max_power_w if wanted.network else None
    return bool(wanted.standards or wanted.plug_and_charge) or wanted.min_power_w is not None or power is not None


def parts_of(segment: Segment, rows: Rows | None) -> Parts:
    """All EVSEs and connectors of some rows (None: of all)."""
    if rows is None:
        return Parts(ALL, segment.evse_station, ALL, segment.connector_evse)
    evses, station_of = children(segment.evse_start, rows)
    return Parts(evses, station_of, *children(segment.connector_start, evses))


def children(start: Any, parents: Rows) -> tuple[Rows, Rows]:
    """The children of each of some parents, and the place of the parent of each among them."""
    firsts, ends = start[parents].astype(np.int64), start[parents + 1].astype(np.int64)
    return expanded(firsts, ends), np.repeat(np.arange(len(parents)), ends - firsts)


def has_evse(segment: Segment, wanted: Filter, parts: Parts, stations: int) -> Mask:
    """Of each of so many stations, whether one of its EVSEs fits, with one of its connectors where it matters."""
    fits = fitting_evses(segment, wanted, parts)
    if asks_of_connectors(wanted):
        fits &= any_child(fitting_connectors(segment, wanted, parts.connectors), parts.evse_of, len(fits))
    return any_child(fits, parts.station_of, stations)


def any_child(fits: Mask, parent_of: Any, parents: int) -> Mask:
    """Of each of so many parents, whether one of its children fits."""
    found = np.zeros(parents, dtype=bool)
    found[parent_of[fits]] = True
    return found


def fitting_evses(segment: Segment, wanted: Filter, evses: Parts | Any) -> Mask:
    """Whether each EVSE has what is asked of one, its connectors apart."""
    chosen = evses.evses if isinstance(evses, Parts) else evses
    fits = np.ones(len(segment.status) if chosen is ALL else len(chosen), dtype=bool)
    if wanted.available_now:
        fits &= segment.status[chosen] == codes.STATUSES["AVAILABLE"]
    if wanted.remote_start:
        fits &= _any_of(
            segment.capabilities[chosen], codes.CAPABILITIES["REMOTE_START_STOP_CAPABLE"] | codes.STATES_NONE
        )
    if wanted.reservable:
        fits &= _any_of(segment.capabilities[chosen], codes.CAPABILITIES["RESERVABLE"])
    if wanted.ad_hoc_payment:
        fits &= _any_of(segment.capabilities[chosen], codes.mask(codes.CAPABILITIES, TAKES_CARDS))
    if wanted.accessible:
        fits &= segment.accessible[chosen] == 1
    return fits


def fitting_connectors(segment: Segment, wanted: Filter, chosen: Any) -> Mask:
    """Whether each connector has what is asked of one, its EVSE and its price apart."""
    fits = np.ones(len(segment.standard) if chosen is ALL else len(chosen), dtype=bool)
    if wanted.standards:
        fits &= _is_one_of(segment.standard[chosen], wanted.standards)
    if wanted.min_power_w is not None:
        fits &= segment.power_w[chosen] >= max(wanted.min_power_w, 0)
    if wanted.network and wanted.network.max_power_w is not None:
        fits &= segment.power_w[chosen] <= wanted.network.max_power_w
    if wanted.plug_and_charge:
        asked = codes.mask(codes.CONNECTOR_CAPABILITIES, PLUG_AND_CHARGE)
        fits &= _any_of(segment.connector_capabilities[chosen], asked)
    return fits


def _is_one_of(standards: Any, words: tuple[str, ...]) -> Mask:
    asked = np.zeros(256, dtype=bool)
    asked[[codes.STANDARDS[word] for word in words if word in codes.STANDARDS]] = True
    return asked[standards]


def _any_of(bits: Any, asked: int) -> Mask:
    return (bits & np.uint64(asked)) != 0


def _of_station(segment: Segment, wanted: Filter, at: datetime, chosen: Any) -> Mask:
    mask = np.ones(len(segment.id) if chosen is ALL else len(chosen), dtype=bool)
    if wanted.operator_ids:
        mask &= _refs(segment.operators, lambda operator: operator is not None and operator.id in wanted.operator_ids)[
            segment.operator[chosen]
        ]
    if wanted.open_24h:
        mask &= segment.always_open[chosen] == 1
    if wanted.open_now:
        mask &= hours.open_now(segment, at, chosen)
    if wanted.facilities:
        asked = np.uint64(codes.mask(codes.FACILITIES, wanted.facilities))
        mask &= (segment.facilities[chosen] & asked) == asked
    return mask & _visible(segment, wanted.network, chosen) if wanted.network else mask


def _visible(segment: Segment, network: Network, chosen: Any) -> Mask:
    """Whether the brand lets its drivers charge there."""
    parties = _refs(
        segment.parties, lambda party: _is_open("*".join(party), network.allowed_parties, network.blocked_parties)
    )
    stated = np.array([bool(country) for country in segment.countries], dtype=bool)
    countries = _refs(
        segment.countries, lambda country: _is_open(country, network.allowed_countries, network.blocked_countries)
    )
    of_party = _refs(
        segment.parties, lambda party: _is_open(party[0], network.allowed_countries, network.blocked_countries)
    )
    party, country = segment.party[chosen], segment.country[chosen]
    return parties[party] & np.where(stated[country], countries[country], of_party[party])


def _is_open(name: str, allowed: tuple[str, ...], blocked: tuple[str, ...]) -> bool:
    return name not in blocked and (not allowed or name in allowed)


def _refs(table: Any, test: Any) -> Mask:
    """Of each entry of a side table, whether it passes."""
    return np.array([bool(test(entry)) for entry in table], dtype=bool)
