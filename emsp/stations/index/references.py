"""What many rows share, as numbers in books: read with each row as a hash, then looked up by one example of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from emsp.stations.index import codes
from emsp.stations.index.books import Books, Hours, Operator
from emsp.stations.index.columns import Array, Arrays
from emsp.stations.index.copied import Connection
from emsp.stations.twins import offers

Values = tuple[Any, ...]


class References:
    """What columns of hashes stand for, in one snapshot of the database."""

    def __init__(self, connection: Connection, books: Books) -> None:
        self._connection, self._books = connection, books

    def understand(self, stations: Arrays, evses: Arrays, connectors: Arrays, ids: list[int] | None) -> None:
        """Put numbers for hashes, and add what follows; `ids` are those of the stations, None for all of them."""
        self._stations(stations)
        self._listed(evses, "evse e", "evse_id", "capability_list", "e.capabilities")
        self._listed(connectors, "connector c", "connector_id", "tariff_list", "c.tariff_keys")
        self._listed(connectors, "connector c", "connector_id", "connector_capabilities", "c.capabilities")
        lists, own = self._books.word_lists, "connector_capabilities"
        evses["capabilities"] = _masks(evses["capability_list"], lists, codes.capability_mask)
        connectors[own] = _masks(connectors[own], lists, lambda words: codes.mask(codes.CONNECTOR_CAPABILITIES, words))
        connectors["ways"] = self._ways(connectors["connector_id"], ids)
        connectors["outlet"] = _outlets(self._books, stations, evses, connectors)

    def _stations(self, stations: Arrays) -> None:
        books, table = self._books, ("station s", "id")
        self._operators(stations)
        self._refer(stations, *table, "party", "s.country_code, s.party_id", books.parties.ref)
        self._refer(stations, *table, "country", "s.country", lambda found: books.countries.ref(found[0]))
        self._refer(stations, *table, "partner", "s.partner_id", lambda found: books.partners.ref(found[0]))
        hours = "s.time_zone, s.twenty_four_seven, s.opening_hours"
        self._refer(stations, *table, "hours_ref", hours, lambda found: books.hours.ref(Hours(*found)))
        self._listed(stations, *table, "facility_list", "s.facilities")
        facilities = stations["facility_list"]
        stations["facilities"] = _masks(facilities, books.word_lists, lambda words: codes.mask(codes.FACILITIES, words))

    def _operators(self, stations: Arrays) -> None:
        """All of them: what any station says of an operator, shown or not, is known at all of its stations."""
        found = self._rows("SELECT id, name, website, phone FROM operator")
        refs = {0: 0} | {row[0]: self._books.operator(Operator(*row)) for row in found}
        ids, inverse = np.unique(stations["operator"], return_inverse=True)
        stations["operator"] = np.array([refs[id_] for id_ in ids.tolist()], dtype=np.uint32)[inverse]

    def _listed(self, arrays: Arrays, table: str, id_: str, column: str, values: str) -> None:
        self._refer(arrays, table, id_, column, values, lambda found: self._books.word_lists.ref(tuple(found[0])))

    def _refer(
        self, arrays: Arrays, table: str, id_: str, column: str, values: str, ref: Callable[[Values], int]
    ) -> None:
        """From hashes to the numbers of values, which are read of the first row with each hash."""
        _, firsts, inverse = np.unique(arrays[column], return_index=True, return_inverse=True)
        examples = arrays[id_][firsts].tolist()
        key = f"{table[-1]}.id"
        found = self._rows(f"SELECT {key}, {values} FROM {table} WHERE {key} = ANY(%(ids)s)", ids=examples)
        refs = {row[0]: ref(row[1:]) for row in found}
        arrays[column] = np.array([refs[example] for example in examples], dtype=np.uint32)[inverse]

    def _ways(self, connector_ids: Array, ids: list[int] | None) -> Array:
        """Over whom charges may be started at connectors, which are in the order of their ids."""
        offered = offers.OFFERED if ids is None else offers.OFFERED_AT.replace(":station_ids", "%(ids)s")
        found = offers.ways_of(self._rows(offered, ids=ids))
        of = np.array(list(found), dtype=np.int64)
        refs = np.array([self._books.ways.ref(ways) for ways in found.values()], dtype=np.int64)
        rows = np.searchsorted(connector_ids, of)
        column = np.zeros(len(connector_ids) + 1, dtype=np.int64)
        there = np.append(connector_ids, -1)[rows] == of
        column[rows[there]] = refs[there]
        return column[:-1]

    def _rows(self, statement: str, **arguments: Any) -> list[Values]:
        return self._connection.execute(cast(Any, statement), arguments).fetchall()


def _masks(refs: Array, lists: list[tuple[str, ...]], mask: Callable[[tuple[str, ...]], int]) -> Array:
    used, inverse = np.unique(refs, return_inverse=True)
    return np.array([mask(lists[ref]) for ref in used.tolist()], dtype=np.uint64)[inverse]


def _outlets(books: Books, stations: Arrays, evses: Arrays, connectors: Arrays) -> Array:
    """The outlet of each connector: what differs in nothing is found by numbers, before anything is put into words."""
    hours = [entry.time_zone for entry in books.hours]
    first_of_zone = np.array([hours.index(time_zone) for time_zone in hours], dtype=np.int64)
    zone = first_of_zone[stations["hours_ref"]]
    place = _numbered(stations["partner"], stations["party"], stations["country"], zone)
    of_station = evses["evse_station"][connectors["connector_evse"]]
    own = ("power_type", "power_w", "tariff_list", "ways")
    number = _numbered(place[of_station], *(connectors[name] for name in own))
    _, examples, inverse = np.unique(number, return_index=True, return_inverse=True)
    station = of_station[examples]
    columns = (
        *(stations[name][station] for name in ("partner", "party", "country")),
        first_of_zone[stations["hours_ref"][station]],
        *(connectors[name][examples] for name in own),
    )
    return books.outlets.refs(np.column_stack(columns).astype(np.int64))[inverse]


def _numbered(*columns: Array) -> Array:
    """A number for each row, the same for rows that are the same in all columns."""
    number = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        values, inverse = np.unique(column, return_inverse=True)
        _, number = np.unique(number * max(len(values), 1) + inverse, return_inverse=True)
    return number
