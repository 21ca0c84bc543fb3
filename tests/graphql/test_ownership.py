"""Whoever asks with somebody else's id is told exactly what is told of an id that does not exist."""

from typing import Any
from uuid import uuid4

import pytest

from emsp.db.engine import transaction
from emsp.fleets.members import remove_member
from emsp.graphql import ids
from emsp.payments.tables import CardSetup
from tests.graphql import rows
from tests.graphql.conftest import Api, Town

NODE = "query ($id: ID!) { node(id: $id) { __typename id } nodes(ids: [$id]) { id } }"
OTHERS = [("ben-token", None), ("zoe-token", "stroom"), (None, None), (None, "stroom")]
PRIVATE = ("ChargingSession", "Receipt", "PriceQuote", "PaymentMethod", "Driver", "Fleet", "FleetBill")


def _id_of(town: Town, kind: str) -> str:
    keys: dict[str, tuple[Any, ...]] = {
        "ChargingSession": (town.session.id,),
        "Receipt": (town.receipt.id,),
        "PriceQuote": (town.quote.id,),
        "PaymentMethod": (town.card.id,),
        "Driver": (town.ada.id,),
        "Fleet": (town.fleet.id,),
        "FleetBill": (town.fleet.id, "2026-06", "EUR"),
    }
    return ids.encode(kind, *keys[kind])


def _unknown(kind: str) -> str:
    return ids.encode(kind, uuid4(), "2026-06", "EUR") if kind == "FleetBill" else ids.encode(kind, uuid4())


@pytest.mark.parametrize("kind", PRIVATE)
async def test_that_a_node_is_there_for_its_owner_only(api: Api, town: Town, kind: str) -> None:
    id_ = _id_of(town, kind)
    own = await api.ask(NODE, "ada-token", id=id_)
    assert own["node"] == {"__typename": kind, "id": id_}
    for token, brand in OTHERS:
        theirs = await api.ask(NODE, token, brand, id=id_)
        assert theirs == {"node": None, "nodes": [None]}
        assert theirs == await api.ask(NODE, token, brand, id=_unknown(kind))


async def test_that_a_brand_sees_itself_only(api: Api, town: Town) -> None:
    id_ = ids.encode("Brand", town.volt.id)
    assert (await api.ask(NODE, id=id_))["node"] == {"__typename": "Brand", "id": id_}
    assert (await api.ask(NODE, None, "stroom", id=id_))["node"] is None


@pytest.mark.parametrize(("token", "brand"), OTHERS)
async def test_that_a_charging_session_is_its_driver_s(api: Api, town: Town, token: str | None, brand: str) -> None:
    document = "query ($id: ID!) { chargingSession(id: $id) { id } }"
    id_ = ids.encode("ChargingSession", town.session.id)
    assert (await api.ask(document, "ada-token", id=id_)) == {"chargingSession": {"id": id_}}
    assert (await api.ask(document, token, brand, id=id_)) == {"chargingSession": None}
    assert (await api.ask(document, token, brand, id="bogus")) == {"chargingSession": None}


async def test_that_a_token_of_one_brand_is_worth_nothing_at_another(api: Api, town: Town) -> None:
    answer = await api.post("{ viewer { driver { email } } }", "ada-token", "stroom")
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


STOP = "mutation ($id: ID!) { stopCharging(sessionId: $id, input: {}) { session { state } errors { code } } }"


@pytest.mark.parametrize(("token", "brand"), [("ben-token", None), ("zoe-token", "stroom")])
async def test_that_a_charge_is_stopped_by_its_driver_only(api: Api, town: Town, token: str, brand: str) -> None:
    theirs = await api.wrong(STOP, token, brand, id=ids.encode("ChargingSession", town.session.id))
    unknown = await api.wrong(STOP, token, brand, id=ids.encode("ChargingSession", uuid4()))
    assert theirs["message"] == unknown["message"]
    assert theirs["extensions"]["code"] == unknown["extensions"]["code"] == "NOT_FOUND"
    async with transaction() as db:
        assert (await db.get_one(type(town.session), town.session.id)).state == "CHARGING"


START = """mutation ($input: StartChargingInput!) {
  startCharging(input: $input) { session { id } errors { code field } }
}"""


async def _start(api: Api, token: str, brand: str | None = None, **wish: Any) -> Any:
    wish = {name: key for name, key in wish.items() if key} | {"idempotencyKey": uuid4().hex}
    return (await api.ask(START, token, brand, input=wish))["startCharging"]


async def test_that_nobody_starts_with_somebody_else_s_quote_card_or_fleet(api: Api, town: Town) -> None:
    async with transaction() as db:
        connector = await rows.connector(db, await rows.evse(db, town.station, 7))
        quote = await rows.quote(db, town.ben, connector)
        await rows.card(db, town.ben)
    of_ben = ids.encode("PriceQuote", quote.id)
    of_ada = _id_of(town, "PriceQuote")
    expected = [
        ({"quoteId": of_ada}, "QUOTE_NOT_FOUND"),
        ({"quoteId": _unknown("PriceQuote")}, "QUOTE_NOT_FOUND"),
        ({"quoteId": of_ben, "paymentMethodId": _id_of(town, "PaymentMethod")}, "PAYMENT_METHOD_NOT_FOUND"),
        ({"quoteId": of_ben, "paymentMethodId": _unknown("PaymentMethod")}, "PAYMENT_METHOD_NOT_FOUND"),
        ({"quoteId": of_ben, "fleetId": _id_of(town, "Fleet")}, "FLEET_NOT_FOUND"),
        ({"quoteId": of_ben, "fleetId": _unknown("Fleet")}, "FLEET_NOT_FOUND"),
    ]
    for wish, code in expected:
        answer = await _start(api, "ben-token", **wish)
        assert answer["session"] is None
        assert [error["code"] for error in answer["errors"]] == [code]


ADD_MEMBER = """mutation ($id: ID!) {
  addFleetMember(input: {fleetId: $id, email: "eve@example.com"}) { member { role } errors { code } }
}"""


@pytest.mark.parametrize(("token", "brand"), [("ben-token", None), ("zoe-token", "stroom")])
async def test_that_only_a_manager_lets_drivers_into_a_fleet(api: Api, town: Town, token: str, brand: str) -> None:
    async with transaction() as db:
        own = await rows.fleet(db, town.ben)
        await rows.fleet(db, town.zoe)
    theirs = await api.wrong(ADD_MEMBER, token, brand, id=ids.encode("Fleet", town.fleet.id))
    unknown = await api.wrong(ADD_MEMBER, token, brand, id=ids.encode("Fleet", uuid4()))
    assert theirs["extensions"]["code"] == unknown["extensions"]["code"] == "NOT_FOUND"
    if token == "ben-token":
        added = await api.ask(ADD_MEMBER, token, id=ids.encode("Fleet", own.id))
        assert added["addFleetMember"]["member"] == {"role": "DRIVER"}


async def test_that_an_attempt_to_save_a_card_is_completed_by_its_driver_only(api: Api, town: Town) -> None:
    async with transaction() as db:
        setup = await rows.added(db, CardSetup(driver_id=town.ada.id, processor_id="seti_1"))
    document = "mutation ($id: ID!) { addPaymentMethod(input: {setupId: $id}) { errors { code } } }"
    for id_ in (ids.encode("CardSetup", setup.id), ids.encode("CardSetup", uuid4())):
        wrong = await api.wrong(document, "ben-token", id=id_)
        assert wrong["extensions"]["code"] == "NOT_FOUND"


FLEET = """query ($id: ID!) { node(id: $id) { ... on Fleet {
  name members { totalCount nodes { role driver { email } } }
  bill(month: "2026-06") { total { amount } } bills(month: "2026-06") { id }
} } }"""


async def test_that_a_driver_in_a_fleet_sees_it_but_neither_its_bill_nor_the_others(api: Api, town: Town) -> None:
    async with transaction() as db:
        fleet = await rows.fleet(db, town.ada, town.ben)
        await rows.fleet_charge(db, fleet, town.ada, "another charge")
    id_ = ids.encode("Fleet", fleet.id)

    manager = (await api.ask(FLEET, "ada-token", id=id_))["node"]
    driver = (await api.ask(FLEET, "ben-token", id=id_))["node"]

    assert manager["bill"] == {"total": {"amount": "5.45"}}
    assert {member["driver"]["email"] for member in manager["members"]["nodes"]} == {
        "ada@example.com",
        "ben@example.com",
    }
    assert driver == {
        "name": "Rainy Day Couriers",
        "members": {"totalCount": 1, "nodes": [{"role": "DRIVER", "driver": {"email": "ben@example.com"}}]},
        "bill": None,
        "bills": [],
    }
    bill_id = ids.encode("FleetBill", fleet.id, "2026-06", "EUR")
    assert (await api.ask(NODE, "ben-token", id=bill_id))["node"] is None


async def test_that_a_former_member_sees_nothing(api: Api, town: Town) -> None:
    async with transaction() as db:
        fleet = await rows.fleet(db, town.ada, town.ben)
        await remove_member(db, fleet.id, town.ben.id)
    assert (await api.ask(NODE, "ben-token", id=ids.encode("Fleet", fleet.id)))["node"] is None
    assert (await api.ask("{ viewer { fleets { id } } }", "ben-token")) == {"viewer": {"fleets": []}}


async def test_that_a_removed_card_is_gone(api: Api, town: Town) -> None:
    async with transaction() as db:
        (await db.get_one(type(town.card), town.card.id)).removed_at = rows.JUNE
    assert (await api.ask(NODE, "ada-token", id=_id_of(town, "PaymentMethod")))["node"] is None
    assert (await api.ask("{ viewer { paymentMethods { id } } }", "ada-token"))["viewer"]["paymentMethods"] == []
