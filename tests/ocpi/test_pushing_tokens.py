"""Drivers' tokens at partners: marked when they change, pushed as they are, and again until they were taken."""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from uuid import UUID

import psycopg
import pytest
from starlette.responses import Response

from emsp import events, jobs
from emsp.accounts.drivers import block, drivers_named, ensure_driver, unblock
from emsp.accounts.happened import DriverChanged
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.charging.authorize import request_start
from emsp.db.engine import transaction
from emsp.errors import Refused
from emsp.ocpi import ours
from emsp.ocpi.connections import PartyId
from emsp.ocpi.send import push_tokens
from emsp.ocpi.send.push_tokens import driver_changed, partner_connected, push, push_what_is_due
from emsp.settings import settings
from tests.ocpi.askable import Asked, Partner, a_driver, askable
from tests.ocpi.people import value, values
from tests.ocpi.servers import envelope

DEFERRED = "SELECT args->>'connection_id' FROM procrastinate_jobs WHERE task_name LIKE '%push_tokens.push' ORDER BY id"
MARKS = "SELECT dirty_since IS NOT NULL, pushed_at IS NOT NULL, failure FROM ocpi_token_push"


@pytest.fixture(autouse=True)
def _followers() -> None:
    jobs.register(push)
    events.whenever(DriverChanged, driver_changed)


@pytest.fixture
async def partner(database: str) -> AsyncIterator[Partner]:
    async with askable(takes=[("tokens", "RECEIVER")]) as partner:
        partner.answer = envelope()
        yield partner


@pytest.fixture
async def ada(database: str) -> UUID:
    return await a_driver()


async def marked(partner: Partner, driver_id: UUID) -> None:
    """The driver changed, and the job that says so ran."""
    await driver_changed(driver_id)
    assert await value(DEFERRED + " DESC LIMIT 1") == str(partner.connection.id)


async def test_a_partner_learns_of_a_driver(partner: Partner, ada: UUID) -> None:
    await marked(partner, ada)
    assert await values(MARKS) == [(True, False, None)]
    await push(partner.connection.id)

    asked, uid = partner.only, ours.driver_uid(ada)
    assert (asked.method, asked.path, asked.query) == ("PUT", f"/ocpi/tokens/NL/EMP/{uid}", {"type": "APP_USER"})
    assert (asked.body["uid"], asked.body["valid"], asked.body["whitelist"]) == (uid, True, "NEVER")
    assert (asked.headers["ocpi-to-party-id"], asked.headers["ocpi-from-party-id"]) == ("ABC", "EMP")
    assert await values(MARKS) == [(False, True, None)]

    await push(partner.connection.id)
    assert len(partner.received) == 1, "what is known is not pushed again"


async def test_in_2_1_1_a_token_goes_out_as_2_1_1_knows_it(database: str, ada: UUID) -> None:
    bob = await a_driver("stroom", "bob", roaming_country_code="BE", roaming_party_id="STR")
    async with askable(version="2.1.1") as partner:
        partner.answer = envelope()
        await marked(partner, bob)
        await push(partner.connection.id)

    asked = partner.only
    assert asked.path == f"/ocpi/tokens/NL/EMP/{ours.driver_uid(bob)}", "the one party of ours that it knows"
    assert asked.query == {}
    assert asked.body["type"] == "OTHER"
    assert asked.body["auth_id"] == ours.contract_id(PartyId("BE", "STR"), bob)


async def test_a_hub_is_told_for_all_who_are_behind_it(database: str, ada: UUID) -> None:
    bob = await a_driver("stroom", "bob", roaming_country_code="BE", roaming_party_id="STR")
    async with askable(hub_party="DEHUB") as hub:
        hub.answer = envelope()
        await marked(hub, bob)
        await push(hub.connection.id)

    headers = hub.only.headers
    assert (headers["ocpi-to-country-code"], headers["ocpi-to-party-id"]) == ("DE", "HUB")
    assert (headers["ocpi-from-country-code"], headers["ocpi-from-party-id"]) == ("BE", "STR")
    assert hub.only.path == f"/ocpi/tokens/BE/STR/{ours.driver_uid(bob)}"


async def test_a_new_partner_learns_of_all_drivers_of_all_brands(partner: Partner, ada: UUID) -> None:
    bob = await a_driver("stroom", "bob")
    await partner_connected(partner.connection.id)
    await push(partner.connection.id)

    assert {asked.body["uid"] for asked in partner.received} == {ours.driver_uid(ada), ours.driver_uid(bob)}


async def test_many_go_out_in_portions(partner: Partner, ada: UUID) -> None:
    async with transaction() as db:
        brand_id = (await drivers_named(db, str(ada)))[0].brand_id
        db.add_all([Driver(brand_id=brand_id, email=f"{number}@example.com") for number in range(push_tokens.BATCH)])
    await partner_connected(partner.connection.id)
    await push(partner.connection.id)
    assert len(partner.received) == push_tokens.BATCH
    assert await values(DEFERRED) == [(str(partner.connection.id),)] * 2, "the rest follows in a job of its own"
    await push(partner.connection.id)

    assert len({asked.body["uid"] for asked in partner.received}) == push_tokens.BATCH + 1
    assert await values(DEFERRED) == [(str(partner.connection.id),)] * 2


async def test_a_blocked_driver_is_no_longer_valid_and_starts_nothing(partner: Partner, ada: UUID) -> None:
    async with transaction() as db:
        driver = await block(db, ada)
        brand = await db.get_one(Brand, driver.brand_id)
        with pytest.raises(Refused) as refused:
            await request_start(db, brand=brand, driver=driver, idempotency_key="1")
    assert refused.value.code == "DRIVER_BLOCKED"
    assert await value("SELECT count(*) FROM charging_session") == 0

    await driver_changed(ada)
    await push(partner.connection.id)
    async with transaction() as db:
        await unblock(db, ada)
    await driver_changed(ada)
    await push(partner.connection.id)
    assert [asked.body["valid"] for asked in partner.received] == [False, True]
    first, second = (datetime.fromisoformat(asked.body["last_updated"]) for asked in partner.received)
    assert first < second


async def test_a_driver_is_told_of_when_made_and_when_blocked_and_not_for_nothing(database: str) -> None:
    ada = await a_driver()
    async with transaction() as db:
        brand_id = (await drivers_named(db, str(ada)))[0].brand_id
        bob = await ensure_driver(db, brand_id, "bob@example.com")
        await ensure_driver(db, brand_id, "bob@example.com")
        for act in (block, block, unblock, unblock):
            await act(db, bob.id)
        assert [driver.id for driver in await drivers_named(db, "Bob@Example.com")] == [bob.id]

    told = await values("SELECT args->>'driver_id' FROM procrastinate_jobs WHERE task_name LIKE '%driver_changed'")
    assert told == [(str(bob.id),)] * 3


async def test_what_a_partner_did_not_take_is_kept_and_tried_again(partner: Partner, ada: UUID) -> None:
    await marked(partner, ada)
    partner.answer = envelope(None, 3000)
    await push(partner.connection.id)
    [(dirty, pushed, failure)] = await values(MARKS)
    assert (dirty, pushed) == (True, False)
    assert "OCPI 3000" in failure

    partner.answer = envelope()
    before = len(await values(DEFERRED))
    await push_what_is_due()
    assert len(await values(DEFERRED)) == before + 1
    await push(partner.connection.id)
    assert await values(MARKS) == [(False, True, None)]
    await push_what_is_due()
    assert len(await values(DEFERRED)) == before + 1, "nothing is due any more"


async def test_a_token_that_is_refused_does_not_hold_up_the_others(partner: Partner, ada: UUID) -> None:
    await a_driver("stroom", "bob")
    await partner_connected(partner.connection.id)
    bad = ours.driver_uid(ada)
    partner.answer = lambda asked: envelope(None, 2001 if bad in asked.path else 1000)
    await push(partner.connection.id)

    assert sorted(await values("SELECT driver_id, dirty_since IS NOT NULL FROM ocpi_token_push"), key=str) == sorted(
        [(ada, True), (await value("SELECT id FROM driver WHERE id <> :ada", ada=ada), False)], key=str
    )


async def test_a_partner_that_is_down_is_left_at_the_first_failure(partner: Partner, ada: UUID) -> None:
    await a_driver("stroom", "bob")
    await partner_connected(partner.connection.id)
    partner.answer = Response("who are you?", 401)
    await push(partner.connection.id)

    assert len(partner.received) == 1
    assert [dirty for dirty, _, _ in await values(MARKS)] == [True, True]


async def test_a_change_while_a_push_is_on_its_way_is_pushed_too(partner: Partner, ada: UUID, database: str) -> None:
    def blocked_meanwhile(_: Asked) -> Response:
        with psycopg.connect(database) as connection:
            connection.execute("UPDATE driver SET blocked_at = now(), updated_at = now()")
            connection.execute("UPDATE ocpi_token_push SET dirty_since = now()")
        return envelope()

    await marked(partner, ada)
    partner.answer = blocked_meanwhile
    await push(partner.connection.id)
    assert await values(MARKS) == [(True, False, None)], "the newer state is still to be told"

    partner.answer = envelope()
    await push(partner.connection.id)
    assert [asked.body["valid"] for asked in partner.received] == [True, False]
    assert await values(MARKS) == [(False, True, None)]


@pytest.fixture
def no_pushes() -> Iterator[None]:
    os.environ["EMSP_OCPI_PUSH_TOKENS"] = "0"
    settings.cache_clear()
    yield
    del os.environ["EMSP_OCPI_PUSH_TOKENS"]
    settings.cache_clear()


async def test_partners_that_take_no_tokens_are_left_alone(database: str, ada: UUID) -> None:
    async with askable(takes=[("tokens", "SENDER"), ("commands", "RECEIVER")]) as partner:
        await driver_changed(ada)
        await partner_connected(partner.connection.id)
        await push(partner.connection.id)
    assert partner.received == []
    assert await values(MARKS) == []


async def test_nobody_is_told_anything_where_pushing_is_off(partner: Partner, ada: UUID, no_pushes: None) -> None:
    await driver_changed(ada)
    await partner_connected(partner.connection.id)
    assert await values(MARKS) == await values(DEFERRED) == []


async def test_a_partner_that_left_is_not_called(partner: Partner, ada: UUID) -> None:
    await marked(partner, ada)
    async with transaction() as db:
        db.add(partner.connection)
        partner.connection.state = "UNREGISTERED"
    await push(partner.connection.id)
    await push_what_is_due()

    assert partner.received == []
    assert [dirty for dirty, _, _ in await values(MARKS)] == [True]
