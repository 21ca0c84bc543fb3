"""PostGIS, of Debian's packages, with a server and a folder of its own: the embedded PostgreSQL cannot load it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from _database import scratch
from _report import tell

BIN = Path("/usr/lib/postgresql/15/bin")
CONTROL = Path("/usr/share/postgresql/15/extension/postgis.control")
PACKAGES = ("postgresql-15", "postgresql-15-postgis-3", "postgresql-15-postgis-3-scripts")
USER = "postgres"
SETTINGS = {
    "shared_buffers": "1GB",
    "effective_cache_size": "4GB",
    "work_mem": "64MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "listen_addresses": "",
}


def embedded_can(url: str) -> bool:
    """Whether the embedded PostgreSQL could load it by itself."""
    with psycopg.connect(url) as connection:
        query = "SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'"
        return connection.execute(query).fetchone() is not None


def installed() -> bool:
    """Whether it is there; installs it where that is allowed."""
    if not CONTROL.exists() and shutil.which("apt-get") and os.geteuid() == 0:
        tell("installing PostGIS (once) ...")
        apt = ["apt-get", "-qq", "--no-install-recommends"]
        subprocess.run([*apt, "update"], stdout=subprocess.DEVNULL, check=False)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        with open(os.devnull, "w") as nowhere:
            subprocess.run([*apt, "install", "-y", *PACKAGES], stdout=nowhere, env=environment, check=False)
    return CONTROL.exists() and BIN.is_dir()


@contextmanager
def server() -> Iterator[str]:
    """The URL of a running server; it is stopped at the end, its data are kept."""
    folder = scratch() / "postgis"
    data = folder / "data"
    if not (data / "PG_VERSION").exists():
        folder.mkdir(exist_ok=True)
        shutil.chown(folder, USER)
        _as_user(str(BIN / "initdb"), "-D", str(data), "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
    settings = " ".join(f"-c {name}='{value}'" for name, value in SETTINGS.items())
    options = f"-k {folder} {settings}"
    running = _as_user(str(BIN / "pg_ctl"), "-D", str(data), "status", check=False) == 0
    if not running:
        _as_user(str(BIN / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://{USER}@/postgres?host={folder}"
    finally:
        if not running:
            _as_user(str(BIN / "pg_ctl"), "-D", str(data), "-w", "-m", "fast", "stop", check=False)


def _as_user(*command: str, check: bool = True) -> int:
    prefix = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
    ran = subprocess.run([*prefix, *command], stdout=subprocess.DEVNULL, cwd="/", check=check)
    return ran.returncode


TABLES = """
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TABLE pin (
    id int8 PRIMARY KEY, name text, words text, longitude float8, latitude float8, y float8, operator_id int8,
    available int4, total int4, max_power_w int4, place geometry(point, 4326), globe geography(point)
);
CREATE TABLE socket (station_id int8, standard text, power_w int4, status text);
"""
INDEXES = """
UPDATE pin SET place = ST_SetSRID(ST_MakePoint(longitude, latitude), 4326),
               globe = ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)::geography;
CREATE INDEX ON pin USING gist (place);
CREATE INDEX ON pin USING gist (globe);
CREATE INDEX ON pin USING gin (words gin_trgm_ops);
CREATE INDEX ON socket (station_id) INCLUDE (standard, power_w, status);
CREATE INDEX ON socket (standard, power_w) INCLUDE (station_id, status);
"""


class PostGis:
    """One connection with prepared statements, which is how it is fastest."""

    name = "PostGIS"

    def __init__(self, url: str) -> None:
        self.connection: psycopg.Connection[Any] = psycopg.connect(url, autocommit=True, prepare_threshold=0)

    @staticmethod
    def fill(url: str, name: str, copies: Callable[[], dict[str, bytes]]) -> str:
        """The URL of a database with these rows (`pins.copied`), made if need be."""
        base, _, query = url.partition("?")
        there = f"{base.rsplit('/', 1)[0]}/{name}?{query}"
        with psycopg.connect(url, autocommit=True) as admin:
            if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return there
            admin.execute(f'DROP DATABASE IF EXISTS "{name}_new"')  # type: ignore[call-overload]
            admin.execute(f'CREATE DATABASE "{name}_new"')  # type: ignore[call-overload]
            with psycopg.connect(there.replace(name, f"{name}_new")) as connection:
                connection.execute(TABLES)
                for table, rows in copies().items():
                    columns = "" if table == "socket" else PIN_COLUMNS
                    with connection.cursor() as cursor, cursor.copy(f"COPY {table}{columns} FROM STDIN") as copy:
                        copy.write(rows)
                connection.execute(INDEXES)
            with psycopg.connect(there.replace(name, f"{name}_new"), autocommit=True) as connection:
                connection.execute("VACUUM FULL pin")
                connection.execute("VACUUM ANALYZE")
            admin.execute(f'ALTER DATABASE "{name}_new" RENAME TO "{name}"')  # type: ignore[call-overload]
        return there

    def street(self, box: Any, middle: tuple[float, float]) -> list[Any]:
        """The nearest hundred in the box, and how many there are in all."""
        return self.connection.execute(STREET, {**_sides(box), "x": middle[0], "y": middle[1]}).fetchall()

    def nearest(self, at: tuple[float, float], wanted: Any) -> list[Any]:
        """The nearest twenty with a free charge point that fits."""
        asked = {**wanted._asdict(), "operators": list(wanted.operators), "longitude": at[0], "latitude": at[1]}
        return self.connection.execute(NEAREST, asked).fetchall()

    def clusters(self, box: Any, size_deg: float, wanted: Any | None) -> list[Any]:
        """Counts and middles by cells of the map."""
        asked = {**_sides(box), "size": size_deg, **(wanted._asdict() if wanted else {}), "operators": None}
        return self.connection.execute(f"{CLUSTERS} {FITS if wanted else ''} {BY_CELL}", asked).fetchall()

    def text(self, words: list[str]) -> list[Any]:
        """Ten stations that have every word."""
        return self.connection.execute(TEXT, [[f"%{word}%" for word in words]]).fetchall()


PIN_COLUMNS = " (id, name, words, longitude, latitude, y, operator_id, available, total, max_power_w)"
# An index over places compares boxes of 32-bit numbers, so the edges are looked at once more.
BOXED = """
    place && ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 4326)
    AND longitude BETWEEN %(west)s AND %(east)s AND latitude BETWEEN %(south)s AND %(north)s
"""
STREET = f"""
    SELECT id, name, longitude, latitude, available, total, count(*) OVER () FROM pin
     WHERE {BOXED}
     ORDER BY ST_DistanceSphere(place, ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 4326)) LIMIT 100
"""
NEAREST = """
    SELECT id, name, longitude, latitude, available, total FROM pin
     WHERE operator_id = ANY(%(operators)s) AND EXISTS (
        SELECT FROM socket WHERE station_id = pin.id AND standard = %(standard)s AND power_w >= %(power_w)s
           AND status = 'AVAILABLE'
     ) ORDER BY globe <-> ST_SetSRID(ST_MakePoint(%(longitude)s, %(latitude)s), 4326)::geography LIMIT 20
"""
CLUSTERS = f"""
    SELECT floor((longitude + 180) / %(size)s) AS cell_x, floor(y / %(size)s) AS cell_y,
           count(*), sum(available), sum(total), avg(latitude), avg(longitude), max(max_power_w) FROM pin
     WHERE {BOXED}
"""
FITS = "AND id IN (SELECT station_id FROM socket WHERE standard = %(standard)s AND power_w >= %(power_w)s)"
BY_CELL = "GROUP BY 1, 2"
TEXT = "SELECT id, name FROM pin WHERE words LIKE ALL (%s) LIMIT 10"


def _sides(box: Any) -> dict[str, float]:
    return dict(zip(("west", "south", "east", "north"), box, strict=True))
