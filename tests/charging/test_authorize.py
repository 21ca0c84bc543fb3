"""A charge is taken on only where the operator can be asked to start it."""

import pytest
from sqlmodel import func, select

from emsp.brands.tables import Brand
from emsp.charging.authorize import request_start
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.errors import Refused
from emsp.payments.tables import Hold
from tests.charging.conftest import Place
from tests.charging.outside import FakeCards, FakeNetwork
from tests.charging.saying import Jobs
from tests.graphql import rows


async def ask(place: Place) -> ChargingSession:
    async with transaction() as db:
        brand = await db.get_one(Brand, place.driver.brand_id)
        return await request_start(
            db, brand=brand, driver=place.driver, idempotency_key="once", quote_id=place.quote.id
        )


async def test_that_a_start_at_an_operator_that_is_away_is_refused_before_money_is_held(
    place: Place, network: FakeNetwork, cards: FakeCards, waiting_jobs: Jobs
) -> None:
    async with transaction() as db:
        await rows.card(db, place.driver)
    network.is_reachable = False
    with pytest.raises(Refused, match="cannot be reached at the moment; nothing was charged") as refused:
        await ask(place)
    assert (refused.value.code, refused.value.field) == ("NOT_CHARGEABLE", ["input", "connectorId"])
    assert (cards.intents, network.commands, await waiting_jobs()) == ({}, [], [])
    async with transaction() as db:
        counted = [await db.scalar(select(func.count()).select_from(table)) for table in (ChargingSession, Hold)]
    assert counted == [0, 0]


async def test_that_it_is_taken_on_once_the_operator_is_back(
    place: Place, network: FakeNetwork, waiting_jobs: Jobs
) -> None:
    async with transaction() as db:
        await rows.card(db, place.driver)
    session = await ask(place)
    assert session.state == "REQUESTED"
    assert await waiting_jobs() == ["charging.start.secure_payment"]
