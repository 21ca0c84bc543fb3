"""What is shown of charge points that are published more than once, as SQL: the pin, with the freshest status of all.

Of the statuses of one charge point a known one comes before UNKNOWN, then the newest, then the pin's own.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import col

from emsp.stations.tables import Evse, Station
from emsp.stations.twins.tables import EvseTwin, StationTwin

IS_PIN = "s.shown AND NOT EXISTS (SELECT 1 FROM station_twin t WHERE t.station_id = s.id)"
"""Of a station `s`: it is on the map."""

EVSE_IS_SHOWN = "NOT e.removed AND NOT EXISTS (SELECT 1 FROM evse_twin t WHERE t.evse_id = e.id)"
"""Of an EVSE `e`: it belongs to what is shown of its station."""

PIN_STATIONS = """
    SELECT p.station_id FROM evse e JOIN evse_twin t ON t.evse_id = e.id JOIN evse p ON p.id = t.pin_evse_id
     WHERE e.station_id = ANY(%(station_ids)s::int8[])
"""
"""Where the twins of EVSEs of some stations are shown; as the driver takes it."""

_GROUPS = "SELECT evse_id, pin_evse_id FROM evse_twin UNION SELECT pin_evse_id, pin_evse_id FROM evse_twin"


def _freshest(groups: str) -> str:
    return f"""
        SELECT DISTINCT ON (g.pin_evse_id) g.pin_evse_id, m.status, m.status_as_of
          FROM ({groups}) g JOIN evse m ON m.id = g.evse_id AND NOT m.removed
         ORDER BY g.pin_evse_id, m.status = 'UNKNOWN', m.status_as_of DESC, m.id = g.pin_evse_id DESC, m.id
    """


FRESHEST = _freshest(_GROUPS)
"""The status of every EVSE that has twins, and its time: pin_evse_id, status, status_as_of."""

FRESHEST_OF = _freshest(
    "SELECT t.evse_id, t.pin_evse_id FROM evse_twin t JOIN evse p ON p.id = t.pin_evse_id"
    " WHERE p.station_id = ANY(:station_ids) UNION "
    "SELECT t.pin_evse_id, t.pin_evse_id FROM evse_twin t JOIN evse p ON p.id = t.pin_evse_id"
    " WHERE p.station_id = ANY(:station_ids)"
)
"""As FRESHEST, of EVSEs at the stations `:station_ids`."""


def is_pin() -> ColumnElement[bool]:
    """Of a station in a query: it is on the map."""
    twin = select(col(StationTwin.station_id)).where(col(StationTwin.station_id) == col(Station.id))
    return and_(col(Station.shown), ~twin.correlate(Station).exists())


def evse_is_shown() -> ColumnElement[bool]:
    """Of an EVSE in a query: it belongs to what is shown of its station."""
    twin = select(col(EvseTwin.evse_id)).where(col(EvseTwin.evse_id) == col(Evse.id))
    return and_(~col(Evse.removed), ~twin.correlate(Evse).exists())


def has_twins() -> ColumnElement[bool]:
    """Of an EVSE in a query: it is published more than once."""
    same = or_(col(EvseTwin.evse_id) == col(Evse.id), col(EvseTwin.pin_evse_id) == col(Evse.id))
    return select(col(EvseTwin.evse_id)).where(same).correlate(Evse).exists()


def status() -> ColumnElement[Any]:
    """Of an EVSE in a query: the status that is shown."""
    return _shown("status")


def status_as_of() -> ColumnElement[Any]:
    """Of an EVSE in a query: since when it is known to have the status that is shown."""
    return _shown("status_as_of")


def _shown(column: str) -> ColumnElement[Any]:
    """Of the EVSE and its twins, the one that knows best; its own where none knows better."""
    other: Any = aliased(Evse)
    better = (
        select(getattr(other, column))
        .join(EvseTwin, col(EvseTwin.evse_id) == other.id)
        .where(col(EvseTwin.pin_evse_id) == col(Evse.id), ~other.removed, _knowing(other) > _knowing(Evse))
        .order_by((other.status != "UNKNOWN").desc(), other.status_as_of.desc(), other.id)
        .limit(1)
        .correlate(Evse)
        .scalar_subquery()
    )
    own = col(getattr(Evse, column))
    is_pin = select(col(EvseTwin.evse_id)).where(col(EvseTwin.pin_evse_id) == col(Evse.id)).correlate(Evse).exists()
    return case((is_pin, func.coalesce(better, own)), else_=own)  # for many EVSEs, PostgreSQL looks up pins in a hash


def _knowing(evse: Any) -> Any:
    return tuple_(evse.status != "UNKNOWN", evse.status_as_of)
