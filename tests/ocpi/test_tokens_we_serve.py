"""The tokens of our drivers as a CPO sees them."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from emsp.accounts.drivers import block
from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.ocpi import ours
from emsp.ocpi.connections import PartyId
from tests.graphql import rows
from tests.ocpi.askable import a_driver
from tests.ocpi.people import Cpo


@pytest.fixture
async def drivers(database: str) -> list[Driver]:
    async with transaction() as db:
        brand = await rows.added(db, Brand(slug="volt", name="Volt", languages=["en"]))
        return [
            await rows.added(
                db,
                Driver(
                    brand_id=brand.id,
                    email=f"{day}@example.com",
                    created_at=datetime(2026, 6, day, tzinfo=UTC),
                    updated_at=datetime(2026, 6, day, tzinfo=UTC),
                ),
            )
            for day in (1, 2, 3)
        ]


async def test_they_come_oldest_first_page_by_page(cpo: Cpo, drivers: list[Driver]) -> None:
    first = await cpo.send("GET", "/tokens/?limit=2")
    assert first.headers["X-Total-Count"] == "3"
    assert first.headers["Link"] == '<http://127.0.0.1:8000/ocpi/2.2.1/tokens/?limit=2&offset=2>; rel="next"'
    second = await cpo.send("GET", "/tokens/?limit=2&offset=2")
    assert "Link" not in second.headers

    uids = [token["uid"] for answer in (first, second) for token in answer.json()["data"]]
    assert uids == [ours.driver_uid(driver.id) for driver in drivers]
    token = first.json()["data"][0]
    assert (token["type"], token["whitelist"], token["valid"]) == ("APP_USER", "NEVER", True)
    assert (token["country_code"], token["party_id"]) == ("NL", "EMP")
    assert len(token["uid"]) == 20
    assert "example.com" not in first.text, "no token tells who its driver is"


async def test_the_window_begins_with_its_start_and_ends_before_its_end(cpo: Cpo, drivers: list[Driver]) -> None:
    data = await cpo.gets("/tokens?date_from=2026-06-02T00:00:00Z&date_to=2026-06-03T00:00:00Z")
    assert [token["last_updated"] for token in data] == ["2026-06-02T00:00:00Z"]


@pytest.mark.parametrize("query", ["limit=0", "limit=many", "offset=-1", "date_from=yesterday"])
async def test_a_query_that_makes_no_sense_is_refused(cpo: Cpo, query: str) -> None:
    assert await cpo.says("GET", f"/tokens?{query}") == (200, 2001)


async def test_a_party_of_ours_shows_the_drivers_of_its_brands_only(cpo: Cpo, drivers: list[Driver]) -> None:
    bob = await a_driver("stroom", "bob", roaming_country_code="BE", roaming_party_id="STR")
    of_stroom = {"OCPI-to-country-code": "be", "OCPI-to-party-id": "str"}
    of_all = {"OCPI-to-country-code": "NL", "OCPI-to-party-id": "ZZZ"}

    answer = await cpo.send("GET", "/tokens", **of_stroom)
    assert [(token["country_code"], token["party_id"], token["uid"]) for token in answer.json()["data"]] == [
        ("BE", "STR", ours.driver_uid(bob))
    ]
    assert answer.headers["X-Total-Count"] == "1"
    own = await cpo.send("GET", "/tokens", **{"OCPI-to-country-code": "NL", "OCPI-to-party-id": "EMP"})
    assert [token["uid"] for token in own.json()["data"]] == [ours.driver_uid(driver.id) for driver in drivers]
    assert (await cpo.send("GET", "/tokens", **of_all)).headers["X-Total-Count"] == "4", "nobody's: all are shown"


async def test_the_tokens_of_2_1_1_have_no_party(cpo: Cpo, drivers: list[Driver]) -> None:
    cpo.version = "2.1.1"
    token = (await cpo.gets("/tokens?limit=1"))[0]
    assert (token["type"], token["auth_id"]) == ("OTHER", ours.contract_id(PartyId("NL", "EMP"), drivers[0].id))
    assert not {"party_id", "contract_id"} & set(token)


async def test_a_blocked_driver_is_told_apart(cpo: Cpo, drivers: list[Driver]) -> None:
    async with transaction() as db:
        await block(db, drivers[0].id)
    uid = ours.driver_uid(drivers[0].id)

    answer = await cpo.send("POST", f"/tokens/{uid}/authorize?type=APP_USER")
    assert answer.status_code == 200
    assert answer.json()["data"]["allowed"] == "BLOCKED"
    assert {token["uid"]: token["valid"] for token in await cpo.gets("/tokens")}[uid] is False


async def test_a_drivers_own_token_starts_nothing_by_itself(cpo: Cpo, drivers: list[Driver]) -> None:
    uid = ours.driver_uid(drivers[0].id).lower()
    answer = await cpo.send("POST", f"/tokens/{uid}/authorize?type=APP_USER")

    assert answer.json()["data"]["allowed"] == "NOT_ALLOWED"
    assert answer.json()["data"]["token"]["uid"] == uid.upper()


async def test_a_token_of_a_start_is_allowed_while_its_charge_is_open(cpo: Cpo, drivers: list[Driver]) -> None:
    async with transaction() as db:
        station = await rows.station(db, cpo.connection.partner_id, 1)
        socket = await rows.connector(db, await rows.evse(db, station, 1))
        quote = await rows.quote(db, drivers[0], socket)
        for state in ("CHARGING", "SETTLED"):
            await rows.session(db, drivers[0], quote, socket, state=state, token_uid=f"APP{state}")
    body = {"location_id": "L1", "evse_uids": ["E1"]}

    charging = (await cpo.send("POST", "/tokens/APPCHARGING/authorize", body)).json()["data"]
    settled = (await cpo.send("POST", "/tokens/APPSETTLED/authorize", body)).json()["data"]

    assert (charging["allowed"], charging["location"]) == ("ALLOWED", body)
    assert charging["authorization_reference"]
    assert settled["allowed"] == "NOT_ALLOWED"
    assert "location" not in settled


@pytest.mark.parametrize("uid", ["04A2B3C4", "0" * 20, "x" * 300])
async def test_an_unknown_token_is_not_found_in_both_ways(cpo: Cpo, uid: str) -> None:
    assert await cpo.says("POST", f"/tokens/{uid}/authorize") == (404, 2004)


def test_a_contract_has_the_form_of_an_ema_id() -> None:
    assert ours.contract_id(PartyId("NL", "EMP"), UUID(int=7)) == "NLEMPCEF4MOFNK"
