"""A driver's charge in the database, with every job of the timetable known and none of them run by itself."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from sqlalchemy import text

from emsp import timetable
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.charging import ports as charging_ports
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.partners.tables import Partner
from emsp.payments import ports as payments_ports
from emsp.payments.tables import Customer, Hold
from emsp.pricing.tables import Quote
from emsp.settings import settings
from emsp.stations.tables import Connector
from tests.charging.outside import FakeCards, FakeNetwork
from tests.graphql import rows

START = datetime(2025, 6, 2, 18, 0, tzinfo=UTC)
END = START + timedelta(hours=1)


@dataclass
class Place:
    """Where a driver charges, and the price that was shown."""

    partner: Partner
    driver: Driver
    quote: Quote
    connector: Connector

    async def session(self, **facts: Any) -> ChargingSession:
        """A session of the driver's, asked for shortly before it began; running unless told otherwise."""
        asked = {"created_at": START - timedelta(minutes=5)}
        async with transaction() as db:
            return await rows.session(db, self.driver, self.quote, self.connector, **(asked | facts))

    async def held(self, cards: FakeCards, amount_minor: int = 2000, **facts: Any) -> ChargingSession:
        """A session with money held on the driver's card."""
        session = await self.session(**facts)
        async with transaction() as db:
            card = await rows.card(db, self.driver)
            await rows.added(db, Customer(driver_id=self.driver.id, processor_id="cus_1"))
            hold = await rows.added(
                db,
                Hold(
                    reference=str(session.id),
                    driver_id=self.driver.id,
                    payment_method_id=card.id,
                    state="HELD",
                    currency="EUR",
                    amount_minor=amount_minor,
                    processor_id=cards.held(amount_minor),
                ),
            )
            row = await db.get_one(ChargingSession, session.id)
            row.hold_id, row.payment_method_id = hold.id, card.id
        return session


@pytest.fixture(autouse=True)
def _credits_wait_for_nothing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("EMSP_CREDIT_WAIT_S", "0")
    settings.cache_clear()
    yield
    settings.cache_clear()


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
def network() -> FakeNetwork:
    """The operators, as far as we can see."""
    fake = FakeNetwork()
    charging_ports.plug(cast(charging_ports.Network, fake))
    return fake


@pytest.fixture
def cards() -> FakeCards:
    """The card processor."""
    fake = FakeCards()
    payments_ports.plug(cast(payments_ports.Processor, fake))
    return fake


@pytest.fixture
def waiting_jobs(place: Place) -> Callable[[], Awaitable[list[str]]]:
    """The names of the jobs that wait to be run, in the order in which they were deferred."""

    async def names() -> list[str]:
        async with transaction() as db:
            found = await db.execute(text("SELECT task_name FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id"))
            return list(found.scalars())

    return names
