"""Databases that the benches ask: an embedded PostgreSQL of their own, filled with the made continent.

A filled database is kept in the scratch folder and copied for each run, so that only the first one waits for it.
Everything is as `emsp migrate` leaves it, and the server runs as it comes, with fsync.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count as count_from
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID, uuid5

import _continent
import orjson
import psycopg
from psycopg import sql

NAMESPACE = UUID("7a1c7a60-55d5-4f1e-9a3e-0c6a1f6c2f11")
_copies = count_from(1)
BLOCK, LOCK = 10_000, 7_310_246
ROOM = "has-400-connections"
STATION = (
    "id partner_id country_code party_id external_id external_key operator_id name street city postal_code country"
    " latitude longitude time_zone twenty_four_seven opening_hours facilities publish shown search_words content_hash"
    " source_updated_at updated_at"
)
EVSE = (
    "id station_id uid uid_key position evse_id evse_key status status_as_of capabilities parking_restrictions removed"
    " source_updated_at"
)
CONNECTOR = (
    "id evse_id external_id external_key position standard format power_type max_power_w max_voltage_v max_amperage_a"
    " tariff_keys capabilities removed source_updated_at"
)
DROPPED = ("station_search", "station_place", "ix_evse_evse_key")
"""Built once the rows are there, which takes a quarter of the time."""


def scratch() -> Path:
    """Where databases and rivals are kept between runs: outside the repository."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("EMSP_BENCH_DIR") or base / "emsp-benches")
    if folder.is_relative_to("/root"):  # closed to the system user that PostgreSQL runs as
        folder = Path("/var/tmp/emsp-benches")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def server() -> str:
    """The URL of the benches' own embedded PostgreSQL, which ends with this process."""
    from emsp.db import embedded

    if not (scratch() / ROOM).exists():  # read at the server's start only, so that one begins and ends before
        subprocess.run([sys.executable, __file__], check=True)
        (scratch() / ROOM).touch()
    return embedded.start(scratch(), "postgres")


def _make_room() -> None:
    """Connections for all the servers that a bench runs at once."""
    from emsp.db import embedded

    with psycopg.connect(embedded.start(scratch(), "postgres"), autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET max_connections = 400")


def named(url: str, database: str) -> str:
    """`url` with another database's name."""
    base, _, query = url.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{database}?{query}"


def use(url: str) -> None:
    """Everything of `emsp` in this process, and in those that it starts, is about this database from now on."""
    from emsp.db import engine
    from emsp.settings import settings

    os.environ["EMSP_DATABASE_URL"] = url
    os.environ.setdefault("EMSP_DATA_DIR", str(scratch() / "data"))
    os.environ.setdefault("EMSP_SECRET_KEY", "a key for benches only")
    os.environ.setdefault("EMSP_LOG_LEVEL", "WARNING")
    os.environ.setdefault("EMSP_ALLOW_PRIVATE_PARTNERS", "1")
    settings.cache_clear()
    engine.database_url.cache_clear()


@contextmanager
def continent(count: int, *, own: bool = False) -> Iterator[str]:
    """The URL of a database with so many made locations, in use. With `own` it is a copy that may be spoiled."""
    url = server()
    name = f"continent_{count}_{_version()}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            _make(admin, url, name, count)
        if own:
            copy = f"bench_{os.getpid()}_{next(_copies)}"
            _run(admin, "DROP DATABASE IF EXISTS {} WITH (FORCE)", copy)
            _run(admin, "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", copy, name)
    use(named(url, copy if own else name))
    try:
        yield named(url, copy if own else name)
    finally:
        if own:
            with psycopg.connect(url, autocommit=True) as admin:
                _run(admin, "DROP DATABASE {} WITH (FORCE)", copy)


@contextmanager
def empty() -> Iterator[str]:
    """The URL of a migrated database without a station, in use, dropped at the end."""
    with continent(0, own=True) as url:
        yield url


def _make(admin: psycopg.Connection[Any], url: str, name: str, count: int) -> None:
    from emsp.db import migrate

    started = perf_counter()
    unfinished = f"{name}_unfinished"
    _run(admin, "DROP DATABASE IF EXISTS {} WITH (FORCE)", unfinished)
    _run(admin, "CREATE DATABASE {}", unfinished)
    use(named(url, unfinished))
    migrate.apply()
    with psycopg.connect(named(url, unfinished)) as connection:
        fill(connection, count)
    with psycopg.connect(named(url, unfinished), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    _run(admin, "ALTER DATABASE {} RENAME TO {}", unfinished, name)
    print(f"made {count:,} locations in {perf_counter() - started:,.0f} s", file=sys.stderr)


def fill(connection: psycopg.Connection[Any], count: int) -> None:
    """Copy so many made locations into the tables of a migrated, empty database; ids are 1, 2, 3 and so on."""
    connection.execute("SET session_replication_role = replica")  # keys are right as they are made
    _owners(connection)
    definitions = [
        row[0]
        for row in connection.execute(
            "SELECT indexdef FROM pg_indexes WHERE indexname = ANY(%s)", [list(DROPPED)]
        ).fetchall()
    ]
    for index in DROPPED:
        connection.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(index)))
    evse_id, connector_id, made = 0, 0, _continent.locations(count) if count else iter(())
    while block := list(islice(made, BLOCK)):
        evses = list(enumerate(((place, evse) for place in block for evse in place.evses), evse_id + 1))
        connectors = [
            (id_, position, each) for id_, (_, evse) in evses for position, each in enumerate(evse.connectors)
        ]
        _copy(connection, "station", STATION, (_station(place) for place in block))
        _copy(connection, "evse", EVSE, (_evse(id_, place, evse) for id_, (place, evse) in evses))
        _copy(
            connection, "connector", CONNECTOR, (_connector(i, *c) for i, c in enumerate(connectors, connector_id + 1))
        )
        evse_id, connector_id = evse_id + len(evses), connector_id + len(connectors)
    for table, last in (("station", count), ("evse", evse_id), ("connector", connector_id)):
        if last:
            connection.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, last])
    connection.execute("SET maintenance_work_mem = '1GB'")
    for definition in definitions:
        connection.execute(definition)


def _owners(connection: psycopg.Connection[Any]) -> None:
    stamp = _continent.MADE_AT
    for party in range(_continent.PARTIES):
        id_, name = partner_id(party), f"Company {party}"
        connection.execute("INSERT INTO partner (id, name, created_at) VALUES (%s, %s, %s)", [id_, name, stamp])
        connection.execute(
            "INSERT INTO party (id, partner_id, country_code, party_id, role, name)"
            " VALUES (%s, %s, 'NL', %s, 'CPO', %s)",
            [uuid5(NAMESPACE, f"party {party}"), id_, _continent.party_id(party), name],
        )
    with connection.cursor() as cursor:
        names = [[f"Operator {number}"] for number in range(_continent.OPERATORS)]
        cursor.executemany("INSERT INTO operator (name) VALUES (%s)", names)


def partner_id(party: int) -> UUID:
    """The partner that a party of the made continent belongs to."""
    return uuid5(NAMESPACE, f"partner {party}")


def _copy(connection: psycopg.Connection[Any], table: str, columns: str, lines: Iterable[str]) -> None:
    names = columns.replace(" ", ", ")
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        copy.write("".join(lines))


def _line(*values: object) -> str:
    return "\t".join(["\\N" if value is None else str(value) for value in values]) + "\n"


def _list(words: Iterable[str]) -> str:
    return "{" + ",".join(words) + "}"


def _station(place: _continent.Location) -> str:
    newest = max(evse.as_of for evse in place.evses)
    hours = orjson.dumps(place.hours).decode() if place.hours else None
    always = None if place.hours is None else "t" if place.hours["twentyfourseven"] else "f"
    return _line(
        place.number + 1, partner_id_text(place.party), "NL", _continent.party_id(place.party), place.id,
        place.id.lower(), place.operator + 1, place.name, place.street, place.city, place.postal_code, place.country,
        place.latitude, place.longitude, place.time_zone, always, hours, _list(place.facilities), "t", "t",
        search_words(place), "", newest, newest,
    )  # fmt: skip


_partner_ids = [str(partner_id(party)) for party in range(_continent.PARTIES)]


def partner_id_text(party: int) -> str:
    """`partner_id` as text."""
    return _partner_ids[party]


def search_words(place: _continent.Location) -> str:
    """As `emsp.stations.rows.search_words` makes them, in the escapes of COPY; the made words are all plain."""
    code = place.postal_code.lower()
    ids = [evse.evse_id.replace("*", "").lower() for evse in place.evses]
    fields = [place.name.lower(), place.city.lower(), f"operator {place.operator}", place.street.lower(), code]
    return "\\n".join([*fields, code.replace(" ", ""), *ids])


def _evse(id_: int, place: _continent.Location, evse: _continent.Evse) -> str:
    return _line(
        id_, place.number + 1, evse.uid, evse.uid, place.evses.index(evse), evse.evse_id,
        evse.evse_id.replace("*", ""), evse.status, evse.as_of, _list(evse.capabilities), "{}", "f", evse.as_of,
    )  # fmt: skip


def _connector(id_: int, evse_id: int, position: int, plug: _continent.Connector) -> str:
    number = position + 1
    return _line(
        id_, evse_id, number, number, position, plug.standard, plug.format, plug.power_type, plug.power_w,
        plug.voltage_v, plug.amperage_a, _list([plug.tariff.lower()]), "{}", "f", _continent.MADE_AT,
    )  # fmt: skip


def _version() -> str:
    """Another one whenever what is made, or the tables that it goes into, are."""
    from emsp.db import migrate

    versions = Path(migrate.__file__).parent / "migrations" / "versions"
    sources = [Path(_continent.__file__), *sorted(versions.glob("*.py"))]
    written = "".join((STATION, EVSE, CONNECTOR)).encode()
    return hashlib.sha256(b"".join([written, *(each.read_bytes() for each in sources)])).hexdigest()[:8]


def _run(admin: psycopg.Connection[Any], statement: str, *names: str) -> None:
    admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


if __name__ == "__main__":
    _make_room()
