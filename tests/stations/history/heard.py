"""What was heard of charge points, as rows, without waiting for it to happen."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from emsp.db.engine import transaction
from emsp.stations.history.tables import StatusChange
from emsp.stations.tables import Evse, Station
from tests.graphql import rows as made
from tests.stations.places import partner


async def town(*statuses: str, **facts: Any) -> tuple[Station, list[Evse]]:
    """A station of NL-ABC in Amsterdam's time with charge points of these statuses."""
    partner_id = await partner()
    async with transaction() as db:
        station = await made.station(db, partner_id, 1, **facts)
        return station, [await made.evse(db, station, number, status) for number, status in enumerate(statuses, 1)]


async def was(evse: Evse, status: str, until: datetime, *, late: timedelta = timedelta(seconds=30)) -> None:
    """It was heard that the charge point had a status until then."""
    async with transaction() as db:
        db.add(
            StatusChange(
                evse_id=evse.id or 0,
                station_id=evse.station_id,
                status=status,
                since=until - timedelta(minutes=1),
                until=until,
                heard_at=until + late,
            )
        )


async def rows_of(table: Any) -> list[Any]:
    """All rows of a table."""
    async with transaction() as db:
        return list(await db.scalars(select(table)))
