"""A balance that is filled before it is used: by card, by the bank's leave, by itself and by a voucher."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from emsp.demo.app_client import AppClient
from tests.stories.world import START, World, minor

TOP_UP = """
mutation ($input: TopUpBalanceInput!) {
  topUpBalance(input: $input) {
    topUp { state clientSecret } balance { total { amount } } errors { code message field }
  }
}"""
AUTO = """
mutation ($input: SetAutoTopUpInput!) { setAutoTopUp(input: $input) { autoTopUp { pausedAt } errors { code } } }"""
REDEEM = """
mutation ($code: String!) { redeemVoucher(input: {code: $code}) { credit { amount } errors { code field } } }"""
ADD = """
mutation ($input: AddPaymentMethodInput!) {
  addPaymentMethod(input: $input) {
    paymentMethod { id last4 } setup { id clientSecret } errors { code field message }
  }
}"""
MINE = """
{ viewer {
    balances { total { amount } available { amount } credit { amount } reserved { amount } }
    balanceEntries { nodes { kind text amount { amount } receipt { number } } }
    paymentMethods { last4 }
} }"""


@pytest.fixture(scope="module")
def prepaid(world: World) -> str:
    """A brand whose drivers pay from their balance only."""
    world.processes.run("brands", "add", "prepaid", "--name", "Prepaid", "--json")
    world.processes.run("brands", "payments", "prepaid", "--set", '{"flow": "PREPAID"}', "--json")
    return "prepaid"


async def test_that_a_charge_is_paid_from_the_balance_which_fills_itself(world: World, prepaid: str) -> None:
    app = await world.driver(brand=prepaid)
    _, quote = await world.priced_connector(app)
    before = {payment["id"] for payment in world.payments()}
    poor = (await app.try_(START, input={"quoteId": quote["id"], "idempotencyKey": "poor"}))["startCharging"]
    assert (poor["session"], [error["code"] for error in poor["errors"]]) == (None, ["BALANCE_TOO_LOW"])

    paid_in = (await app.ask(TOP_UP, input=_wish("200.00")))["topUpBalance"]
    assert (paid_in["topUp"], paid_in["balance"]) == (
        {"state": "PAID", "clientSecret": None},
        {"total": {"amount": "200.00"}},
    )
    again = (await app.ask(TOP_UP, input=_wish("200.00")))["topUpBalance"]
    assert again == paid_in, "the same key pays once"
    await app.ask(AUTO, input={"below": _eur("200.00"), "amount": _eur("200.00")})
    session = await world.start(app, quote)
    charging = await world.wait(app, session["id"], "CHARGING", energy_wh=500)
    assert charging["hold"] is None
    assert (await _mine(app))["balances"][0]["reserved"] == {"amount": quote["worstCase"]["amount"]}
    settled = await world.finish(app, session["id"])

    total = settled["receipt"]["total"]
    assert settled["receipt"]["paid"]["amount"] == total["amount"]
    mine = await _once(app, lambda seen: len(seen["balanceEntries"]["nodes"]) == 3)
    assert [(entry["text"], minor(entry["amount"])) for entry in mine["balanceEntries"]["nodes"]] == [
        ("Topped up automatically", 20_000),
        (f"Charge, receipt {settled['receipt']['number']}", -minor(total)),
        ("Paid in by card", 20_000),
    ]
    [there_is] = mine["balances"]
    assert minor(there_is["total"]) == minor(there_is["available"]) == 40_000 - minor(total)
    taken = [
        (payment["status"], payment["captured_minor"]) for payment in world.payments() if payment["id"] not in before
    ]
    assert taken == [("succeeded", 20_000)] * 2, "no charge and no hold of its own"


async def test_that_a_bank_that_asks_is_answered_in_the_app_and_what_is_unused_goes_back(
    world: World, prepaid: str
) -> None:
    app = await world.driver(card=None, brand=prepaid, email="asked@example.com")
    begun = (await app.ask(ADD, input={"cardToken": "pm_card_authenticationRequired"}))["addPaymentMethod"]["setup"]
    _at_the_bank(world, begun["clientSecret"])
    await app.ask(ADD, input={"setupId": begun["id"]})

    asked = (await app.ask(TOP_UP, input=_wish("20.00")))["topUpBalance"]
    assert (asked["topUp"]["state"], asked["balance"]["total"]) == ("REQUIRES_ACTION", {"amount": "0.00"})
    _at_the_bank(world, asked["topUp"]["clientSecret"])

    mine = await _once(app, lambda seen: bool(seen["balances"]))
    assert mine["balances"][0]["available"] == {"amount": "20.00"}
    refused = (await app.ask(TOP_UP, input=_wish("30.00", "refused")))["topUpBalance"]["topUp"]["clientSecret"]
    _at_the_bank(world, refused, succeed=False)
    answer = (await app.try_(TOP_UP, input=_wish("30.00", "refused")))["topUpBalance"]
    assert [(error["code"], error["field"]) for error in answer["errors"]] == [
        ("CARD_DECLINED", ["input", "paymentMethodId"])
    ]
    assert (await _mine(app))["balances"][0]["total"] == {"amount": "20.00"}

    [back] = json.loads(world.processes.run("balances", "pay-back", "asked@example.com", "--json"))
    assert (back["amount"], back["state"]) == ("20.00 EUR", "DONE")
    [payment] = [one for one in world.payments() if one["id"] == back["payment"]]
    assert (payment["captured_minor"], payment["refunded_minor"]) == (2000, 2000)
    mine = await _mine(app)
    assert mine["balances"][0]["total"] == {"amount": "0.00"}
    assert [entry["kind"] for entry in mine["balanceEntries"]["nodes"]] == ["PAID_BACK", "TOP_UP"]


async def test_that_a_voucher_pays_a_part_and_the_card_the_rest(world: World) -> None:
    [voucher] = json.loads(world.processes.run("vouchers", "add", "0.60", "--uses", "1", "--json"))
    app, late = await world.driver(), await world.driver()
    credit = (await app.ask(REDEEM, code=voucher["code"].lower()))["redeemVoucher"]["credit"]
    assert credit == {"amount": "0.60"}
    used_up = (await late.try_(REDEEM, code=voucher["code"]))["redeemVoucher"]
    assert used_up["errors"] == [{"code": "VOUCHER_USED", "field": ["input", "code"]}]

    _, quote = await world.priced_connector(app)
    session = await world.start(app, quote)
    settled = await world.finish(app, session["id"], energy_wh=8000)

    total, hold = minor(settled["receipt"]["total"]), settled["hold"]
    assert total > 110
    assert minor(hold["amount"]) == minor(quote["worstCase"]) - 60
    assert (minor(hold["captured"]), minor(settled["receipt"]["paid"])) == (total - 60, total)
    mine = await _mine(app)
    assert [(entry["kind"], minor(entry["amount"])) for entry in mine["balanceEntries"]["nodes"]] == [
        ("CHARGE", -60),
        ("VOUCHER", 60),
    ]


async def test_that_a_key_that_came_with_another_card_is_told_by_name(world: World) -> None:
    app = await world.driver(card=None)
    first = await app.ask(ADD, input={"cardToken": "pm_card_visa", "idempotencyKey": "key"})
    same = await app.ask(ADD, input={"cardToken": "pm_card_visa", "idempotencyKey": "key"})

    other = await app.try_(ADD, input={"cardToken": "pm_card_mastercard", "idempotencyKey": "key"})

    assert same == first
    assert [(error["code"], error["field"]) for error in other["addPaymentMethod"]["errors"]] == [
        ("INVALID_INPUT", ["input", "idempotencyKey"])
    ]
    assert (await _mine(app))["paymentMethods"] == [{"last4": "4242"}]


def _eur(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def _wish(amount: str, key: str = "key") -> dict[str, Any]:
    return {"amount": _eur(amount), "idempotencyKey": key}


async def _mine(app: AppClient) -> dict[str, Any]:
    mine: dict[str, Any] = (await app.ask(MINE))["viewer"]
    return mine


async def _once(app: AppClient, seen: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    for _ in range(150):
        mine = await _mine(app)
        if seen(mine):
            return mine
        await asyncio.sleep(0.2)
    raise AssertionError(f"still {mine}")


def _at_the_bank(world: World, client_secret: str, *, succeed: bool = True) -> None:
    """The driver answers the bank."""
    answer = {"intent": client_secret.partition("_secret_")[0], "succeed": succeed}
    httpx.post(f"{world.cards}/sandbox/authenticate", json=answer).raise_for_status()
