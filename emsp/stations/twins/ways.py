"""The ways in which a charge point can be started: over whichever partner publishes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import text

from emsp.db.engine import Db

SURE_PERCENT = 90
"""Whoever is less surely the same is not started instead."""

CAN_START = """
    s.shown AND NOT e.removed AND NOT c.removed
    AND (e.capabilities = '{}' OR 'REMOTE_START_STOP_CAPABLE' = ANY(e.capabilities))
"""
"""Of a connector `c` of an EVSE `e` at a station `s`: a charge may be started there."""

CAN_RESERVE = "s.shown AND NOT e.removed AND NOT c.removed AND 'RESERVABLE' = ANY(e.capabilities)"
"""As CAN_START, of being kept free."""

_OFFERED = text(f"""
    WITH asked AS (
        SELECT c.id, c.evse_id, coalesce(t.pin_evse_id, c.evse_id) AS pin_evse_id FROM connector c
          LEFT JOIN evse_twin t ON t.evse_id = c.evse_id AND t.confidence_percent >= {SURE_PERCENT}
         WHERE c.id = ANY(:ids)
    ), same AS (
        SELECT a.id AS asked_id, a.pin_evse_id AS evse_id, a.pin_evse_id FROM asked a
         UNION ALL
        SELECT a.id, t.evse_id, a.pin_evse_id FROM asked a JOIN evse_twin t ON t.pin_evse_id = a.pin_evse_id
         WHERE t.confidence_percent >= {SURE_PERCENT}
    )
    SELECT o.asked_id, c.id AS connector_id, c.evse_id, e.station_id, s.partner_id, s.country_code, s.party_id,
           s.country, c.max_power_w, c.standard, c.external_key, c.evse_id = o.pin_evse_id AS is_pin,
           {CAN_START} AS can_start, {CAN_RESERVE} AS can_reserve
      FROM same o JOIN evse e ON e.id = o.evse_id JOIN station s ON s.id = e.station_id
      JOIN connector c ON c.evse_id = e.id AND (NOT c.removed OR c.id = o.asked_id)
     ORDER BY o.asked_id, c.evse_id <> o.pin_evse_id, c.evse_id, c.position, c.id
""")


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A connector as one partner publishes it."""

    asked_id: int
    connector_id: int
    evse_id: int
    station_id: int
    partner_id: UUID
    country_code: str
    party_id: str
    country: str | None  # ISO 3166-1 alpha-3
    max_power_w: int | None
    standard: str
    external_key: str
    is_pin: bool
    can_start: bool
    can_reserve: bool


class Plug(Protocol):
    """A connector, as far as it is told apart from others of the same charge point."""

    @property
    def connector_id(self) -> int: ...
    @property
    def evse_id(self) -> int: ...
    @property
    def standard(self) -> str: ...
    @property
    def external_key(self) -> str: ...
    @property
    def is_pin(self) -> bool: ...
    @property
    def can_start(self) -> bool: ...


P = TypeVar("P", bound=Plug)


async def ways_to(db: Db, connector_ids: Iterable[int]) -> dict[int, list[Way]]:
    """The ways to start at each of some connectors, the pin's own first; none where nothing can be started."""
    offered: dict[int, list[Way]] = defaultdict(list)
    for row in await db.execute(_OFFERED, {"ids": list(connector_ids)}):
        offered[row.asked_id].append(Way(**row._mapping))
    return {asked_id: same_plugs(asked_id, connectors) for asked_id, connectors in offered.items()}


async def is_same_evse(db: Db, evse_id: int, other_id: int) -> bool:
    """Whether two EVSEs are one charge point."""
    query = text(
        "SELECT count(DISTINCT coalesce(t.pin_evse_id, e.id)) FROM evse e"
        " LEFT JOIN evse_twin t ON t.evse_id = e.id WHERE e.id IN (:one, :other)"
    )
    return int((await db.execute(query, {"one": evse_id, "other": other_id})).scalar_one()) == 1


async def evses_like(db: Db, evse_id: int, *, sure: bool = False) -> list[int]:
    """The EVSE and all that are the same charge point; with `sure`, those that surely are."""
    query = text(
        "WITH twin AS (SELECT evse_id, pin_evse_id FROM evse_twin WHERE confidence_percent >= :least),"
        " pin AS (SELECT coalesce((SELECT pin_evse_id FROM twin WHERE evse_id = :id), :id) AS id)"
        " SELECT id FROM pin UNION SELECT t.evse_id FROM twin t JOIN pin ON t.pin_evse_id = pin.id"
    )
    found = (await db.execute(query, {"id": evse_id, "least": SURE_PERCENT if sure else 0})).scalars()
    return [evse_id, *(id_ for id_ in found if id_ != evse_id)]


async def freshest_status(db: Db, evse_id: int) -> tuple[str, datetime]:
    """What is known of an EVSE by all who publish it: a known status before UNKNOWN, then the newest."""
    query = text(
        "SELECT status, status_as_of FROM evse WHERE id = ANY(:ids) AND (NOT removed OR id = :id)"
        " ORDER BY status = 'UNKNOWN', status_as_of DESC, id = :id DESC LIMIT 1"
    )
    row = (await db.execute(query, {"ids": await evses_like(db, evse_id), "id": evse_id})).one()
    return row.status, row.status_as_of


def same_plugs(asked_id: int, connectors: Sequence[P]) -> list[P]:
    """Of each EVSE the connector that is the one asked for (the only one of its kind, or of as many the one with the
    same id), where it can be started; the pin's own first."""
    asked = next(way for way in connectors if way.connector_id == asked_id)
    of_its_kind: dict[int, list[P]] = defaultdict(list)
    for way in connectors:
        if way.standard == asked.standard:
            of_its_kind[way.evse_id].append(way)
    own = of_its_kind[asked.evse_id]
    found = [asked] + [
        way
        for evse_id, others in of_its_kind.items()
        if evse_id != asked.evse_id and len(others) == len(own)
        for way in others
        if len(own) == 1 or way.external_key == asked.external_key
    ]
    return sorted((way for way in found if way.can_start), key=lambda way: (not way.is_pin, way.evse_id))
