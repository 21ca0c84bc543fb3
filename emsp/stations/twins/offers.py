"""What connectors on the map depend on for their price where a charge may be started over several partners."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import text

from emsp.db.engine import Db
from emsp.stations.asking import Outlet
from emsp.stations.twins.ways import CAN_START, SURE_PERCENT, same_plugs

_read = lru_cache(maxsize=20_000)(msgspec.json.Decoder(Outlet).decode)


def _offered(some: str) -> str:
    return f"""
        WITH twin AS MATERIALIZED (
            SELECT t.evse_id, t.pin_evse_id FROM evse_twin t JOIN evse p ON p.id = t.pin_evse_id
             WHERE t.confidence_percent >= {SURE_PERCENT}{some}
        ), same AS (
            SELECT evse_id, pin_evse_id FROM twin UNION SELECT pin_evse_id, pin_evse_id FROM twin
        )
        SELECT o.pin_evse_id, c.id AS connector_id, c.evse_id, c.standard, c.external_key,
               c.evse_id = o.pin_evse_id AS is_pin, {CAN_START} AS can_start,
               json_build_array(s.partner_id, s.country_code, s.party_id, s.country, s.time_zone, c.power_type,
                                c.max_power_w, c.tariff_keys)::text AS outlet
          FROM same o JOIN evse e ON e.id = o.evse_id JOIN station s ON s.id = e.station_id
          JOIN connector c ON c.evse_id = e.id AND NOT c.removed
         ORDER BY o.pin_evse_id, c.evse_id <> o.pin_evse_id, c.evse_id, c.position, c.id
    """


OFFERED = _offered("")
"""The connectors of all charge points that are published more than once, as each partner publishes them."""
OFFERED_AT = _offered(" AND p.station_id = ANY(:station_ids)")
"""As OFFERED, of what is shown at the stations `:station_ids`."""


class Offer(NamedTuple):
    """A row of OFFERED."""

    pin_evse_id: int
    connector_id: int
    evse_id: int
    standard: str
    external_key: str
    is_pin: bool
    can_start: bool
    outlet: str


async def ways_at(db: Db, station_ids: Collection[int]) -> dict[int, tuple[Outlet, ...]]:
    """As `ways_of`, of the connectors at some stations. One statement."""
    return ways_of(await db.execute(text(OFFERED_AT), {"station_ids": list(station_ids)}))


def ways_of(rows: Iterable[Any]) -> dict[int, tuple[Outlet, ...]]:
    """The `Outlet.ways` of connectors on the map where they have any, from rows of OFFERED."""
    groups: dict[int, list[Offer]] = defaultdict(list)
    for row in rows:
        groups[row[0]].append(Offer(*row))
    found: dict[int, tuple[Outlet, ...]] = {}
    for offers in groups.values():
        for pin in offers:
            ways = same_plugs(pin.connector_id, offers) if pin.is_pin else []
            if [way.connector_id for way in ways] not in ([], [pin.connector_id]):
                found[pin.connector_id] = tuple(_read(way.outlet) for way in ways)
    return found
