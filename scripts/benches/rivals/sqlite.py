"""SQLite with its R*Tree and FTS5 modules, in this process: the nearest thing to an index of one's own."""

from __future__ import annotations

import csv
import math
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

TABLES = """
CREATE TABLE pin (
    id INTEGER PRIMARY KEY, name TEXT, words TEXT, longitude REAL, latitude REAL, y REAL, operator_id INTEGER,
    available INTEGER, total INTEGER, max_power_w INTEGER
);
CREATE TABLE socket (station_id INTEGER, standard TEXT, power_w INTEGER, status TEXT);
CREATE VIRTUAL TABLE tree USING rtree (id, west, east, south, north);
CREATE VIRTUAL TABLE found USING fts5 (words, content='pin', content_rowid='id', prefix='2 3 4');
"""
INDEXES = """
INSERT INTO tree SELECT id, longitude, longitude, latitude, latitude FROM pin;
INSERT INTO found (rowid, words) SELECT id, words FROM pin;
CREATE INDEX socket_of_station ON socket (station_id, standard, power_w, status);
CREATE INDEX socket_of_kind ON socket (standard, power_w, station_id);
"""
# The planner takes a plan that is 200 times slower at some sizes unless CROSS JOIN tells it the order.
BOXED = (
    "FROM tree CROSS JOIN pin ON pin.id = tree.id WHERE west >= ? AND east <= ? AND south >= ? AND north <= ?"
    " AND longitude BETWEEN ? AND ? AND latitude BETWEEN ? AND ?"
)
STREET = f"""
    SELECT pin.id, name, longitude, latitude, available, total, count(*) OVER () {BOXED}
     ORDER BY metres(longitude, latitude, ?, ?) LIMIT 100
"""
NEAREST = f"""
    SELECT pin.id, name, longitude, latitude, available, total, metres(longitude, latitude, ?, ?) AS far {BOXED}
       AND operator_id IN (SELECT value FROM json_each(?)) AND EXISTS (
        SELECT 1 FROM socket WHERE station_id = pin.id AND standard = ? AND power_w >= ? AND status = 'AVAILABLE'
     ) ORDER BY far LIMIT 20
"""
CLUSTERS = """
    SELECT floor((longitude + 180) / ?) AS cell_x, floor(y / ?) AS cell_y, count(*), sum(available), sum(total),
           avg(latitude), avg(longitude), max(max_power_w) {boxed} {filter} GROUP BY 1, 2
"""
FITS = "AND pin.id IN (SELECT station_id FROM socket WHERE standard = ? AND power_w >= ?)"
TEXT = "SELECT rowid FROM found WHERE found MATCH ? LIMIT 10"
EARTH_RADIUS_M, HALF_TURN_M = 6_371_008.8, 20_038_000
RINGS_M = (2_000, 8_000, 32_000, 128_000, 512_000, 2_048_000, HALF_TURN_M)


class Sqlite:
    """One connection to a file that the page cache holds."""

    name = "SQLite R*Tree"

    def __init__(self, file: Path) -> None:
        self.connection = sqlite3.connect(file)
        self.connection.execute("PRAGMA mmap_size = 1000000000")
        self.connection.execute("PRAGMA cache_size = -200000")
        self.connection.create_function("metres", 4, metres, deterministic=True)

    @staticmethod
    def fill(file: Path, copies: Callable[[], dict[str, bytes]]) -> Path:
        """The file with these rows (`pins.copied`), made if need be."""
        if file.exists():
            return file
        unfinished = file.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        connection = sqlite3.connect(unfinished)
        connection.executescript("PRAGMA journal_mode = off; PRAGMA synchronous = off;" + TABLES)
        for table, rows in copies().items():
            marks = ", ".join("?" * (10 if table == "pin" else 4))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", _rows(rows))
        connection.executescript(INDEXES)
        connection.execute("ANALYZE")
        connection.commit()
        connection.close()
        unfinished.rename(file)
        return file

    def street(self, box: Any, middle: tuple[float, float]) -> list[Any]:
        """The nearest hundred in the box, and how many there are in all."""
        return self.connection.execute(STREET, [*_bounds(box), *middle]).fetchall()

    def nearest(self, at: tuple[float, float], wanted: Any) -> list[Any]:
        """The nearest twenty with a free charge point that fits: in growing boxes, as the tree knows no order."""
        operators = str(list(wanted.operators))
        found: list[Any] = []
        for ring_m in RINGS_M:
            box = _around(*at, ring_m)
            asked = [*at, *_bounds(box), operators, wanted.standard, wanted.power_w]
            found = [row for row in self.connection.execute(NEAREST, asked) if row[6] <= ring_m]
            if len(found) == 20:
                break
        return found

    def clusters(self, box: Any, size_deg: float, wanted: Any | None) -> list[Any]:
        """Counts and middles by cells of the map."""
        query = CLUSTERS.format(boxed=BOXED, filter=FITS if wanted else "")
        demand = [wanted.standard, wanted.power_w] if wanted else []
        return self.connection.execute(query, [size_deg, size_deg, *_bounds(box), *demand]).fetchall()

    def text(self, words: list[str]) -> list[Any]:
        """Ten stations that have every word, or one that begins with it."""
        return self.connection.execute(TEXT, [" ".join(f'"{word}"*' for word in words)]).fetchall()


def metres(longitude: float, latitude: float, other_longitude: float, other_latitude: float) -> float:
    """Great-circle distance."""
    half_height = math.sin(math.radians(other_latitude - latitude) / 2)
    half_width = math.sin(math.radians(other_longitude - longitude) / 2)
    across = math.cos(math.radians(latitude)) * math.cos(math.radians(other_latitude)) * half_width**2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half_height**2 + across)))


def _around(longitude: float, latitude: float, radius_m: float) -> tuple[float, float, float, float]:
    height = math.degrees(radius_m / EARTH_RADIUS_M) * 1.001
    width = height / max(math.cos(math.radians(latitude)), 0.01) * 1.3
    return longitude - width, latitude - height, longitude + width, latitude + height


def _bounds(box: Any) -> list[float]:
    """For the tree, whose numbers have 32 bits, a hair more; then exactly."""
    west, south, east, north = box
    hair = 1e-4
    return [west - hair, east + hair, south - hair, north + hair, west, east, south, north]


def _rows(copied: bytes) -> Iterator[list[str | None]]:
    for row in csv.reader(copied.decode().replace("\\n", " ").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        yield [None if value == "\\N" else value for value in row]
