"""A driver's charge in the database, with every job of the timetable known and none of them run."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from emsp import timetable
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.partners.tables import Partner
from emsp.pricing.tables import Quote
from emsp.stations.tables import Connector
from tests.graphql import rows


@dataclass
class Place:
    """Where a driver charges, and the price that was shown."""

    partner: Partner
    driver: Driver
    quote: Quote
    connector: Connector

    async def session(self, **facts: Any) -> ChargingSession:
        """A session of the driver's; running unless told otherwise."""
        async with transaction() as db:
            return await rows.session(db, self.driver, self.quote, self.connector, **facts)


@pytest.fixture
async def place(database: str) -> Place:
    timetable.set_up()
    async with transaction() as db:
        brand = await rows.added(db, Brand(slug="volt", name="Volt", languages=["en"], is_default=True))
        driver = await rows.driver(db, brand.id, "ada")
        partner = await rows.added(db, Partner(name="ABC"))
        await rows.tariff(db, partner.id)
        evse = await rows.evse(db, await rows.station(db, partner.id, 1), 1)
        connector = await rows.connector(db, evse)
        return Place(partner, driver, await rows.quote(db, driver, connector), connector)


@pytest.fixture
def waiting_jobs(place: Place) -> Callable[[], Awaitable[list[str]]]:
    """The names of the jobs that wait to be run, in the order in which they were deferred."""

    async def names() -> list[str]:
        async with transaction() as db:
            found = await db.execute(text("SELECT task_name FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id"))
            return list(found.scalars())

    return names
