"""Stations read from PostgreSQL into columns: all of them, or those with some ids.

Numbers come by COPY in binary, which numpy reads as it is; words and lists that many rows share come as hashes, with
one statement for what each hash stands for; texts come as JSON, which is kept as it comes. Both halves of a row come
in the order of ids, so that they belong together by their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import compress
from select import select as wait
from typing import Any, NamedTuple, cast

import numpy as np
import psycopg

from emsp.db.engine import database_url
from emsp.stations.index import codes
from emsp.stations.index.books import Books, Hours, Operator
from emsp.stations.index.columns import Array, Arrays, Segment
from emsp.stations.index.records import EVSE_TEXTS, STATION_TEXTS
from emsp.stations.twins import shown

Connection = psycopg.Connection[Any]
Progress = Callable[[int, int], None]
"""Called with the rows that were read and those that are expected, all tables together."""

POSTGRES_EPOCH_US = 946_684_800_000_000
EVERY_ROWS = 100_000
COPY_HEAD = 19
"""Bytes before the first row of a binary COPY."""
KINDS = {"int8": "i8", "float8": "f8", "int4": "i4", "int2": "i2", "timestamptz": "i8"}


class Read(NamedTuple):
    """What was read, and the position in the change log that it is true for."""

    segment: Segment
    position: str


STATION = {
    "id": ("int8", "s.id"),
    "longitude": ("float8", "s.longitude"),
    "latitude": ("float8", "s.latitude"),
    "operator": ("int8", "coalesce(s.operator_id, 0)"),
    "party": ("int8", "hashtextextended(s.country_code || '*' || s.party_id, 0)"),
    "country": ("int8", "coalesce(hashtextextended(s.country, 0), 0)"),
    "partner": ("int8", "uuid_hash_extended(s.partner_id, 0)"),
    "always_open": ("int2", "coalesce(s.twenty_four_seven::int, -1)::int2"),
    "hours_ref": (
        "int8",
        "hashtextextended(s.time_zone, coalesce(s.twenty_four_seven::int, -1))"
        " # coalesce(jsonb_hash_extended(s.opening_hours, 1), 0)",
    ),
    "facility_list": ("int8", "hash_array_extended(s.facilities, 0)"),
    "source_updated_at": ("timestamptz", "s.source_updated_at"),
}
EVSE = {
    "evse_id": ("int8", "e.id"),
    "evse_station": ("int8", "e.station_id"),
    "position": ("int4", "e.position"),
    "status": ("int4", "coalesce(array_position(%(statuses)s, coalesce(f.status, e.status)) - 1, %(status_unknown)s)"),
    "status_as_of": ("timestamptz", "coalesce(f.status_as_of, e.status_as_of)"),
    "capability_list": ("int8", "hash_array_extended(e.capabilities, 0)"),
    "accessible": ("int2", "coalesce(e.accessible::int, -1)::int2"),
}
CONNECTOR = {
    "connector_id": ("int8", "c.id"),
    "connector_evse": ("int8", "c.evse_id"),
    "connector_position": ("int4", "c.position"),
    "standard": ("int4", "coalesce(array_position(%(standards)s, c.standard) - 1, 0)"),
    "format": ("int4", "coalesce(array_position(%(formats)s, c.format) - 1, 0)"),
    "power_type": ("int4", "coalesce(array_position(%(power_types)s, c.power_type) - 1, 0)"),
    "power_w": ("int4", "coalesce(c.max_power_w, -1)"),
    "tariff_list": ("int8", "hash_array_extended(c.tariff_keys, 0)"),
    "connector_capabilities": ("int8", "hash_array_extended(c.capabilities, 0)"),
}
BOOKS_OF_CODES: dict[str, Any] = {
    "statuses": list(codes.STATUS_WORDS),
    "status_unknown": codes.STATUS_UNKNOWN,
    "standards": list(codes.STANDARD_WORDS),
    "formats": list(codes.FORMAT_WORDS),
    "power_types": list(codes.POWER_TYPE_WORDS),
}
_TEXT = {"parking_restrictions": "array_to_json(e.parking_restrictions)::text"}
STATION_JSON = f"array_to_json(ARRAY[{', '.join(f's.{name}' for name in STATION_TEXTS)}])"
EVSE_JSON = f"array_to_json(ARRAY[{', '.join(_TEXT.get(name, f'e.{name}') for name in EVSE_TEXTS)}])"


class _Reader:
    """One reading: of all stations where `ids` is None."""

    def __init__(self, connection: Connection, ids: list[int] | None, progress: Progress | None) -> None:
        self.connection, self.progress = connection, progress
        self.arguments: dict[str, Any] = {**BOOKS_OF_CODES, "ids": ids}
        some = ids is not None
        self.stations = f"station s WHERE {shown.IS_PIN}" + (" AND s.id = ANY(%(ids)s)" if some else "")
        self.evses = f"{shown.EVSE_IS_SHOWN}" + (" AND e.station_id = ANY(%(ids)s)" if some else "")
        self.connectors = "connector c WHERE NOT c.removed" + (" AND c.evse_id = ANY(%(evse_ids)s)" if some else "")
        freshest = shown.FRESHEST_OF.replace(":station_ids", "%(ids)s") if some else shown.FRESHEST
        self.freshest = f"evse e LEFT JOIN ({freshest}) f ON f.pin_evse_id = e.id WHERE {self.evses}"
        self.done, self.expected = 0, 0

    def segment(self, books: Books, version: int) -> Segment:
        if self.progress:
            self.expected = _expected(self.connection)
        stations = self._columns(STATION, self.stations)
        texts, words = self._station_texts()
        evses = self._columns(EVSE, self.freshest)
        evse_texts = self._lines(f"{EVSE_JSON} FROM evse e WHERE {self.evses} ORDER BY e.id")
        kept = _owned(evses, "evse_station", stations["id"])
        self.arguments["evse_ids"] = evses["evse_id"].tolist() if self.arguments["ids"] is not None else None
        connectors = self._columns(CONNECTOR, self.connectors)
        _owned(connectors, "connector_evse", evses["evse_id"])
        self._understand(books, stations, evses, connectors)
        stations["version"] = np.full(len(stations["id"]), version)
        texts_by_heap = {"heap": texts, "evse_heap": list(compress(evse_texts, kept.tolist())), "words": words}
        return Segment.made({**stations, **evses, **connectors}, texts_by_heap, books)

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(cast(Any, statement), self.arguments).fetchall()

    def _copied(self, select: str, options: str = "") -> list[bytes]:
        """The rows of a COPY. By the driver's lowest level, which takes half the time for millions of rows."""
        statement = f"COPY (SELECT {select}) TO STDOUT {options}"
        whole = psycopg.ClientCursor(self.connection).mogrify(cast(Any, statement), self.arguments)
        server = self.connection.pgconn
        server.exec_(whole.encode())
        rows: list[bytes] = []
        while (got := server.get_copy_data(1))[0] >= 0:
            if got[0]:
                rows.append(bytes(got[1]))
                self._count_one()
            else:
                wait([server.socket], [], [])
                server.consume_input()
        answer = server.get_result()
        if answer is None or answer.status != psycopg.pq.ExecStatus.COMMAND_OK:
            raise psycopg.OperationalError(server.get_error_message())
        server.get_result()
        return rows

    def _count_one(self) -> None:
        self.done += 1
        if self.progress and self.done % EVERY_ROWS == 0:
            self.progress(self.done, self.expected)

    def _columns(self, columns: Mapping[str, tuple[str, str]], source: str) -> Arrays:
        """Columns of fixed width that are never null, in the order of the first."""
        listed = ", ".join(expression for _, expression in columns.values())
        data = b"".join(self._copied(f"{listed} FROM {source} ORDER BY 1", "(FORMAT binary)"))
        fields = [("fields", ">i2")]
        for name, (kind, _) in columns.items():
            fields += [(f"{name} length", ">i4"), (name, f">{KINDS[kind]}")]
        row = np.dtype(fields)
        rows = np.frombuffer(data, dtype=row, count=(len(data) - COPY_HEAD - 2) // row.itemsize, offset=COPY_HEAD)
        arrays = {name: rows[name].astype(KINDS[kind]) for name, (kind, _) in columns.items()}
        for name, (kind, _) in columns.items():
            if kind == "timestamptz":
                arrays[name] += POSTGRES_EPOCH_US
        return arrays

    def _lines(self, select: str) -> list[bytes]:
        """A line of JSON for each row. JSON escapes all but the backslash that COPY would escape."""
        data = b"".join(self._copied(select))
        return data.replace(b"\\\\", b"\\").split(b"\n")[:-1]

    def _station_texts(self) -> tuple[list[bytes], list[bytes]]:
        lines = self._lines(f"{STATION_JSON}, s.search_words FROM {self.stations} ORDER BY s.id")
        pairs = [line.rpartition(b"\t") for line in lines]
        return [pair[0] for pair in pairs], [pair[2].replace(b"\\n", b"\n") for pair in pairs]

    def _understand(self, books: Books, stations: Arrays, evses: Arrays, connectors: Arrays) -> None:
        """From hashes to references, and what follows from the lists they stand for."""
        self._operators(books, stations)
        self._refer(stations, "party", "s.country_code, s.party_id", self.stations, books.parties.ref)
        self._refer(stations, "country", "s.country", self.stations, lambda found: books.countries.ref(found[0]))
        self._refer(stations, "partner", "s.partner_id", self.stations, lambda found: books.partners.ref(found[0]))
        hours = "s.time_zone, s.twenty_four_seven, s.opening_hours"
        self._refer(stations, "hours_ref", hours, self.stations, lambda found: books.hours.ref(Hours(*found)))

        def listed(found: tuple[Any, ...]) -> int:
            return books.word_lists.ref(tuple(found[0]))

        self._refer(stations, "facility_list", "s.facilities", self.stations, listed)
        self._refer(evses, "capability_list", "e.capabilities", f"evse e WHERE {self.evses}", listed)
        self._refer(connectors, "tariff_list", "c.tariff_keys", self.connectors, listed)
        capabilities = "connector_capabilities"
        self._refer(connectors, capabilities, "c.capabilities", self.connectors, listed)
        lists = books.word_lists
        stations["facilities"] = _masks(
            stations["facility_list"], lists, lambda words: codes.mask(codes.FACILITIES, words)
        )
        evses["capabilities"] = _masks(evses["capability_list"], lists, codes.capability_mask)
        of_connector = codes.CONNECTOR_CAPABILITIES
        connectors[capabilities] = _masks(
            connectors[capabilities], lists, lambda words: codes.mask(of_connector, words)
        )
        connectors["outlet"] = _outlets(books, stations, evses, connectors)

    def _operators(self, books: Books, stations: Arrays) -> None:
        """All of them: what any station says of an operator, shown or not, is known at all of its stations."""
        found = self._rows("SELECT id, name, website, phone FROM operator")
        refs = {0: 0} | {row[0]: books.operator(Operator(*row)) for row in found}
        ids, inverse = np.unique(stations["operator"], return_inverse=True)
        stations["operator"] = np.array([refs[id_] for id_ in ids.tolist()], dtype=np.uint32)[inverse]

    def _refer(
        self, arrays: Arrays, column: str, values: str, source: str, ref: Callable[[tuple[Any, ...]], int]
    ) -> None:
        hashed = {**STATION, **EVSE, **CONNECTOR}[column][1]
        found = self._rows(f"SELECT DISTINCT {hashed}, {values} FROM {source}")
        refs = {row[0]: ref(row[1:]) for row in found}
        hashes, inverse = np.unique(arrays[column], return_inverse=True)
        arrays[column] = np.array([refs[hash_] for hash_ in hashes.tolist()], dtype=np.uint32)[inverse]


def _owned(arrays: Arrays, owner: str, ids: Array) -> Array:
    """Replace ids of owners, which are in order, by their rows; what has no owner is left out. Gives what was kept."""
    if not len(ids):
        kept = np.zeros(len(arrays[owner]), dtype=bool)
        rows = np.zeros(len(kept), dtype=np.int64)
    else:
        rows = np.minimum(np.searchsorted(ids, arrays[owner]), len(ids) - 1)
        kept = ids[rows] == arrays[owner]
    arrays[owner] = rows
    for name in arrays:
        arrays[name] = arrays[name][kept]
    return kept


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
    number = _numbered(place[of_station], connectors["power_type"], connectors["power_w"], connectors["tariff_list"])
    _, examples, inverse = np.unique(number, return_index=True, return_inverse=True)
    station = of_station[examples]
    columns = (
        *(stations[name][station] for name in ("partner", "party", "country")),
        first_of_zone[stations["hours_ref"][station]],
        *(connectors[name][examples] for name in ("power_type", "power_w", "tariff_list")),
    )
    return books.outlets.refs(np.column_stack(columns).astype(np.int64))[inverse]


def _numbered(*columns: Array) -> Array:
    """A number for each row, the same for rows that are the same in all columns."""
    number = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        values, inverse = np.unique(column, return_inverse=True)
        _, number = np.unique(number * max(len(values), 1) + inverse, return_inverse=True)
    return number


EXPECTED = """
    SELECT sum(greatest(reltuples, pg_relation_size(id) / 500) * times)::int8 FROM pg_class
      JOIN (VALUES ('station'::regclass, 2), ('evse'::regclass, 2), ('connector'::regclass, 1)) t(id, times)
        ON id = pg_class.oid
"""
"""Rows that are read, numbers and texts apart, by what PostgreSQL thinks that its tables hold."""


def _expected(connection: Connection) -> int:
    row = connection.execute(EXPECTED).fetchone()
    return row[0] if row else 0


def expected_rows() -> int:
    """How many rows a reading of all stations is thought to take."""
    with connect() as connection:
        return _expected(connection)


def connect() -> Connection:
    """A connection that reads in one snapshot for the length of a transaction."""
    connection = psycopg.connect(database_url())
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


def read(
    connection: Connection,
    books: Books,
    ids: Iterable[int] | None = None,
    *,
    version: int = 0,
    progress: Progress | None = None,
) -> Read:
    """The stations that are shown, all or those with some ids, as they are in one snapshot of the database."""
    chosen = None if ids is None else sorted(set(ids))
    with connection.transaction():
        tuning = "work_mem = '256MB'" if chosen is None else "enable_seqscan = off"
        connection.execute(cast(Any, f"SET LOCAL {tuning}"))
        (position,) = connection.execute("SELECT pg_current_snapshot()::text").fetchone() or ("",)
        return Read(_Reader(connection, chosen, progress).segment(books, version), position)
