"""Connectors by what their prices depend on, as SQL: few outlets, however many connectors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Text, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger
from sqlmodel import col

from emsp.db.engine import Db
from emsp.stations.asking import Outlet
from emsp.stations.tables import Connector, Evse, Station
from emsp.stations.twins.offers import ways_at

_read = msgspec.json.Decoder(Outlet).decode


class Connectors(NamedTuple):
    """The connectors of one outlet, each with its station."""

    outlet: Outlet
    ids: Sequence[int]
    station_ids: Sequence[int]


async def outlets_of(db: Db, connector_ids: Iterable[int]) -> dict[int, Outlet]:
    """Which outlet each connector is by itself; those that do not exist are none. One statement."""
    wanted = literal(list(connector_ids), ARRAY(BigInteger))
    query = select(col(Connector.id), _outlet()).where(*_whole(), col(Connector.id) == any_(wanted))
    return {connector_id: _read(outlet) for connector_id, outlet in await db.execute(query)}


async def connectors_by_outlet(db: Db, conditions: Iterable[ColumnElement[bool]]) -> list[Connectors]:
    """The connectors for which conditions on station, EVSE and connector hold. Two statements.

    The outlet is one text, made before it is grouped by (OFFSET 0 sees to that): by eight columns, PostgreSQL
    expects as many groups as rows and sorts all of them, which takes twice as long.
    """
    columns: list[Any] = [_outlet().label("outlet"), col(Connector.id).label("id"), col(Station.id).label("station_id")]
    rows = select(*columns).where(*_whole(), *conditions).offset(0).subquery()
    gathered = (rows.c.outlet, func.array_agg(rows.c.id), func.array_agg(rows.c.station_id))
    found = await db.execute(select(*gathered).group_by(rows.c.outlet))
    groups = [Connectors(_read(outlet), ids, station_ids) for outlet, ids, station_ids in found]
    ways = await ways_at(db, {station_id for group in groups for station_id in group.station_ids})
    return [part for group in groups for part in _by_ways(group, ways)] if ways else groups


def _by_ways(group: Connectors, ways: Mapping[int, tuple[Outlet, ...]]) -> Iterable[Connectors]:
    """Connectors that agree but for the ways to start there, apart."""
    parts: dict[tuple[Outlet, ...], list[tuple[int, int]]] = defaultdict(list)
    for id_, station_id in zip(group.ids, group.station_ids, strict=True):
        parts[ways.get(id_, ())].append((id_, station_id))
    for others, pairs in parts.items():
        yield Connectors(replace(group.outlet, ways=others), *map(list, zip(*pairs, strict=True)))


def _outlet() -> ColumnElement[Any]:
    """In the order of the fields of Outlet."""
    station, connector = Station, Connector
    return func.json_build_array(
        station.partner_id,
        station.country_code,
        station.party_id,
        station.country,
        station.time_zone,
        connector.power_type,
        connector.max_power_w,
        connector.tariff_keys,
    ).cast(Text)


def _whole() -> list[ColumnElement[bool]]:
    return [col(Evse.id) == col(Connector.evse_id), col(Station.id) == col(Evse.station_id)]
