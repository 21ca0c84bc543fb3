"""Many rows in one statement: a bulk goes to PostgreSQL as one JSON document and is unfolded there.

Stations are locked before their EVSEs are touched, here and by whoever sets a single status: no deadlocks, and
nothing is decided on a state that is about to change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text

from emsp import clock
from emsp.db.engine import Db
from emsp.stations import words
from emsp.stations.facts import StationFacts
from emsp.stations.rows import EvseState, ReportKey, Row

STATION = {
    "partner_id": "uuid",
    "country_code": "text",
    "party_id": "text",
    "external_id": "text",
    "external_key": "text",
    "name": "text",
    "street": "text",
    "city": "text",
    "postal_code": "text",
    "state": "text",
    "country": "text",
    "latitude": "float8",
    "longitude": "float8",
    "time_zone": "text",
    "twenty_four_seven": "bool",
    "opening_hours": "jsonb",
    "facilities": "text[]",
    "parking_type": "text",
    "publish": "bool",
    "shown": "bool",
    "search_words": "text",
    "content_hash": "text",
    "source_updated_at": "timestamptz",
    "updated_at": "timestamptz",
}
EVSE = {
    "station_id": "int8",
    "uid": "text",
    "uid_key": "text",
    "position": "int4",
    "evse_id": "text",
    "evse_key": "text",
    "label": "text",
    "floor_level": "text",
    "status": "text",
    "status_as_of": "timestamptz",
    "capabilities": "text[]",
    "parking_restrictions": "text[]",
    "accessible": "bool",
    "removed": "bool",
    "source_updated_at": "timestamptz",
}
CONNECTOR = {
    "external_id": "text",
    "external_key": "text",
    "position": "int4",
    "standard": "text",
    "format": "text",
    "power_type": "text",
    "max_power_w": "int4",
    "max_voltage_v": "int4",
    "max_amperage_a": "int4",
    "tariff_keys": "text[]",
    "capabilities": "text[]",
    "removed": "bool",
    "source_updated_at": "timestamptz",
}
PAST = """
    INSERT INTO status_change (evse_id, station_id, status, since, until, heard_at)
    SELECT e.id, e.station_id, e.status, e.status_as_of, r.status_as_of, :now
      FROM r JOIN evse e USING (station_id, uid_key) WHERE e.status <> r.status
"""
"""What EVSEs were, for the history, where a table `r` of new ones has another status."""


REMOVE = text("""
    WITH past AS (
        INSERT INTO status_change (evse_id, station_id, status, since, until, heard_at)
        SELECT id, station_id, status, status_as_of, :now, :now FROM evse WHERE id = ANY(:ids)
    )
    UPDATE evse SET removed = true, status = 'REMOVED' WHERE id = ANY(:ids)
""")


class StoredStation(msgspec.Struct, frozen=True):
    """What is stored of a station that decides what to do with a report of it."""

    id: int
    content_hash: str
    source_updated_at: datetime


def recordset(columns: Mapping[str, str], name: str = "r") -> str:
    """The rows of the parameter `rows`, a JSON array, as a table `name` of typed columns."""
    typed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
    return f"json_to_recordset(CAST(:rows AS json)) AS {name}({typed})"


def listed(columns: Iterable[str], prefix: str = "") -> str:
    """Column names, quoted, for a statement."""
    return ", ".join(f'{prefix}"{column}"' for column in columns)


def replaced(table: str, columns: Collection[str], *, compared: Collection[str]) -> str:
    """The end of an upsert: take the new values where any of those `compared` is not what is there."""
    assignments = ", ".join(f'"{column}" = excluded."{column}"' for column in columns)
    there, new = listed(compared, f"{table}."), listed(compared, "excluded.")
    return f"DO UPDATE SET {assignments} WHERE ({there}) IS DISTINCT FROM ({new})"


async def run(db: Db, statement: str, rows: Any, **arguments: Any) -> Any:
    """Execute a statement over `rows`, given as one JSON document."""
    return await db.execute(text(statement), {"rows": msgspec.json.encode(rows).decode(), **arguments})


async def lock_stations(
    db: Db, partner_ids: Iterable[UUID], keys: Iterable[ReportKey]
) -> dict[ReportKey, StoredStation]:
    """What is stored of some stations of these partners, which nobody else can change until the transaction ends.

    Partners are locked in one order, so that two who lock several do not wait for each other for good. For the rest
    of the transaction, plans go by indexes: a plan made while the tables are small is kept while a pull fills them,
    and would read them whole for every bulk.
    """
    await db.execute(
        text(
            "SELECT set_config('enable_seqscan', 'off', true), pg_advisory_xact_lock(hashtextextended(name, 0))"
            " FROM unnest(CAST(:names AS text[])) AS name"
        ),
        {"names": sorted(f"stations {partner_id}" for partner_id in partner_ids)},
    )
    columns = {"country_code": "text", "party_id": "text", "external_key": "text"}
    found = await run(
        db,
        f"SELECT s.country_code, s.party_id, s.external_key, s.id, s.content_hash, s.source_updated_at"
        f" FROM station s JOIN {recordset(columns)} USING (country_code, party_id, external_key)"
        f" ORDER BY s.id FOR UPDATE OF s",
        [dict(zip(columns, key, strict=True)) for key in keys],
    )
    return {(row[0], row[1], row[2]): StoredStation(*row[3:]) for row in found}


async def evse_states(db: Db, station_ids: Iterable[int]) -> dict[int, dict[str, EvseState]]:
    """What is stored of the EVSEs of some stations, by station and uid key."""
    found = await db.execute(
        text("SELECT station_id, uid_key, id, status, source_updated_at FROM evse WHERE station_id = ANY(:ids)"),
        {"ids": list(station_ids)},
    )
    states: dict[int, dict[str, EvseState]] = defaultdict(dict)
    for station_id, uid_key, *state in found:
        states[station_id][uid_key] = EvseState(*state)
    return states


async def connector_ids(db: Db, station_ids: Iterable[int]) -> dict[tuple[int, str, str], int]:
    """Ids of the connectors of some stations that are not removed, by station, uid key and their own key."""
    found = await db.execute(
        text(
            "SELECT e.station_id, e.uid_key, c.external_key, c.id FROM connector c JOIN evse e ON e.id = c.evse_id"
            " WHERE e.station_id = ANY(:ids) AND NOT c.removed"
        ),
        {"ids": list(station_ids)},
    )
    return {(row[0], row[1], row[2]): row[3] for row in found}


async def operators(db: Db, rows: list[Row]) -> None:
    """Add operators, and what is newly said of known ones; those with nothing new are not even locked."""
    columns = {"name": "text", "website": "text", "phone": "text"}
    await run(
        db,
        f"INSERT INTO operator ({listed(columns)}) SELECT {listed(columns, 'r.')} FROM {recordset(columns)}"
        " LEFT JOIN operator o USING (name)"
        " WHERE o.id IS NULL OR r.website <> coalesce(o.website, '') OR r.phone <> coalesce(o.phone, '')"
        " ORDER BY r.name ON CONFLICT (name) DO UPDATE SET"
        " website = coalesce(excluded.website, operator.website), phone = coalesce(excluded.phone, operator.phone)",
        rows,
    )


async def stations(db: Db, rows: list[Row]) -> dict[ReportKey, int]:
    """Insert or replace stations; gives their ids."""
    columns = [*STATION, "operator_id"]
    written = await run(
        db,
        f"INSERT INTO station ({listed(columns)}) SELECT {listed(STATION, 'r.')}, o.id"
        f" FROM {recordset({**STATION, 'operator_name': 'text'})} LEFT JOIN operator o ON o.name = r.operator_name"
        f" ON CONFLICT (country_code, party_id, external_key)"
        f" DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in columns)}"
        f" RETURNING country_code, party_id, external_key, id",
        rows,
    )
    return {(row[0], row[1], row[2]): row[3] for row in written}


async def evses(db: Db, rows: list[Row]) -> None:
    """Insert or replace EVSEs; equal ones are not written. What their statuses were until now goes to the history."""
    await run(
        db,
        f"WITH r AS MATERIALIZED (SELECT * FROM {recordset(EVSE)}), past AS ({PAST})"
        f" INSERT INTO evse ({listed(EVSE)}) SELECT {listed(EVSE)} FROM r"
        f" ON CONFLICT (station_id, uid_key) {replaced('evse', EVSE, compared=EVSE)}",
        rows,
        now=clock.now(),
    )


async def connectors(db: Db, rows: list[Row]) -> None:
    """Insert or replace connectors, whose rows name their EVSE by station and uid key."""
    owner = {"station_id": "int8", "uid_key": "text"}
    await run(
        db,
        f"INSERT INTO connector (evse_id, {listed(CONNECTOR)}) SELECT e.id, {listed(CONNECTOR, 'r.')}"
        f" FROM {recordset({**owner, **CONNECTOR})} JOIN evse e USING (station_id, uid_key)"
        f" ON CONFLICT (evse_id, external_key) {replaced('connector', CONNECTOR, compared=CONNECTOR)}",
        rows,
    )


async def remove_unseen(
    db: Db,
    evses_before: Mapping[int, Mapping[str, EvseState]],
    evse_rows: Iterable[Row],
    connectors_before: Mapping[tuple[int, str, str], int],
    connector_rows: Iterable[Row],
) -> None:
    """Mark what was stored and is no longer reported; the rows stay for the charges that happened there."""
    seen = {(row["station_id"], row["uid_key"]) for row in evse_rows}
    evse_ids = [
        state.id
        for station_id, states in evses_before.items()
        for uid_key, state in states.items()
        if (station_id, uid_key) not in seen and state.status != "REMOVED"
    ]
    if evse_ids:
        await db.execute(REMOVE, {"ids": evse_ids, "now": clock.now()})
    seen_connectors = {(row["station_id"], row["uid_key"], row["external_key"]) for row in connector_rows}
    gone = [id_ for key, id_ in connectors_before.items() if key not in seen_connectors]
    if gone:
        await db.execute(text("UPDATE connector SET removed = true WHERE id = ANY(:ids)"), {"ids": gone})


async def move_times(db: Db, stations: Mapping[int, StationFacts]) -> None:
    """The same was said again later: stations and EVSEs are as they were, as of the later time."""
    times = {"id": "int8", "updated_at": "timestamptz"}
    await run(
        db,
        f"UPDATE station SET source_updated_at = r.updated_at FROM {recordset(times)} WHERE station.id = r.id",
        [{"id": id_, "updated_at": station.updated_at} for id_, station in stations.items()],
    )
    evse_times = {"station_id": "int8", "uid_key": "text", "status_as_of": "timestamptz"}
    await run(
        db,
        "UPDATE evse SET source_updated_at = r.status_as_of, status_as_of = r.status_as_of"
        f" FROM {recordset(evse_times)} WHERE evse.station_id = r.station_id AND evse.uid_key = r.uid_key"
        " AND evse.source_updated_at < r.status_as_of",
        [
            {"station_id": id_, "uid_key": words.key(evse.uid), "status_as_of": evse.updated_at}
            for id_, station in stations.items()
            for evse in station.evses
        ],
    )


async def touch_station(db: Db, station_id: int, now: datetime) -> None:
    """A status of the station changed: it no longer is as it was last reported, and may be shown or not."""
    await db.execute(
        text(
            "UPDATE station SET updated_at = :now, content_hash = '', shown = publish AND EXISTS"
            " (SELECT 1 FROM evse WHERE station_id = :id AND NOT removed) WHERE id = :id"
        ),
        {"id": station_id, "now": now},
    )
