"""What belongs to one driver, fleet or brand is nothing to another: every argument that takes an id is tried."""

import asyncio
import base64
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from websockets.exceptions import ConnectionClosed

from emsp.demo import documents
from emsp.demo.app_client import AppClient
from emsp.demo.processes import DemoFailed
from tests.stories.test_cards_and_cars import a_card
from tests.stories.test_reservations import reservable, reserved
from tests.stories.world import OVER, START, STOP, World

MONTH = f"{datetime.now(ZoneInfo('Europe/Amsterdam')):%Y-%m}"
STRANGERS = ("another driver", "another fleet's manager", "another brand's driver", "nobody")

NODE = """
query ($id: ID!) {
  node(id: $id) {
    __typename id
    ... on ChargingSession { state timeline { text } receipt { number } }
    ... on PriceQuote { validUntil }
    ... on Receipt { number }
    ... on PaymentMethod { last4 }
    ... on Fleet { name }
    ... on FleetBill { month }
  }
}"""
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
SETUP = "mutation { addPaymentMethod(input: {}) { setup { id clientSecret } errors { code } } }"
FINISH = """
mutation ($id: ID!) {
  addPaymentMethod(input: {setupId: $id}) { paymentMethod { id } setup { clientSecret } errors { code } }
}"""
ADD_MEMBER = """
mutation ($id: ID!) {
  addFleetMember(input: {fleetId: $id, email: "thief@example.com", role: MANAGER}) { errors { code } }
}"""
MEMBERS = """
query ($id: ID!) { node(id: $id) { ... on Fleet { name members { nodes { driver { email } } } } } }"""
THINGS = """
query ($id: ID!) {
  chargingSession(id: $id) { id quote { id } receipt { id } }
  viewer { driver { id } paymentMethods { id } }
}"""
BILL_ID = "query ($id: ID!, $month: String!) { node(id: $id) { ... on Fleet { bill(month: $month) { id } } } }"

ID_ARGUMENTS = {
    "Query.node.id",
    "Query.nodes.ids",
    "Query.station.id",
    "Query.chargingSession.id",
    "Mutation.stopCharging.sessionId",
    "Subscription.chargingSessionChanged.id",
    "AddFleetMemberInput.fleetId",
    "AddPaymentMethodInput.setupId",
    "BeginMandateInput.fleetId",
    "ChargeTokenInput.tokenId",
    "Mutation.cancelReservation.reservationId",
    "Mutation.finishMandate.fleetId",
    "Mutation.revokeMandate.fleetId",
    "Mutation.setChargingPreferences.sessionId",
    "PayDueInput.paymentMethodId",
    "PayDueInput.sessionId",
    "Query.chargePermission.connectorId",
    "Query.chargePermission.fleetId",
    "Query.chargePermission.paymentMethodId",
    "Query.chargePermission.quoteId",
    "RemovePaymentMethodInput.paymentMethodId",
    "ReserveEvseInput.evseId",
    "SetAutoTopUpInput.paymentMethodId",
    "SetDefaultPaymentMethodInput.paymentMethodId",
    "TopUpBalanceInput.paymentMethodId",
    "QuoteChargeInput.connectorId",
    "QuoteChargeInput.vehicleId",
    "ChangeVehicleInput.vehicleId",
    "RemoveVehicleInput.vehicleId",
    "StartChargingInput.connectorId",
    "StartChargingInput.evseId",
    "StartChargingInput.quoteId",
    "StartChargingInput.paymentMethodId",
    "StartChargingInput.fleetId",
    "StationFilter.operators",
    "StationPlace.ids",
}
PUBLIC = {
    "Query.station.id": "stations are for everybody",
    "QuoteChargeInput.connectorId": "prices are for everybody",
    "Query.chargePermission.connectorId": "what one may do there oneself is answered",
    "ReserveEvseInput.evseId": "charge points are for everybody",
    "StartChargingInput.connectorId": "must be the quote's, which is checked",
    "StartChargingInput.evseId": "must be the quote's, which is checked",
    "StationFilter.operators": "operators are for everybody",
    "StationPlace.ids": "stations are for everybody",
}
AMOUNT = '{amount: "20.00", currency: EUR}'
STOLEN = {
    "card": (
        "mutation ($id: ID!) { removePaymentMethod(input: {paymentMethodId: $id}) { errors { code } } }",
        "mutation ($id: ID!) { setDefaultPaymentMethod(input: {paymentMethodId: $id}) { errors { code } } }",
        f"mutation ($id: ID!) {{ topUpBalance(input: {{amount: {AMOUNT}, paymentMethodId: $id, "
        'idempotencyKey: "stolen"}) { errors { code } } }',
        f"mutation ($id: ID!) {{ setAutoTopUp(input: {{below: {AMOUNT}, amount: {AMOUNT}, paymentMethodId: $id}}) "
        "{ errors { code } } }",
    ),
    "session": (
        'mutation ($id: ID!) { payDue(input: {sessionId: $id, idempotencyKey: "stolen"}) { errors { code } } }',
        "mutation ($id: ID!) { setChargingPreferences(sessionId: $id, input: {}) { errors { code } } }",
    ),
    "fleet": (
        "mutation ($id: ID!) { beginMandate(input: {fleetId: $id}) { errors { code } } }",
        "mutation ($id: ID!) { finishMandate(fleetId: $id) { errors { code } } }",
        "mutation ($id: ID!) { revokeMandate(fleetId: $id) { errors { code } } }",
    ),
    "charge token": (
        "mutation ($id: ID!) { blockChargeToken(input: {tokenId: $id}) { errors { code } } }",
        "mutation ($id: ID!) { unblockChargeToken(input: {tokenId: $id}) { errors { code } } }",
        "mutation ($id: ID!) { removeChargeToken(input: {tokenId: $id}) { errors { code } } }",
    ),
    "reservation": ("mutation ($id: ID!) { cancelReservation(reservationId: $id) { errors { code } } }",),
}
"""What a stranger may try with an id of the owner's: refused exactly as with one that does not exist."""
MAY = """
query ($id: ID!, $fleet: ID, $card: ID, $quote: ID) {
  chargePermission(connectorId: $id, fleetId: $fleet, paymentMethodId: $card, quoteId: $quote) { allowed code }
}"""


@dataclass
class Owned:
    """What the owner has, by name, and who else there is."""

    ids: dict[str, str]
    strangers: dict[str, AppClient]
    running: str
    connector: dict[str, Any]


@pytest.fixture(scope="module")
def _brand(world: World) -> str:
    world.processes.run("brands", "add", "other", "--name", "Other", "--json")
    return "other"


@pytest.fixture
async def owned(world: World, _brand: str) -> Owned:
    owner, boss = await world.driver(email="owner@example.com"), await world.driver(card=None)
    fleet = (await boss.ask(documents.CREATE_FLEET))["createFleet"]["fleet"]["id"]
    await boss.ask(documents.ADD_MEMBER, fleetId=fleet, email="owner@example.com")
    connector, quote = await world.priced_connector(owner)
    done = await world.start(owner, quote, fleetId=fleet)
    await world.finish(owner, done["id"], energy_wh=500)
    things = await owner.ask(THINGS, id=done["id"])
    bill = (await boss.ask(BILL_ID, id=fleet, month=MONTH))["node"]["bill"]["id"]
    _, fresh = await world.priced_connector(owner)
    running_at, at = await world.priced_connector(owner)
    world.behave(running_at, pace="real")
    running = await world.start(owner, at, connectorId=running_at["id"])
    await world.wait(owner, running["id"], "CHARGING")
    card = await a_card(world, owner)
    kept = (await reserved(owner, await reservable(world, owner)))["reservation"]
    setup = (await owner.ask(SETUP))["addPaymentMethod"]["setup"]["id"]
    other_boss = await world.driver(email=f"{uuid4().hex[:8]}@example.com")
    await other_boss.ask(documents.CREATE_FLEET)
    return Owned(
        ids={
            "session": done["id"],
            "quote": fresh["id"],
            "receipt": things["chargingSession"]["receipt"]["id"],
            "card": things["viewer"]["paymentMethods"][0]["id"],
            "driver": things["viewer"]["driver"]["id"],
            "fleet": fleet,
            "bill": bill,
            "setup": setup,
            "charge token": card["id"],
            "reservation": kept["id"],
        },
        strangers={
            "another driver": await world.driver(),
            "another fleet's manager": other_boss,
            "another brand's driver": await world.driver(email="owner@example.com", brand="other"),
            "nobody": AppClient(world.api),
        },
        running=running["id"],
        connector=connector,
    )


def test_that_every_argument_that_takes_an_id_is_in_the_list() -> None:
    schema = (Path(__file__).parent.parent.parent / "schema.graphql").read_text()
    assert PUBLIC.keys() < ID_ARGUMENTS
    assert set(_id_arguments(schema)) == ID_ARGUMENTS, "a new argument takes an id: say who may use it, and test it"


def _id_arguments(schema: str) -> list[str]:
    text = re.sub(r'"""(?:.|\n)*?"""|"[^"\n]*"', "", schema)
    found = []
    for kind, name, body in re.findall(r"^(input|type) (\w+)[^{]*\{((?:.|\n)*?)^\}", text, re.M):
        if kind == "input":
            found += [f"{name}.{field}" for field in re.findall(r"^\s*(\w+): \[?ID\b", body, re.M)]
        for field, arguments in re.findall(r"(\w+)\s*\(((?:.|\n)*?)\)\s*:", body) if kind == "type" else []:
            found += [f"{name}.{field}.{argument}" for argument in re.findall(r"(\w+): \[?ID\b", arguments)]
    return found


async def test_that_strangers_get_nothing_and_change_nothing(world: World, owned: Owned) -> None:
    for who in STRANGERS:
        stranger = owned.strangers[who]
        for thing, id_ in owned.ids.items():
            await _unread(stranger, id_, f"{who} reads {thing}")
        answer = await stranger.post(NODES, ids=list(owned.ids.values()))
        assert (answer.get("data") or {}).get("nodes") in (None, [None] * len(owned.ids)), who
        answer = await stranger.post("query ($id: ID!) { chargingSession(id: $id) { state } }", id=owned.ids["session"])
        assert not (answer.get("data") or {}).get("chargingSession"), who
        answer = await stranger.post(MEMBERS, id=owned.ids["fleet"])
        assert not (answer.get("data") or {}).get("node"), who
        assert await _refused(stranger, STOP, "stopCharging", id=owned.running), who
        assert await _refused(stranger, FINISH, "addPaymentMethod", id=owned.ids["setup"]), who
        assert await _refused(stranger, ADD_MEMBER, "addFleetMember", id=owned.ids["fleet"]), who
        await _unwatched(stranger, owned.running)
        await _unstolen(stranger, owned, who)
        await _unstarted(world, stranger, owned, who)
    owner = await world.driver(card=None, email="owner@example.com")
    assert (await world.session(owner, owned.running))["state"] == "CHARGING"
    await world.finish(owner, owned.running)


async def _unread(stranger: AppClient, id_: str, what: str) -> None:
    answer = await stranger.post(NODE, id=id_)
    assert (answer.get("data") or {}).get("node") is None, what
    unknown = await stranger.post(NODE, id="TmVpdGhlcjox")
    assert _codes(answer) == _codes(unknown), f"{what}: told apart from what is not there"


async def _refused(stranger: AppClient, document: str, mutation: str, **variables: Any) -> bool:
    answer = await stranger.post(document, **variables)
    payload = (answer.get("data") or {}).get(mutation)
    return bool(answer.get("errors")) if payload is None else bool(payload["errors"])


async def _unstolen(stranger: AppClient, owned: Owned, who: str) -> None:
    for thing, documents_ in STOLEN.items():
        kind = base64.urlsafe_b64decode(owned.ids[thing] + "==").partition(b":")[0]
        nothing = base64.urlsafe_b64encode(kind + f":{uuid4()}".encode()).decode().rstrip("=")
        for document in documents_:
            answer = await stranger.post(document, id=owned.ids[thing])
            assert _told(answer), (who, document)
            assert _told(answer) == _told(await stranger.post(document, id=nothing)), (who, document)
    for name, thing in (("fleet", "fleet"), ("card", "card"), ("quote", "quote")):
        answer = await stranger.post(MAY, **{"id": owned.connector["id"], name: owned.ids[thing]})
        permission = (answer.get("data") or {}).get("chargePermission")
        assert not (permission and permission["allowed"]), (who, name)


def _told(answer: dict[str, Any]) -> list[str]:
    """Every reason for which something was refused."""
    payloads = [payload for payload in (answer.get("data") or {}).values() if payload]
    return _codes(answer) + [error["code"] for payload in payloads for error in payload["errors"]]


async def _unwatched(stranger: AppClient, session_id: str) -> None:
    seen = []
    try:
        async with asyncio.timeout(3):
            async for value in stranger.follow(documents.WATCH, id=session_id):
                seen.append(value)
    except (DemoFailed, TimeoutError, ConnectionClosed):
        return
    finally:
        assert seen == []


async def _unstarted(world: World, stranger: AppClient, owned: Owned, who: str) -> None:
    """Neither the owner's quote nor, on a quote of their own, the owner's card or fleet."""
    wishes: list[dict[str, Any]] = [{"quoteId": owned.ids["quote"]}]
    if stranger.token:
        _, own = await world.priced_connector(stranger)
        wishes += [{"quoteId": own["id"], "paymentMethodId": owned.ids["card"]}]
        wishes += [{"quoteId": own["id"], "fleetId": owned.ids["fleet"]}]
    for wish in wishes:
        answer = await stranger.post(START, input=wish | {"idempotencyKey": uuid4().hex})
        payload = (answer.get("data") or {}).get("startCharging") or {"session": None, "errors": answer.get("errors")}
        assert payload["session"] is None, (who, wish)
        assert payload["errors"], (who, wish)


def _codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors") or []]


@pytest.mark.usefixtures("_brand")
async def test_that_a_token_is_worth_nothing_at_another_brand(world: World) -> None:
    app = await world.driver(card=None)
    elsewhere = AppClient(world.api, token=app.token, headers={"X-Brand": "other"})

    answer = await elsewhere.post("{ viewer { driver { email } } }")

    assert _codes(answer) == ["UNAUTHENTICATED"]


async def test_that_an_owner_can_read_what_is_theirs(world: World) -> None:
    app = await world.driver()
    connector, quote = await world.priced_connector(app)
    session = await world.start(app, quote, connectorId=connector["id"])
    settled = await world.finish(app, session["id"], energy_wh=500)
    assert settled["state"] in OVER

    for id_, kind in (
        (session["id"], "ChargingSession"),
        (settled["receipt"]["id"], "Receipt"),
        (quote["id"], "PriceQuote"),
    ):
        assert (await app.ask(NODE, id=id_))["node"]["__typename"] == kind
