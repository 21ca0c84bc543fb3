"""Does the index hold what the database holds? Every station, EVSE and connector is compared in all that is kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from emsp.stations.index import snapshot
from emsp.stations.index.columns import OF_CONNECTORS, OF_EVSES, OF_STATIONS, Array, Arrays, Segment, lines
from emsp.stations.index.follow import Follower

NOT_COMPARED = ("version", "alive", "evse_station", "connector_evse")
"""They are of one index only."""


class Difference(NamedTuple):
    """At a station, something of it is not the same in the index and in the database; "there" is the thing itself."""

    station_id: int
    column: str
    thing_id: int


async def differences(follower: Follower) -> list[Difference]:
    """Between an index that catches up now, and all that the database shows; in the quiet there are none.

    What is written while the database is read shows as a difference: it is looked at twice.
    """
    await follower.catch_up()
    database = snapshot.from_database().segment
    suspects = compared(follower.index.segments, [database])
    if not suspects:
        return []
    await follower.catch_up()
    again = set(compared(follower.index.segments, [snapshot.from_database().segment]))
    return [difference for difference in suspects if difference in again]


def compared(index: Sequence[Segment], database: Sequence[Segment]) -> list[Difference]:
    """Where two sets of segments do not hold the same living stations."""
    found: list[Difference] = []
    for ours, theirs in zip(_tables(index), _tables(database), strict=True):
        found += _compared(ours, theirs)
    return sorted(set(found))


class _Table(NamedTuple):
    """Things with their stations, in the order of their ids, and columns of what can be compared."""

    ids: Array
    station_ids: Array
    columns: Arrays


def _tables(segments: Sequence[Segment]) -> list[_Table]:
    return [_joined(part) for part in zip(*map(_parts, segments), strict=True)]


def _joined(parts: Iterable[_Table]) -> _Table:
    listed = list(parts)
    ids = np.concatenate([part.ids for part in listed])
    order = np.argsort(ids, kind="stable")
    columns = {name: np.concatenate([part.columns[name] for part in listed])[order] for name in listed[0].columns}
    return _Table(ids[order], np.concatenate([part.station_ids for part in listed])[order], columns)


def _parts(segment: Segment) -> tuple[_Table, _Table, _Table]:
    stations = segment.alive
    evses = stations[segment.evse_station]
    connectors = evses[segment.connector_evse]
    of_evse = segment.id[segment.evse_station]
    of_connector = of_evse[segment.connector_evse]
    words = {"heap": _texts(segment, "heap", stations), "words": _texts(segment, "words", stations)}
    evse_words = {"evse_heap": _texts(segment, "evse_heap", evses)}
    return (
        _Table(segment.id[stations], segment.id[stations], _columns(segment, OF_STATIONS, stations) | words),
        _Table(segment.evse_id[evses], of_evse[evses], _columns(segment, OF_EVSES, evses) | evse_words),
        _Table(
            segment.connector_id[connectors], of_connector[connectors], _columns(segment, OF_CONNECTORS, connectors)
        ),
    )


def _texts(segment: Segment, name: str, chosen: Array) -> Array:
    found = np.empty(int(chosen.sum()), dtype=object)
    found[:] = lines(segment, name, chosen)
    return found


def _columns(segment: Segment, names: Iterable[str], chosen: Array) -> Arrays:
    columns = {name: getattr(segment, name)[chosen] for name in names if name not in NOT_COMPARED}
    for name, book, key in _books(segment):
        if name in columns:
            columns[name] = _understood(columns[name], book, key)
    return columns


def _books(segment: Segment) -> Iterable[tuple[str, Sequence[Any], Callable[[Any], Hashable]]]:
    books, packed = segment.books, msgspec.msgpack.encode
    return (
        ("operator", books.operators, packed),
        ("party", books.parties, packed),
        ("country", books.countries, packed),
        ("partner", books.partners, packed),
        ("hours_ref", books.hours, packed),
        ("outlet", books.outlets, packed),
        ("facility_list", books.word_lists, packed),
        ("capability_list", books.word_lists, packed),
    )


def _understood(refs: Array, book: Sequence[Any], key: Callable[[Any], Hashable]) -> Array:
    """What numbers stand for."""
    used, inverse = np.unique(refs, return_inverse=True)
    values = np.empty(len(used), dtype=object)
    values[:] = [key(book[ref]) for ref in used.tolist()]
    return values[inverse]


def _compared(ours: _Table, theirs: _Table) -> list[Difference]:
    both, here, there = np.intersect1d(ours.ids, theirs.ids, assume_unique=False, return_indices=True)
    found = [_missing(table, row) for table in (ours, theirs) for row in np.flatnonzero(~np.isin(table.ids, both))]
    found += [_missing(ours, row) for row in np.flatnonzero(ours.ids[1:] == ours.ids[:-1])]
    columns = [("station", ours.station_ids, theirs.station_ids)]
    columns += [(name, ours.columns[name], theirs.columns[name]) for name in ours.columns]
    for name, one, other in columns:
        unlike = one[here] != other[there]
        rows = here[unlike.any(axis=1) if unlike.ndim > 1 else unlike]
        found += [Difference(int(ours.station_ids[row]), name, int(ours.ids[row])) for row in rows]
    return found


def _missing(table: _Table, row: Any) -> Difference:
    return Difference(int(table.station_ids[row]), "there", int(table.ids[row]))
