"""The API on a database of the test's own, with two brands and what belongs to their drivers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest
from starlette.applications import Starlette

from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.charging import ports as charging_ports
from emsp.charging.tables import ChargingSession, Receipt
from emsp.db.engine import Db, transaction
from emsp.fleets.tables import Fleet
from emsp.graphql.server import routes
from emsp.partners.tables import Partner
from emsp.payments.tables import PaymentMethod
from emsp.pricing.tables import Quote
from emsp.stations.tables import Connector, Evse, Station
from tests.charging.outside import FakeNetwork
from tests.graphql import rows


class Api:
    """An app that sends GraphQL documents."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def post(self, document: str, token: str | None = None, brand: str | None = None, **variables: Any) -> Any:
        """The answer as it came."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        headers |= {"x-brand": brand} if brand else {}
        body = {"query": document, "variables": variables}
        return await self.http.post("/graphql", json=body, headers=headers)

    async def ask(self, document: str, token: str | None = None, brand: str | None = None, **variables: Any) -> Any:
        """The data, of a document that has no errors."""
        answer = (await self.post(document, token, brand, **variables)).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def wrong(self, document: str, token: str | None = None, brand: str | None = None, **variables: Any) -> Any:
        """The only error of a document."""
        [error] = (await self.post(document, token, brand, **variables)).json()["errors"]
        return error


@dataclass
class Town:
    """Ada and her things at the brand Volt; Ben at the same brand; Zoe at another one."""

    volt: Brand
    stroom: Brand
    ada: Driver
    ben: Driver
    zoe: Driver
    station: Station
    evse: Evse
    connector: Connector
    quote: Quote
    card: PaymentMethod
    session: ChargingSession
    receipt: Receipt
    fleet: Fleet


@pytest.fixture
async def api(database: str) -> AsyncIterator[Api]:
    """The API over HTTP; every operator can be reached."""
    charging_ports.plug(cast(charging_ports.Network, FakeNetwork()))
    transport = httpx.ASGITransport(app=Starlette(routes=routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://volt.example") as http:
        yield Api(http)


@pytest.fixture
async def town(database: str) -> Town:
    """A small world."""
    async with transaction() as db:
        return await _town(db)


async def _town(db: Db) -> Town:
    volt = await rows.added(db, Brand(slug="volt", name="Volt", languages=["en", "nl"], is_default=True))
    stroom = await rows.added(db, Brand(slug="stroom", name="Stroom", languages=["nl"]))
    ada, ben = await rows.driver(db, volt.id, "ada"), await rows.driver(db, volt.id, "ben")
    zoe = await rows.driver(db, stroom.id, "zoe")
    partner = await rows.added(db, Partner(name="ABC"))
    await rows.tariff(db, partner.id)
    station = await rows.station(db, partner.id, 1)
    evse = await rows.evse(db, station, 1)
    await rows.evse(db, station, 2, "CHARGING")
    connector = await rows.connector(db, evse)
    quote = await rows.quote(db, ada, connector)
    session = await rows.session(db, ada, quote, connector)
    fleet = await rows.fleet(db, ada)
    await rows.fleet_charge(db, fleet, ada)
    card, receipt = await rows.card(db, ada), await rows.receipt(db, session)
    return Town(volt, stroom, ada, ben, zoe, station, evse, connector, quote, card, session, receipt, fleet)
