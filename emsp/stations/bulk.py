"""Stations that nobody has told of before, by COPY: their ids are given out first, so that nothing is looked up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from sqlalchemy import text

from emsp.db.copying import copied, copy, new_ids
from emsp.db.engine import Db
from emsp.stations import rows
from emsp.stations.facts import StationFacts
from emsp.stations.rows import ReportKey, Row
from emsp.stations.upserts import CONNECTOR, EVSE, STATION

STATION_COLUMNS = ["id", "operator_id", *STATION]
EVSE_COLUMNS = ["id", *EVSE]
CONNECTOR_COLUMNS = ["evse_id", *CONNECTOR]


async def insert(db: Db, station_rows: Sequence[Row], facts: Mapping[ReportKey, StationFacts]) -> dict[ReportKey, int]:
    """Insert stations with all that they have; gives their ids.

    EVSEs and connectors are made ready while PostgreSQL still writes the stations. Raises DBAPIError when one of the
    stations is there already, told of in the meantime.
    """
    ids = dict(zip(facts, await new_ids(db, "station", len(facts)), strict=True))
    evse_ids = await new_ids(db, "evse", sum(len(rows.evses_by_key(station)) for station in facts.values()))
    operator_ids = await _operator_ids(db, station_rows)
    for row in station_rows:
        row["id"] = ids[row["country_code"], row["party_id"], row["external_key"]]
        row["operator_id"] = operator_ids.get(row["operator_name"])
    writing = asyncio.create_task(copy(db, "station", STATION_COLUMNS, copied(station_rows, STATION_COLUMNS)))
    try:
        await asyncio.sleep(0)
        evse_rows, connector_rows = _below(ids, evse_ids, facts)
        evse_lines = copied(evse_rows, EVSE_COLUMNS)
        connector_lines = copied(connector_rows, CONNECTOR_COLUMNS)
    finally:
        await writing
    await copy(db, "evse", EVSE_COLUMNS, evse_lines)
    await copy(db, "connector", CONNECTOR_COLUMNS, connector_lines)
    return ids


def _below(
    ids: Mapping[ReportKey, int], evse_ids: Sequence[int], facts: Mapping[ReportKey, StationFacts]
) -> tuple[list[Row], list[Row]]:
    """The rows of EVSEs and connectors."""
    evse_rows = [row for key, station in facts.items() for row in rows.evse_rows(ids[key], station)]
    found: dict[tuple[int, str], int] = {}
    for row, id_ in zip(evse_rows, evse_ids, strict=True):
        row["id"] = found[row["station_id"], row["uid_key"]] = id_
    connector_rows = [row for key, station in facts.items() for row in rows.connector_rows(ids[key], station)]
    for row in connector_rows:
        row["evse_id"] = found[row["station_id"], row["uid_key"]]
    return evse_rows, connector_rows


async def _operator_ids(db: Db, station_rows: Sequence[Row]) -> dict[str, int]:
    names = list({row["operator_name"] for row in station_rows if row["operator_name"]})
    found = await db.execute(text("SELECT name, id FROM operator WHERE name = ANY(:names)"), {"names": names})
    return {row.name: row.id for row in found}
