"""Invoices and mandates of a fleet are its managers', and whether one may charge is told before anything is held."""

from typing import Any, cast

import pytest
from sqlmodel import func, select

from emsp import timetable
from emsp.brands.tables import Brand
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.fleets.closing import close
from emsp.fleets.tables import Fleet, FleetInvoice, FleetMember
from emsp.graphql import ids
from emsp.payments import ports
from emsp.payments.tables import Hold
from tests.fleets.bank import FakeBank
from tests.graphql import rows
from tests.graphql.conftest import Api, Town

FLEET = """query ($id: ID!) { node(id: $id) { ... on Fleet {
  mandate { state last4 } invoices(first: 1) { totalCount nodes { number state net { amount } taxes { percent } } }
} } }"""
NODE = "query ($id: ID!) { node(id: $id) { id ... on FleetInvoice { number } } }"
BEGIN = """mutation ($fleet: ID!) { beginMandate(input: {fleetId: $fleet, idempotencyKey: "one"}) {
  clientSecret mandate { state } errors { code } } }"""
FINISH = "mutation ($fleet: ID!) { finishMandate(fleetId: $fleet) { mandate { state last4 } errors { code field } } }"
REVOKE = "mutation ($fleet: ID!) { revokeMandate(fleetId: $fleet) { mandate { state } errors { code message } } }"
MAY = """query ($connector: ID!, $quote: ID, $card: ID, $fleet: ID) {
  chargePermission(connectorId: $connector, quoteId: $quote, paymentMethodId: $card, fleetId: $fleet) {
    allowed code message paymentFlow } }"""


@pytest.fixture
async def invoice(town: Town) -> FleetInvoice:
    """Of the fleet that Ada manages and in which Ben drives."""
    timetable.set_up()
    async with transaction() as db:
        await rows.added(db, FleetMember(fleet_id=town.fleet.id, driver_id=town.ben.id))
        [made] = await close(db, town.fleet.id, "2026-06", early=True)
    return made


@pytest.fixture
def bank() -> FakeBank:
    fake = FakeBank()
    ports.plug(cast(ports.Processor, fake))
    return fake


async def test_that_only_managers_see_invoices(api: Api, town: Town, invoice: FleetInvoice) -> None:
    fleet, key = ids.encode("Fleet", town.fleet.id), ids.encode("FleetInvoice", invoice.id)

    shown = (await api.ask(FLEET, "ada-token", id=fleet))["node"]
    assert shown == {
        "mandate": None,
        "invoices": {
            "totalCount": 1,
            "nodes": [
                {"number": invoice.number, "state": "OPEN", "net": {"amount": "4.50"}, "taxes": [{"percent": "21"}]}
            ],
        },
    }
    assert (await api.ask(NODE, "ada-token", id=key))["node"] == {"id": key, "number": invoice.number}
    assert (await api.ask(FLEET, "ben-token", id=fleet))["node"]["invoices"] == {"totalCount": 0, "nodes": []}
    for token in ("ben-token", "zoe-token"):
        brand = "stroom" if token == "zoe-token" else "volt"
        assert (await api.ask(NODE, token, brand, id=key))["node"] is None
    assert (await api.ask(NODE, id=key))["node"] is None


async def test_that_only_managers_have_to_do_with_mandates(
    api: Api, town: Town, invoice: FleetInvoice, bank: FakeBank
) -> None:
    fleet = ids.encode("Fleet", town.fleet.id)
    for document in (BEGIN, FINISH, REVOKE):
        for token, brand in (("ben-token", "volt"), ("zoe-token", "stroom")):
            assert (await api.wrong(document, token, brand, fleet=fleet))["extensions"]["code"] == "NOT_FOUND"
        assert (await api.wrong(document, fleet=fleet))["extensions"]["code"] == "UNAUTHENTICATED"
    assert bank.setups == {}


async def test_that_a_manager_begins_finishes_and_takes_back_a_mandate(api: Api, town: Town, bank: FakeBank) -> None:
    fleet = ids.encode("Fleet", town.fleet.id)
    none = {"mandate": None, "errors": [{"code": "MANDATE_NOT_FOUND", "field": None}]}
    assert (await api.ask(FINISH, "ada-token", fleet=fleet))["finishMandate"] == none

    begun = (await api.ask(BEGIN, "ada-token", fleet=fleet))["beginMandate"]
    assert begun["mandate"] == {"state": "PENDING"}
    [setup] = bank.setups.values()
    assert begun["clientSecret"] == setup.client_secret
    assert (await api.ask(FINISH, "ada-token", fleet=fleet))["finishMandate"]["mandate"]["state"] == "PENDING"
    bank.sign(setup.processor_id)
    finished = (await api.ask(FINISH, "ada-token", fleet=fleet))["finishMandate"]
    assert finished["mandate"] == {"state": "ACTIVE", "last4": "3000"}

    assert (await api.ask(REVOKE, "ada-token", fleet=fleet))["revokeMandate"]["mandate"] == {"state": "REVOKED"}
    again = (await api.ask(REVOKE, "ada-token", fleet=fleet))["revokeMandate"]
    assert [error["code"] for error in again["errors"]] == ["MANDATE_NOT_FOUND"]


async def may(api: Api, town: Town, token: str = "ben-token", **wanted: Any) -> dict[str, Any]:
    named = {"connector": ids.encode("Connector", town.connector.id)} | wanted
    answer: dict[str, Any] = (await api.ask(MAY, token, **named))["chargePermission"]
    return answer


async def test_that_a_driver_is_told_beforehand_whether_they_may_charge(api: Api, town: Town) -> None:
    told = await may(api, town)
    assert (told["allowed"], told["code"], told["message"]) == (
        False,
        "PAYMENT_METHOD_MISSING",
        "Add a payment method first.",
    )
    async with transaction() as db:
        await rows.card(db, town.ben)
        quote = await rows.quote(db, town.ben, town.connector)
    yes = {"allowed": True, "code": None, "message": None, "paymentFlow": "HOLD"}
    assert await may(api, town) == await may(api, town, quote=ids.encode("PriceQuote", quote.id)) == yes

    async with transaction() as db:
        brand = await db.get_one(Brand, town.volt.id)
        brand.network_policy = {"max_power_w": 11_000}
    assert (await may(api, town))["code"] == "NETWORK_NOT_ALLOWED"
    async with transaction() as db:
        counted = [await db.scalar(select(func.count()).select_from(table)) for table in (ChargingSession, Hold)]
    assert counted == [1, 0], "only the charge that the town began with"


async def test_that_others_quotes_cards_and_fleets_look_as_if_there_were_none(api: Api, town: Town) -> None:
    async with transaction() as db:
        await rows.card(db, town.ben)
    for wanted, code in (
        ({"quote": ids.encode("PriceQuote", town.quote.id)}, "QUOTE_NOT_FOUND"),
        ({"card": ids.encode("PaymentMethod", town.card.id)}, "PAYMENT_METHOD_NOT_FOUND"),
        ({"fleet": ids.encode("Fleet", town.fleet.id)}, "FLEET_NOT_FOUND"),
        ({"connector": ids.encode("Connector", 999)}, "NOT_CHARGEABLE"),
    ):
        assert (await may(api, town, **wanted))["code"] == code


async def test_that_a_blocked_fleet_is_told_of(api: Api, town: Town) -> None:
    async with transaction() as db:
        await rows.added(db, FleetMember(fleet_id=town.fleet.id, driver_id=town.ben.id))
        (await db.get_one(Fleet, town.fleet.id)).blocked_at = rows.JUNE
    told = await may(api, town, fleet=ids.encode("Fleet", town.fleet.id))
    assert told["code"] == "FLEET_BLOCKED"
