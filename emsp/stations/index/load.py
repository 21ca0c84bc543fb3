"""Stations read from PostgreSQL into columns: all of them, or those with some ids.

Numbers come in binary, with a text behind them that is kept as it comes: JSON, and a station's search words in the
lines after it. Words and lists that many rows share come as hashes (see `references`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import compress
from typing import Any, NamedTuple, cast

import numpy as np
import psycopg

from emsp.db.engine import database_url
from emsp.stations.index import codes
from emsp.stations.index.books import Books
from emsp.stations.index.columns import Array, Arrays, Segment
from emsp.stations.index.copied import Columns, Copied, copied
from emsp.stations.index.copied import Connection as Connection
from emsp.stations.index.records import EVSE_TEXTS, STATION_TEXTS
from emsp.stations.index.references import References
from emsp.stations.twins import shown

Progress = Callable[[int, int], None]
"""Called with the rows that were read and those that are expected, all tables together."""


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
STATION_JSON = f"array_to_json(ARRAY[{', '.join(f's.{name}' for name in STATION_TEXTS)}])::text"
EVSE_JSON = f"array_to_json(ARRAY[{', '.join(_TEXT.get(name, f'e.{name}') for name in EVSE_TEXTS)}])::text"


class _Reader:
    """One reading: of all stations where `ids` is None."""

    def __init__(self, connection: Connection, ids: list[int] | None, progress: Progress | None) -> None:
        self.connection, self.ids, self.progress = connection, ids, progress
        self.arguments: dict[str, Any] = {**BOOKS_OF_CODES, "ids": ids}
        self.done, self.expected = 0, _expected(connection) if progress else 0

    def segment(self, books: Books, version: int) -> Segment:
        """The stations with what they have."""
        stations, texts = self._stations()
        evses, evse_texts = self._evses()
        kept = _owned(evses, "evse_station", stations["id"])
        connectors = self._connectors(evses["evse_id"])
        _owned(connectors, "connector_evse", evses["evse_id"])
        References(self.connection, books).understand(stations, evses, connectors, self.ids)
        stations["version"] = np.full(len(stations["id"]), version)
        parts = [text.partition(b"\n") for text in texts]
        heaps = {
            "heap": [json for json, _, _ in parts],
            "evse_heap": list(compress(evse_texts, kept.tolist())),
            "words": [words for _, _, words in parts],
        }
        return Segment.made({**stations, **evses, **connectors}, heaps, books)

    def _stations(self) -> Copied:
        source = f"station s WHERE {shown.IS_PIN}" + self._if_some("s.id = ANY(%(ids)s)")
        return self._copied(STATION, source, f"{STATION_JSON} || E'\\n' || s.search_words")

    def _evses(self) -> Copied:
        freshest = shown.FRESHEST if self.ids is None else shown.FRESHEST_OF.replace(":station_ids", "%(ids)s")
        source = f"evse e LEFT JOIN ({freshest}) f ON f.pin_evse_id = e.id WHERE {shown.EVSE_IS_SHOWN}"
        return self._copied(EVSE, source + self._if_some("e.station_id = ANY(%(ids)s)"), EVSE_JSON)

    def _connectors(self, evse_ids: Array) -> Arrays:
        if self.ids is not None:
            self.arguments["evse_ids"] = evse_ids.tolist()
        source = "connector c WHERE NOT c.removed" + self._if_some("c.evse_id = ANY(%(evse_ids)s)")
        return self._copied(CONNECTOR, source).columns

    def _if_some(self, condition: str) -> str:
        return "" if self.ids is None else f" AND {condition}"

    def _copied(self, columns: Columns, source: str, text: str | None = None) -> Copied:
        return copied(self.connection, columns, source, self.arguments, text=text, counting=self._count)

    def _count(self, rows: int) -> None:
        self.done += rows
        if self.progress:
            self.progress(self.done, self.expected)


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


EXPECTED = """
    SELECT sum(greatest(reltuples, pg_relation_size(id) / 500))::int8 FROM pg_class
      JOIN (VALUES ('station'::regclass), ('evse'::regclass), ('connector'::regclass)) t(id)
        ON id = pg_class.oid
"""
"""Rows that are read, by what PostgreSQL thinks that its tables hold."""


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
