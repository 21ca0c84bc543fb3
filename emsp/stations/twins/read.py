"""What must be known of charge points to tell which are the same, read from the tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import text

from emsp.db.engine import Db
from emsp.stations import words
from emsp.stations.twins.rules import SAME_PLACE_WITHIN_M, SOMEWHAT_UNIQUE, Published

METRES_PER_DEGREE = 111_000
NEAR_DEG = 1.01 * SAME_PLACE_WITHIN_M / METRES_PER_DEGREE
"""Of latitude; of longitude it is more degrees, the farther from the equator."""

_PUBLISHED = """
    WITH wanted AS MATERIALIZED (
        SELECT e.id, e.station_id, e.evse_key, e.uid_key, e.label FROM evse e WHERE NOT e.removed AND {which}
    ), place AS MATERIALIZED (
        SELECT s.id, s.country_code || s.party_id AS party, s.latitude, s.longitude, s.operator_id, s.postal_code,
               s.street, count(*) AS evses, greatest(s.source_updated_at, max(e.source_updated_at)) AS heard_at
          FROM station s JOIN evse e ON e.station_id = s.id AND NOT e.removed
         WHERE s.shown AND s.id IN (SELECT station_id FROM wanted) GROUP BY s.id
    ), plug AS MATERIALIZED (
        SELECT c.evse_id, array_agg(c.standard ORDER BY c.standard, c.max_power_w) AS standards,
               array_agg(c.max_power_w ORDER BY c.standard, c.max_power_w) AS powers_w
          FROM connector c WHERE NOT c.removed AND c.evse_id IN (SELECT id FROM wanted) GROUP BY c.evse_id
    )
    SELECT w.id, w.station_id, p.party, w.evse_key, w.uid_key, w.label, p.latitude, p.longitude, p.operator_id,
           p.postal_code, p.street, p.evses, p.heard_at, plug.standards, plug.powers_w
      FROM wanted w JOIN place p ON p.id = w.station_id LEFT JOIN plug ON plug.evse_id = w.id
"""
_BY_KEY = text(_PUBLISHED.format(which="e.evse_key = ANY(:keys)"))
_AT_STATIONS = text(_PUBLISHED.format(which="e.station_id = ANY(:station_ids)"))

_IS_USABLE = f"length(e.evse_key) >= {SOMEWHAT_UNIQUE} AND e.evse_key ~ '[0-9]'"

_NAMELESS = f"SELECT 1 FROM evse e WHERE e.station_id = {{of}} AND NOT e.removed AND ({_IS_USABLE}) IS NOT TRUE"

_NEAR = """
    SELECT a.id AS near_id, b.id FROM station a JOIN station b
      ON point(b.longitude, b.latitude) <@ box(point(a.longitude - :degrees / greatest(cosd(a.latitude), 0.01),
                                                     a.latitude - :degrees),
                                               point(a.longitude + :degrees / greatest(cosd(a.latitude), 0.01),
                                                     a.latitude + :degrees))
     WHERE a.id = ANY(:station_ids) AND b.shown AND b.id <> a.id
"""


async def with_keys(db: Db, keys: Collection[str]) -> list[Published]:
    """The charge points on show that have one of these EVSE ids."""
    return [_published(row) for row in await db.execute(_BY_KEY, {"keys": list(keys)})] if keys else []


async def at_stations(db: Db, station_ids: Collection[int]) -> list[Published]:
    """The charge points on show at these stations."""
    return [_published(row) for row in await db.execute(_AT_STATIONS, {"station_ids": list(station_ids)})]


async def keys_at(db: Db, station_ids: Collection[int]) -> set[str]:
    """The EVSE ids at these stations, and of what is matched with charge points there; those that are gone too."""
    query = text(
        "SELECT evse_key FROM evse WHERE station_id = ANY(:ids) AND evse_key IS NOT NULL"
        " UNION SELECT p.evse_key FROM evse e JOIN evse_twin t ON t.evse_id = e.id JOIN evse p ON p.id = t.pin_evse_id"
        " WHERE e.station_id = ANY(:ids) AND p.evse_key IS NOT NULL"
        " UNION SELECT e.evse_key FROM evse p JOIN evse_twin t ON t.pin_evse_id = p.id JOIN evse e ON e.id = t.evse_id"
        " WHERE p.station_id = ANY(:ids) AND e.evse_key IS NOT NULL"
    )
    return set((await db.execute(query, {"ids": list(station_ids)})).scalars())


async def evses_concerned(db: Db, keys: Collection[str], station_ids: Collection[int]) -> set[int]:
    """The charge points with one of these EVSE ids, and those at these stations; those that are gone too."""
    query = text(
        "SELECT id FROM evse WHERE evse_key = ANY(:keys) UNION SELECT id FROM evse WHERE station_id = ANY(:ids)"
    )
    return set((await db.execute(query, {"keys": list(keys), "ids": list(station_ids)})).scalars())


async def keys_after(db: Db, key: str, limit: int) -> list[str]:
    """The next EVSE ids in their order that more than one charge point has."""
    query = text(
        f"SELECT e.evse_key FROM evse e WHERE e.evse_key > :key AND {_IS_USABLE}"
        " GROUP BY e.evse_key HAVING count(*) > 1 ORDER BY e.evse_key LIMIT :limit"
    )
    return list((await db.execute(query, {"key": key, "limit": limit})).scalars())


async def nameless_after(db: Db, station_id: int, limit: int) -> list[int]:
    """The next stations by their ids with a charge point on show that has no usable EVSE id."""
    query = text(
        f"SELECT s.id FROM station s WHERE s.id > :id AND s.shown AND EXISTS ({_NAMELESS.format(of='s.id')})"
        " ORDER BY s.id LIMIT :limit"
    )
    return list((await db.execute(query, {"id": station_id, "limit": limit})).scalars())


async def nameless_around(db: Db, station_ids: Collection[int]) -> list[int]:
    """Of these stations on show, and of those next to them, the ones with charge points without a usable EVSE id."""
    query = text(
        f"SELECT s.id FROM station s WHERE s.id = ANY(:station_ids) AND s.shown"
        f" AND EXISTS ({_NAMELESS.format(of='s.id')})"
        f" UNION SELECT b.id FROM ({_NEAR}) b WHERE EXISTS ({_NAMELESS.format(of='b.id')})"
    )
    return list((await db.execute(query, {"station_ids": list(station_ids), "degrees": NEAR_DEG})).scalars())


async def broken(db: Db) -> list[int]:
    """The stations of twins that cannot be any more, whatever made them so."""
    query = text(
        "SELECT DISTINCT e.station_id FROM evse_twin t JOIN evse e ON e.id = t.evse_id"
        " JOIN evse p ON p.id = t.pin_evse_id JOIN station s ON s.id = e.station_id"
        " JOIN station ps ON ps.id = p.station_id WHERE e.removed OR p.removed OR NOT s.shown OR NOT ps.shown"
        " OR (t.matched_by = 'EVSE_ID' AND e.evse_key IS DISTINCT FROM p.evse_key)"
        " OR EXISTS (SELECT 1 FROM evse_twin o WHERE o.evse_id = p.id)"
    )
    return list((await db.execute(query)).scalars())


async def twins_by_id(db: Db, evse_ids: Collection[int]) -> set[int]:
    """Those that are kept as twins by their EVSE id."""
    query = text("SELECT evse_id FROM evse_twin WHERE evse_id = ANY(:ids) AND matched_by = 'EVSE_ID'")
    return set((await db.execute(query, {"ids": list(evse_ids)})).scalars())


async def near(db: Db, station_ids: Iterable[int]) -> dict[int, set[int]]:
    """The stations on show next to each of these."""
    around: dict[int, set[int]] = defaultdict(set)
    arguments = {"station_ids": list(station_ids), "degrees": NEAR_DEG}
    for station_id, other_id in await db.execute(text(_NEAR), arguments):
        around[station_id].add(other_id)
    return around


def _published(row: Any) -> Published:
    return Published(
        evse_id=row.id,
        station_id=row.station_id,
        party=row.party,
        key=row.evse_key,
        uid_key=row.uid_key,
        label=row.label,
        latitude=row.latitude,
        longitude=row.longitude,
        operator_id=row.operator_id,
        address=_address(row.postal_code, row.street),
        station_evses=row.evses,
        heard_at=row.heard_at,
        equipment=tuple(zip(row.standards or (), row.powers_w or (), strict=True)),
    )


def _address(postal_code: str | None, street: str | None) -> str | None:
    if not street:
        return None
    return words.folded(f"{postal_code or ''} {street}").replace(" ", "")
