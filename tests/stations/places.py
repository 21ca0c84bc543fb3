"""Stations as a partner reports them, and ways to look at what became of them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from emsp.db.engine import transaction
from emsp.partners.tables import Partner
from emsp.stations.changes import Counts, put_stations
from emsp.stations.facts import ConnectorFacts, EvseFacts, StationFacts
from emsp.stations.tables import Evse, Station

NOON = datetime(2026, 6, 2, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """Minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def connector(external_id: str = "1", minutes: float = 0, **facts: Any) -> ConnectorFacts:
    """A cable for AC, unless told otherwise."""
    usual = {"standard": "IEC_62196_T2", "format": "CABLE", "power_type": "AC_3_PHASE", "max_power_w": 11_000}
    return ConnectorFacts(**{"external_id": external_id, "updated_at": at(minutes), **usual, **facts})


def evse(uid: str = "E1", status: str = "AVAILABLE", minutes: float = 0, **facts: Any) -> EvseFacts:
    """A charge point with one connector, unless told otherwise."""
    usual = {"evse_id": f"NL*ABC*{uid}", "connectors": [connector(minutes=minutes)]}
    return EvseFacts(**{"uid": uid, "status": status, "updated_at": at(minutes), **usual, **facts})


def station(external_id: str = "L1", *evses: EvseFacts, minutes: float = 0, **facts: Any) -> StationFacts:
    """A station of NL-ABC in Amsterdam with one free charge point, unless told otherwise."""
    usual = {
        "country_code": "NL",
        "party_id": "ABC",
        "name": f"Station {external_id}",
        "city": "Amsterdam",
        "longitude": 4.9,
        "latitude": 52.37,
        "time_zone": "Europe/Amsterdam",
        "operator_name": "Volt & Co",
    }
    own = {"external_id": external_id, "evses": list(evses) or [evse()], "updated_at": at(minutes)}
    return StationFacts(**{**usual, **own, **facts})


async def partner(name: str = "A partner") -> UUID:
    """A new partner's id."""
    async with transaction() as db:
        row = Partner(name=name)
        db.add(row)
    return row.id


async def put(partner_id: UUID, *stations: StationFacts) -> Counts:
    """Report some stations, committed."""
    async with transaction() as db:
        return await put_stations(db, partner_id, stations)


async def rows(table: Any) -> list[Any]:
    """All rows of a table in the order of the partner's ids, or of names where there are none."""
    async with transaction() as db:
        return sorted(await db.scalars(select(table)), key=lambda row: (_name(row), row.id))


def _name(row: Any) -> str:
    return str(getattr(row, "external_id", None) or getattr(row, "uid", None) or row.name)


async def the_station() -> Station:
    """The only one."""
    (found,) = await rows(Station)
    return found


async def statuses() -> dict[str, str]:
    """The status of every EVSE by its uid."""
    return {row.uid: row.status for row in await rows(Evse)}


async def ids_of(table: Any) -> dict[str, int]:
    """Ids by the partner's ids, or by names."""
    return {_name(row): row.id for row in await rows(table)}
