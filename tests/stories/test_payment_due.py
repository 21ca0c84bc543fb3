"""Payments that fail at the end of a charge, as the driver's app meets them, and holds that turn out too small."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from emsp.demo.app_client import AppClient
from tests.stories.world import ADD_CARD, START, STOP, World, minor

BRAND = "pays-after"
"""A brand whose drivers are charged once the bill is known."""
ASKING = "pm_card_authenticationRequired"

PAY = """
mutation ($input: PayDueInput!) {
  payDue(input: $input) {
    session { state stateReason amountDue { amount currency } }
    status clientSecret publishableKey
    errors { code field message }
  }
}"""
DUES = """
{
  viewer {
    dues {
      session { id state } amount { amount currency } reason needsConfirmation paymentMethod { last4 } nextAttemptAt
    }
  }
}"""
ADD_ASKING = """
mutation ($input: AddPaymentMethodInput!) {
  addPaymentMethod(input: $input) { paymentMethod { id } setup { id clientSecret } errors { code } }
}"""


@pytest.fixture(scope="module")
def brand(world: World) -> str:
    world.processes.run("brands", "add", BRAND, "--name", "Pays after", "--json")
    world.processes.run("brands", "payments", BRAND, "--set", '{"flow": "AFTER"}')
    return BRAND


async def test_that_a_bank_that_asks_at_the_end_is_answered_in_the_app(world: World, brand: str) -> None:
    app = await world.driver(card=None, brand=brand)
    await _save_asking_card(world, app)
    session_id, due = await _charged_and_due(world, app)
    first = due["stateReason"]

    [owed] = (await app.try_(DUES))["viewer"]["dues"]
    refused = await app.try_(START, input=await _another_start(world, app))
    asked = (await app.try_(PAY, input={"sessionId": session_id, "idempotencyKey": "1"}))["payDue"]
    _authenticate(world, asked["clientSecret"])
    settled = await _once_settled(world, app, session_id)
    paid = (await app.try_(PAY, input={"sessionId": session_id, "idempotencyKey": "1"}))["payDue"]
    left = (await app.try_(DUES))["viewer"]["dues"]
    started = await app.try_(START, input=await _another_start(world, app))

    assert first == "Your bank asks you to confirm the payment."
    assert (owed["session"]["id"], owed["session"]["state"]) == (session_id, "PAYMENT_DUE")
    assert owed["amount"] == due["receipt"]["total"]
    assert (owed["needsConfirmation"], owed["paymentMethod"]["last4"]) == (True, "3184")
    assert owed["nextAttemptAt"]
    assert [error["code"] for error in refused["startCharging"]["errors"]] == ["PAYMENT_DUE"]
    assert (asked["status"], asked["publishableKey"]) == ("REQUIRES_ACTION", "pk_test_sandbox")
    assert asked["session"]["amountDue"] == due["receipt"]["total"]
    assert (paid["status"], paid["clientSecret"], paid["session"]["amountDue"]) == ("PAID", None, None)
    assert settled["receipt"]["paid"] == {"amount": settled["receipt"]["total"]["amount"]}
    assert _taken_by(world, asked["clientSecret"]) == minor(settled["receipt"]["total"])
    assert (left, started["startCharging"]["errors"]) == ([], [])
    await _over(world, app, started["startCharging"]["session"]["id"])


async def test_that_another_card_pays_what_the_first_one_could_not(world: World, brand: str) -> None:
    app = await world.driver(card="pm_card_chargeCustomerFail", brand=brand)
    before = len(world.payments())
    session_id, due = await _charged_and_due(world, app)

    declined = await app.try_(PAY, input={"sessionId": session_id, "idempotencyKey": "1"})
    other = (await app.ask(ADD_CARD, token="pm_card_mastercard"))["addPaymentMethod"]["paymentMethod"]["id"]
    wish = {"sessionId": session_id, "paymentMethodId": other, "idempotencyKey": "2"}
    paid, again = (await app.try_(PAY, input=wish))["payDue"], (await app.try_(PAY, input=wish))["payDue"]

    [error] = declined["payDue"]["errors"]
    assert (error["code"], error["field"]) == ("CARD_DECLINED", ["input", "paymentMethodId"])
    assert (paid["status"], paid["session"]["state"], paid["errors"]) == ("PAID", "SETTLED", [])
    assert again == paid
    [payment] = world.payments()[before:]
    assert (payment["status"], payment["captured_minor"]) == ("succeeded", minor(due["receipt"]["total"]))
    settled = await world.session(app, session_id)
    assert settled["receipt"]["paid"]["amount"] == settled["receipt"]["total"]["amount"]


async def test_that_a_hold_that_lapses_is_replaced_by_a_charge_at_the_end(world: World) -> None:
    app = await world.driver()
    connector, quote = await world.priced_connector(app)
    before = len(world.payments())
    session = await world.start(app, quote, connectorId=connector["id"])
    await world.wait(app, session["id"], "CHARGING", energy_wh=500)
    [held] = world.payments()[before:]

    _let_lapse(world, held["id"])
    settled = await world.finish(app, session["id"], energy_wh=2000)

    [lapsed, charged] = world.payments()[before:]
    assert (lapsed["status"], lapsed["captured_minor"], charged["status"]) == ("canceled", 0, "succeeded")
    assert charged["captured_minor"] == minor(settled["receipt"]["total"])
    assert settled["hold"]["captured"] == {"amount": "0.00"}
    texts = [line["text"] for line in settled["timeline"]]
    assert "Your bank has ended the hold; what the charge costs is charged when the bill is known." in texts


@pytest.mark.parametrize(("card", "is_raised"), [("pm_card_visa", True), ("pm_card_jcb", False)])
async def test_that_a_hold_grows_with_the_cost_where_the_card_allows_it(
    world: World, card: str, is_raised: bool
) -> None:
    app = await world.driver(card=card)
    connector, _ = await world.priced_connector(app)
    quote = await world.quote(app, connector, energy_wh=1000)
    before = len(world.payments())
    session = await world.start(app, quote, connectorId=connector["id"])
    await world.wait(app, session["id"], "CHARGING")
    at_first = minor((await world.session(app, session["id"]))["hold"]["amount"])

    await _until_told(
        world, app, session["id"], "is held on your card now" if is_raised else "is not raised any further"
    )
    settled = await world.finish(app, session["id"])

    total, hold = minor(settled["receipt"]["total"]), settled["hold"]
    taken = [payment["captured_minor"] for payment in world.payments()[before:]]
    assert sum(taken) == total or total - sum(taken) < 50
    assert (minor(hold["amount"]) > at_first) is is_raised
    assert taken[0] == minor(hold["captured"]) <= minor(hold["amount"])


async def _charged_and_due(world: World, app: AppClient) -> tuple[str, dict[str, Any]]:
    """A charge that ended and could not be paid."""
    connector, quote = await world.priced_connector(app)
    session = await world.start(app, quote, connectorId=connector["id"])
    return session["id"], await _over(world, app, session["id"])


async def _over(world: World, app: AppClient, session_id: str) -> dict[str, Any]:
    """A charge whose payment fails, after its end."""
    await world.wait(app, session_id, "CHARGING", energy_wh=3000)
    await app.ask(STOP, id=session_id)
    return await world.wait(app, session_id, "PAYMENT_DUE")


async def _once_settled(world: World, app: AppClient, session_id: str) -> dict[str, Any]:
    """What was due is paid, by the processor's webhook alone."""
    for _ in range(300):
        session = await world.session(app, session_id)
        if session["state"] == "SETTLED":
            return session
        await asyncio.sleep(0.2)
    raise AssertionError(f"it is not settled: {session}")


async def _another_start(world: World, app: AppClient) -> dict[str, Any]:
    connector, quote = await world.priced_connector(app)
    return {"quoteId": quote["id"], "connectorId": connector["id"], "idempotencyKey": uuid4().hex}


async def _save_asking_card(world: World, app: AppClient) -> None:
    """A card whose bank asks about every payment."""
    begun = (await app.try_(ADD_ASKING, input={"cardToken": ASKING}))["addPaymentMethod"]["setup"]
    _authenticate(world, begun["clientSecret"])
    added = (await app.try_(ADD_ASKING, input={"setupId": begun["id"]}))["addPaymentMethod"]
    assert added["paymentMethod"], added


def _let_lapse(world: World, intent: str) -> None:
    httpx.post(f"{world.cards}/sandbox/holds/lapse", json={"payment_intent": intent}).raise_for_status()


def _authenticate(world: World, client_secret: str) -> None:
    answer = {"intent": client_secret.partition("_secret_")[0], "succeed": True}
    httpx.post(f"{world.cards}/sandbox/authenticate", json=answer).raise_for_status()


def _taken_by(world: World, client_secret: str) -> int:
    [taken] = [one["captured_minor"] for one in world.payments() if client_secret.startswith(f"{one['id']}_")]
    return int(taken)


async def _until_told(world: World, app: AppClient, session_id: str, text: str) -> None:
    for _ in range(300):
        session = await world.session(app, session_id)
        if any(text in line["text"] for line in session["timeline"]):
            return
        assert session["state"] == "CHARGING", session
        await asyncio.sleep(0.2)
    raise AssertionError(f"nobody told that it {text}: {session}")
