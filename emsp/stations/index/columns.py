"""Stations as columns: one array for each thing that is known of them, all in the order of their places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsp.stations.index import codes, morton, text
from emsp.stations.index.books import Books
from emsp.stations.index.cells import Cells

Array = NDArray[Any]
Arrays = dict[str, Array]
NEVER = np.iinfo(np.int64).min
"""In columns of times, which are microseconds since 1970: none is known."""

OF_STATIONS: dict[str, str] = {
    "id": "i8",
    "code": "u8",
    "longitude": "f8",
    "latitude": "f8",
    "globe": "f8",
    "operator": "u4",
    "party": "u4",
    "country": "u4",
    "partner": "u4",
    "always_open": "i1",
    "hours_ref": "u4",
    "facilities": "u8",
    "facility_list": "u4",
    "source_updated_at": "i8",
    "version": "u4",
    "alive": "?",
    "counts": "i4",
    "as_of": "i8",
    "max_power_w": "i4",
}
OF_EVSES: dict[str, str] = {
    "evse_id": "i8",
    "evse_station": "i4",
    "position": "i4",
    "status": "u1",
    "status_as_of": "i8",
    "capabilities": "u8",
    "capability_list": "u4",
    "accessible": "i1",
}
OF_CONNECTORS: dict[str, str] = {
    "connector_id": "i8",
    "connector_evse": "i4",
    "connector_position": "i4",
    "standard": "u1",
    "format": "u1",
    "power_w": "i4",
    "power_type": "u1",
    "outlet": "u4",
    "connector_capabilities": "u8",
}
STARTS: dict[str, str] = {"evse_start": "i4", "connector_start": "i4"}
"""Where the EVSEs of a station, the connectors of an EVSE begin; one more than there are, so that each has an end."""
HEAPS = ("heap", "evse_heap", "words")
"""Texts, one after the other, with a column of their beginnings `…_start`: of stations, of EVSEs, and search words."""
DERIVED = ("code", "globe", "alive", "counts", "as_of", "max_power_w")
DTYPES = {
    **OF_STATIONS,
    **OF_EVSES,
    **OF_CONNECTORS,
    **STARTS,
    "by_id": "i8",
    **dict.fromkeys(HEAPS, "u1"),
    **{f"{name}_start": "i8" for name in HEAPS},
}


class Segment:
    """Some stations (n), their EVSEs (m) and connectors (k).

    The stations stand in the order of their `code`, EVSEs in the order of their stations, connectors of their EVSEs.
    What is not known is -1 in `always_open`, `max_power_w`, `accessible`, `power_w`. `hours_ref` refers to `hours`,
    and so on. `counts` has a column for each of `codes.COUNTED`, `globe` those of `on_globe`. A row that is not
    `alive` has been replaced. `at` gives single values, `views` are what `views.of` keeps.
    """

    id: Array
    code: Array
    longitude: Array
    latitude: Array
    globe: Array
    operator: Array
    party: Array
    country: Array
    partner: Array
    always_open: Array
    hours_ref: Array
    facilities: Array
    facility_list: Array
    source_updated_at: Array
    version: Array
    alive: Array
    counts: Array
    as_of: Array
    max_power_w: Array
    evse_start: Array
    evse_id: Array
    evse_station: Array
    position: Array
    status: Array
    status_as_of: Array
    capabilities: Array
    capability_list: Array
    accessible: Array
    connector_start: Array
    connector_id: Array
    connector_evse: Array
    connector_position: Array
    standard: Array
    format: Array
    power_w: Array
    power_type: Array
    outlet: Array
    connector_capabilities: Array
    by_id: Array
    heap: Array
    heap_start: Array
    evse_heap: Array
    evse_heap_start: Array
    words: Array
    words_start: Array

    def __init__(self, arrays: Mapping[str, Array], books: Books, text: dict[str, Array]) -> None:
        for name in DTYPES:
            setattr(self, name, arrays[name])
        self.books, self.text, self.at = books, text, Cells(arrays)
        self.views: Any = None
        self.operators, self.parties, self.countries = books.operators, books.parties, books.countries
        self.partners, self.hours, self.outlets = books.partners, books.hours, books.outlets

    def __len__(self) -> int:
        return len(self.id)

    @staticmethod
    def empty(books: Books | None = None) -> Segment:
        """Without a station."""
        return Segment.made({}, {}, books or Books())

    @staticmethod
    def made(
        columns: Mapping[str, Any],
        texts: Mapping[str, Sequence[bytes]],
        books: Books,
        build: Callable[[Sequence[bytes]], dict[str, Array]] = text.build,
    ) -> Segment:
        """From columns in any order of rows; what follows from others (DERIVED, starts, orders) is left out.

        `evse_station` and `connector_evse` are the numbers of rows as they are given; EVSEs and connectors are put
        into the order of their positions. `texts` has a list for each of HEAPS, in the same order of rows.
        """
        arrays = {name: np.asarray(columns.get(name, ()), dtype=kind) for name, kind in _GIVEN.items()}
        arrays["code"] = morton.code_of(arrays["longitude"], arrays["latitude"]).astype(np.uint64)
        orders = _sort(arrays)
        arrays["globe"] = on_globe(arrays["longitude"], arrays["latitude"])
        heaps = {name: _heap(texts.get(name, ()), orders[name == "evse_heap"]) for name in HEAPS}
        for name, (data, start) in heaps.items():
            arrays[name], arrays[f"{name}_start"] = data, start
        arrays["by_id"] = np.argsort(arrays["id"], kind="stable")
        arrays["alive"] = np.ones(len(arrays["id"]), dtype=bool)
        _count(arrays)
        search_words = texts.get("words", ())
        return Segment(arrays, books, build([search_words[row] for row in orders[0].tolist()] if search_words else []))

    def rows_of(self, ids: Any) -> Array:
        """The rows of those stations that are alive here, in the order of `ids`."""
        if not len(self):
            return np.empty(0, dtype=np.int64)
        wanted = np.asarray(ids, dtype=np.int64)
        there = np.minimum(np.searchsorted(self.id, wanted, sorter=self.by_id), len(self) - 1)
        rows: Array = self.by_id[there]
        living: Array = rows[(self.id[rows] == wanted) & self.alive[rows]]
        return living

    def row_of(self, station_id: int) -> int | None:
        """The row of a station that is alive here."""
        rows = self.rows_of([station_id])
        return int(rows[0]) if len(rows) else None

    def count_again(self, rows: Iterable[int]) -> None:
        """Bring counts and times of stations in line with the statuses of their EVSEs."""
        for row in rows:
            of_station = slice(self.evse_start[row], self.evse_start[row + 1])
            status = self.status[of_station]
            self.counts[row, :-1] = np.bincount(codes.GROUP_OF_STATUS[status], minlength=len(codes.COUNTED) - 1)
            known = self.status_as_of[of_station][status != codes.STATUS_UNKNOWN]
            self.as_of[row] = known.max() if len(known) else NEVER


_GIVEN = {name: kind for name, kind in {**OF_STATIONS, **OF_EVSES, **OF_CONNECTORS}.items() if name not in DERIVED}


def merged(segments: Sequence[Segment], without: Sequence[Sequence[int]]) -> Segment:
    """One segment of the living stations of several that share their books, `without` some ids of each."""
    gone = [np.asarray(ids, dtype=np.int64) for ids in without]
    parts = [
        _part(segment, segment.alive & ~np.isin(segment.id, ids)) for segment, ids in zip(segments, gone, strict=True)
    ]
    columns: Arrays = {}
    stations = evses = 0
    for part, _ in parts:
        part["evse_station"], part["connector_evse"] = part["evse_station"] + stations, part["connector_evse"] + evses
        stations, evses = stations + len(part["id"]), evses + len(part["evse_id"])
    for name in _GIVEN:
        columns[name] = np.concatenate([part[name] for part, _ in parts])
    texts = {name: [line for _, lines in parts for line in lines[name]] for name in HEAPS}
    return Segment.made(columns, texts, segments[0].books)


def _part(segment: Segment, chosen: Array) -> tuple[Arrays, dict[str, list[bytes]]]:
    """The columns and texts of chosen stations, with numbers of rows among them."""
    evses = chosen[segment.evse_station]
    connectors = evses[segment.connector_evse]
    columns: Arrays = {}
    for names, kept in ((OF_STATIONS, chosen), (OF_EVSES, evses), (OF_CONNECTORS, connectors)):
        columns |= {name: getattr(segment, name)[kept] for name in names if name in _GIVEN}
    columns["evse_station"] = (np.cumsum(chosen) - 1)[columns["evse_station"]]
    columns["connector_evse"] = (np.cumsum(evses) - 1)[columns["connector_evse"]]
    texts = {name: lines(segment, name, evses if name == "evse_heap" else chosen) for name in HEAPS}
    return columns, texts


def lines(segment: Segment, name: str, chosen: Array) -> list[bytes]:
    """The texts of a heap for chosen rows."""
    data, start = getattr(segment, name).tobytes(), getattr(segment, f"{name}_start")
    rows = np.flatnonzero(chosen)
    return list(map(data.__getitem__, map(slice, start[rows].tolist(), start[rows + 1].tolist())))


def _heap(texts: Sequence[bytes], order: Array) -> tuple[Array, Array]:
    """Texts in an order, as one array and where each begins."""
    ordered = list(map(texts.__getitem__, order.tolist())) if len(texts) else []
    start = np.zeros(len(order) + 1, dtype=np.int64)
    if ordered:
        start[1:] = np.cumsum(np.fromiter(map(len, ordered), dtype=np.int64, count=len(ordered)))
    return np.frombuffer(b"".join(ordered), dtype=np.uint8), start


def _sort(arrays: Arrays) -> tuple[Array, Array]:
    """Put all rows into their order, with the starts; gives the orders of stations and EVSEs."""
    stations = np.lexsort((arrays["id"], arrays["code"]))
    _take(arrays, OF_STATIONS, stations)
    arrays["evse_station"] = _places(stations)[arrays["evse_station"]].astype(np.int32)
    evses = np.lexsort((arrays["evse_id"], arrays["position"], arrays["evse_station"]))
    _take(arrays, OF_EVSES, evses)
    arrays["connector_evse"] = _places(evses)[arrays["connector_evse"]].astype(np.int32)
    order = (arrays["connector_id"], arrays["connector_position"], arrays["connector_evse"])
    _take(arrays, OF_CONNECTORS, np.lexsort(order))
    arrays["evse_start"] = _starts(arrays["evse_station"], len(stations))
    arrays["connector_start"] = _starts(arrays["connector_evse"], len(evses))
    return stations, evses


def _take(arrays: Arrays, names: Iterable[str], order: Array) -> None:
    for name in names:
        if name in arrays:
            arrays[name] = arrays[name][order]


def _places(order: Array) -> Array:
    """Where each row is, once they are in this order."""
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    return places


def _starts(owners: Array, count: int) -> Array:
    return np.searchsorted(owners, np.arange(count + 1)).astype(np.int32)


def on_globe(longitude: Array, latitude: Array) -> Array:
    """Places on a globe of radius 1, as x, y and z."""
    east, north = np.radians(longitude), np.radians(latitude)
    return np.column_stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])


def _count(arrays: Arrays) -> None:
    """Counts, times and powers of stations, from what is in order."""
    stations, owners, status = len(arrays["id"]), arrays["evse_station"], arrays["status"]
    columns = len(codes.COUNTED)
    cells = owners.astype(np.int64) * columns + codes.GROUP_OF_STATUS[status]
    counts = np.bincount(cells, minlength=stations * columns).reshape(stations, columns).astype(np.int32)
    counts[:, -1] = counts.sum(axis=1)
    known = status != codes.STATUS_UNKNOWN
    as_of = np.full(stations, NEVER, dtype=np.int64)
    np.maximum.at(as_of, owners[known], arrays["status_as_of"][known])
    max_power_w = np.full(stations, -1, dtype=np.int32)
    np.maximum.at(max_power_w, owners[arrays["connector_evse"]], arrays["power_w"])
    arrays |= {"counts": counts, "as_of": as_of, "max_power_w": max_power_w}
