"""Stations that nobody has told of before, by COPY: their ids are given out first, so that nothing is looked up.

Their rows are made apart from writing them, and may be made before the transaction that writes them begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from uuid import UUID

import msgspec
from sqlalchemy import text

from emsp import clock
from emsp.db.copying import copied, copy, new_ids
from emsp.db.engine import Db
from emsp.stations import rows
from emsp.stations.facts import StationFacts
from emsp.stations.rows import ReportKey, Row
from emsp.stations.upserts import CONNECTOR, EVSE, STATION

STATION_COLUMNS = {"id": "int8", **STATION}
EVSE_COLUMNS = {"id": "int8", **EVSE}
CONNECTOR_COLUMNS = {"evse_id": "int8", **CONNECTOR}
AT_A_STRETCH = 10
"""How many stations are made into rows before others get a turn."""
Told = tuple[UUID, StationFacts]
"""A station, and the partner that tells of it."""


class New(msgspec.Struct, frozen=True, gc=False):
    """A station with its id and all its rows, as lines for COPY. Its own still lacks its operator, which may have to be
    stored first."""

    partner_id: UUID
    facts: StationFacts
    content_hash: str
    id: int
    line: bytes
    evses: bytes
    connectors: bytes


Made = Mapping[ReportKey, New]


async def make(db: Db, told: Sequence[Told]) -> Made:
    """The rows of stations with distinct keys. Ids that are not used in the end are never given out again."""
    ids = iter(await new_ids(db, "station", len(told)))
    evse_ids = iter(await new_ids(db, "evse", sum(len(station.evses) for _, station in told)))
    made: list[New] = []
    for start in range(0, len(told), AT_A_STRETCH):
        made += _made(told[start : start + AT_A_STRETCH], ids, evse_ids)
        await asyncio.sleep(0)
    return {rows.report_key(new.facts): new for new in made}


def _made(told: Sequence[Told], ids: Iterator[int], evse_ids: Iterator[int]) -> Iterator[New]:
    now = clock.now()
    stations, evses, connectors = [], [], []
    for partner_id, station in told:
        row = rows.station_row(partner_id, station, rows.fingerprint(partner_id, station), now)
        row["id"] = next(ids)
        stations.append(row)
        evses.append(rows.evse_rows(row["id"], station))
        connectors.append(rows.connector_rows(row["id"], station))
        _connect(evses[-1], connectors[-1], evse_ids)
    lines = copied(stations, STATION_COLUMNS)
    of_evses, of_connectors = _grouped(evses, EVSE_COLUMNS), _grouped(connectors, CONNECTOR_COLUMNS)
    for one, row, *written in zip(told, stations, lines, of_evses, of_connectors, strict=True):
        yield New(*one, row["content_hash"], row["id"], *written)


def _connect(evses: Iterable[Row], connectors: Iterable[Row], evse_ids: Iterator[int]) -> None:
    """Gives the EVSEs of a station their ids, and its connectors the ids of their EVSEs."""
    ids = {}
    for evse in evses:
        evse["id"] = ids[evse["uid_key"]] = next(evse_ids)
    for connector in connectors:
        connector["evse_id"] = ids[connector["uid_key"]]


def _grouped(groups: Sequence[Sequence[Row]], columns: Mapping[str, str]) -> Iterator[bytes]:
    lines = iter(copied(list(chain.from_iterable(groups)), columns))
    return (b"".join(islice(lines, len(group))) for group in groups)


async def insert(db: Db, stations: Collection[New]) -> None:
    """Insert stations with all that they have; their operators are stored.

    Raises DBAPIError when one of the stations is there already, told of in the meantime.
    """
    ids = await _operator_ids(db, {new.facts.operator_name for new in stations if new.facts.operator_name})
    lines = [b"%b,%b" % (ids.get(new.facts.operator_name or "", b"null"), new.line) for new in stations]
    await copy(db, "station", ["operator_id", *STATION_COLUMNS], b"".join(lines))
    await copy(db, "evse", list(EVSE_COLUMNS), b"".join([new.evses for new in stations]))
    await copy(db, "connector", list(CONNECTOR_COLUMNS), b"".join([new.connectors for new in stations]))


async def _operator_ids(db: Db, names: Iterable[str]) -> dict[str, bytes]:
    """As COPY has them."""
    found = await db.execute(text("SELECT name, id FROM operator WHERE name = ANY(:names)"), {"names": list(names)})
    return {row.name: b"%d" % row.id for row in found}
