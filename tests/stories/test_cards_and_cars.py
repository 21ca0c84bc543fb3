"""A card held to a charge point, and a car that tells its contract: allowed or not, charged, and on a bill."""

import asyncio
import base64
import json
import time
from secrets import token_hex
from typing import Any

from emsp.accounts.contracts import new_contract_id
from emsp.demo import documents
from emsp.demo.app_client import AppClient
from tests.stories.world import World, minor, place_of

ADD = """
mutation ($number: String!, $ending: String!) {
  addChargeToken(input: {visualNumber: $number, uidEnding: $ending, name: "Key ring"}) {
    token { id kind name contractId blockedAt } errors { code message }
  }
}"""
BLOCK = "mutation ($id: ID!) { blockChargeToken(input: {tokenId: $id}) { token { blockedAt } errors { code } } }"
UNBLOCK = "mutation ($id: ID!) { unblockChargeToken(input: {tokenId: $id}) { token { blockedAt } errors { code } } }"
MINE = """
{ viewer { tokens { id name } sessions { nodes {
  id state origin chargeToken { name kind } quote { total { amount } worstCase { amount } missingReason }
} } } }"""


async def a_card(world: World, app: AppClient) -> dict[str, str]:
    """A card that staff brought in and the driver added: its chip's id and its id in the app."""
    uid, number = token_hex(7).upper(), token_hex(4).upper()
    world.processes.run("tokens", "add", uid, "--visual-number", number, "--json")
    added = (await app.ask(ADD, number=number, ending=uid[-4:]))["addChargeToken"]
    assert added["errors"] == []
    return {"uid": uid, "id": added["token"]["id"]}


def tapped(world: World, connector: dict[str, Any], **token: str) -> dict[str, Any]:
    answer: dict[str, Any] = world.pull_lever("tap", **place_of(connector), **token)
    return answer


async def begun(app: AppClient, timeout_s: float = 30) -> dict[str, Any]:
    """The charge that shows up in the driver's app by itself."""
    deadline = time.monotonic() + timeout_s
    while not (sessions := (await app.ask(MINE))["viewer"]["sessions"]["nodes"]):
        assert time.monotonic() < deadline, "no charge shows up"
        await asyncio.sleep(0.2)
    found: dict[str, Any] = sessions[0]
    return found


async def test_that_a_card_starts_a_charge_that_the_app_follows_and_the_driver_pays(world: World) -> None:
    app = await world.driver()
    card = await a_card(world, app)
    connector, _ = await world.priced_connector(app)

    told = tapped(world, connector, token_uid=card["uid"])
    assert told["allowed"] == "ALLOWED"
    assert told["info"] == {"language": "en", "text": "Welcome. The price is in your app."}
    charge = await begun(app)
    assert (charge["origin"], charge["chargeToken"]) == ("CARD", {"name": "Key ring", "kind": "RFID"})
    assert charge["quote"]["missingReason"] is None
    running = await world.wait(app, charge["id"], "CHARGING", energy_wh=2_000)
    settled = await world.finish(app, charge["id"])

    texts = [line["text"] for line in settled["timeline"]]
    assert texts[:2] == [
        "Your card started this charge.",
        "No price was shown before it began; the price that applies is the one of that moment.",
    ]
    assert running["costSoFar"] is not None
    assert minor(settled["receipt"]["paid"]) == minor(settled["receipt"]["total"]) > 0
    assert settled["hold"]["captured"]["amount"] == settled["receipt"]["paid"]["amount"], "held late, captured once"
    [session] = [one for one in world.cpo_books()["sessions"] if one["id"] == told["session_id"]]
    assert session["cdr_token"]["uid"] == card["uid"]


async def test_that_a_lost_card_starts_nothing(world: World) -> None:
    app = await world.driver()
    card = await a_card(world, app)
    connector = await world.connector(app)
    assert (await app.ask(BLOCK, id=card["id"]))["blockChargeToken"]["token"]["blockedAt"]

    told = tapped(world, connector, token_uid=card["uid"])
    assert (told["allowed"], told["session_id"]) == ("BLOCKED", None)
    assert told["info"]["text"] == "This card is blocked. See your app."
    assert tapped(world, connector, token_uid=card["uid"], auth="whitelist")["session_id"] is None
    assert tapped(world, connector, token_uid="04FFFFFFFF")["allowed"] == "UNKNOWN"
    assert (await app.ask(MINE))["viewer"]["sessions"]["nodes"] == []

    await app.ask(UNBLOCK, id=card["id"])
    assert tapped(world, connector, token_uid=card["uid"])["allowed"] == "ALLOWED"
    await world.finish(app, (await begun(app))["id"], energy_wh=500)


async def test_that_a_fleet_s_card_goes_on_the_fleet_s_bill(world: World) -> None:
    boss, email = await world.driver(card=None), f"{token_hex(6)}@example.com"
    fleet = (await boss.ask(documents.CREATE_FLEET))["createFleet"]["fleet"]["id"]
    await boss.ask(documents.ADD_MEMBER, fleetId=fleet, email=email)
    driver = await world.driver(card=None, email=email)
    uid, key = token_hex(4).upper(), base64.urlsafe_b64decode(fleet + "==").decode().partition(":")[2]
    world.processes.run("tokens", "add", uid, "--driver", email, "--fleet", key, "--whitelist", "ALWAYS", "--json")
    connector, _ = await world.priced_connector(driver)
    await _pushed(world, uid)

    told = tapped(world, connector, token_uid=uid, auth="whitelist")
    assert told["allowed"] == "ALLOWED", "nobody had to be asked"
    charge = await begun(driver)
    settled = await world.finish(driver, charge["id"], energy_wh=1_000)
    assert settled["hold"] is None
    assert "Your fleet pays for this charge." in [line["text"] for line in settled["timeline"]]
    bill = (await boss.ask(documents.FLEET_BILL, id=fleet, month=time.strftime("%Y-%m")))["node"]["bill"]
    assert bill["lines"]["totalCount"] == 1


async def _pushed(world: World, uid: str) -> None:
    deadline = time.monotonic() + 30
    while uid not in [token["uid"] for token in world.cpo_books()["tokens"]]:
        assert time.monotonic() < deadline, "the card was not pushed"
        await asyncio.sleep(0.2)


async def test_that_a_car_starts_by_its_contract(world: World) -> None:
    email, contract = f"{token_hex(6)}@example.com", new_contract_id("NLEMP")
    app = await world.driver(email=email)
    [row] = json.loads(
        world.processes.run("tokens", "add", "--kind", "EMAID", "--contract", contract, "--driver", email, "--json")
    )
    assert row["uid"] == contract
    connector, _ = await world.priced_connector(app)

    assert tapped(world, connector, contract_id=contract)["allowed"] == "ALLOWED"
    charge = await begun(app)
    assert (charge["origin"], charge["chargeToken"]["kind"]) == ("CAR", "EMAID")
    settled = await world.finish(app, charge["id"], energy_wh=1_000)
    assert settled["state"] == "SETTLED"
