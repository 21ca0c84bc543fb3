"""A card that the bank asks about, one that it refuses, and what the card processor tells us by webhook."""

import asyncio
import json
import time
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from emsp.demo.app_client import AppClient
from emsp.sandbox.cards.webhooks import sign
from tests.stories.world import World

SECRET = "whsec_sandbox"
ADD = """
mutation ($input: AddPaymentMethodInput!) {
  addPaymentMethod(input: $input) {
    paymentMethod { id brandName last4 expiresAt isDefault }
    setup { id clientSecret publishableKey status }
    errors { code field message }
  }
}"""
MINE = "{ viewer { paymentMethods { id last4 isDefault } } }"
ASKING = "pm_card_authenticationRequired"


async def test_that_a_card_that_the_bank_asks_about_is_completed_by_the_app(world: World) -> None:
    app = await world.driver(card=None)

    begun = await _add(app, cardToken=ASKING)
    too_early = await _add(app, setupId=begun["setup"]["id"])
    assert begun["paymentMethod"] is None
    assert begun["errors"] == []
    assert (begun["setup"]["status"], begun["setup"]["publishableKey"]) == ("REQUIRES_ACTION", "pk_test_sandbox")
    assert too_early == begun
    assert await _cards(app) == []
    _authenticate(world, begun)
    done, again = await _add(app, setupId=begun["setup"]["id"]), await _add(app, setupId=begun["setup"]["id"])

    assert done == again
    assert (done["setup"], done["errors"]) == (None, [])
    assert (done["paymentMethod"]["brandName"], done["paymentMethod"]["last4"]) == ("visa", "3184")
    await _all_webhooks_delivered(world)
    assert await _cards(app) == [{"id": done["paymentMethod"]["id"], "last4": "3184", "isDefault": True}]


async def test_that_the_webhook_alone_completes_it_when_the_app_never_comes_back(world: World) -> None:
    app = await world.driver(card=None)
    begun = await _add(app, cardToken=ASKING)

    _authenticate(world, begun)

    [card] = await _cards_once_there(app)
    assert (card["last4"], card["isDefault"]) == ("3184", True)
    late = await _add(app, setupId=begun["setup"]["id"])
    assert late["paymentMethod"]["id"] == card["id"]
    assert await _cards(app) == [card]


async def test_that_an_attempt_without_a_card_waits_for_the_apps_form(world: World) -> None:
    app = await world.driver(card=None)

    begun, repeated = await _add(app, idempotencyKey="form"), await _add(app, idempotencyKey="form")
    other = await _add(app, idempotencyKey="another form")

    assert begun["setup"]["status"] == "REQUIRES_PAYMENT_METHOD"
    assert begun == repeated
    assert other["setup"]["id"] != begun["setup"]["id"]
    _confirm_as_the_library_does(begun["setup"], world, "pm_card_mastercard")
    done = await _add(app, setupId=begun["setup"]["id"])
    assert done["paymentMethod"]["last4"] == "4444"


async def test_that_a_driver_who_refuses_at_the_bank_has_no_card(world: World) -> None:
    app = await world.driver(card=None)
    begun = await _add(app, cardToken=ASKING)

    _authenticate(world, begun, succeed=False)
    refused = await _add(app, setupId=begun["setup"]["id"])

    assert (refused["paymentMethod"], refused["setup"]) == (None, None)
    [error] = refused["errors"]
    assert (error["code"], error["field"]) == ("CARD_DECLINED", ["input", "setupId"])
    assert "authentication" in error["message"]
    await _all_webhooks_delivered(world)
    assert await _cards(app) == []


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("pm_card_visa_chargeDeclined", "declined"),
        ("pm_card_visa_chargeDeclinedExpiredCard", "expired"),
        ("pm_card_of_nobody", "not known"),
        ("pm_1234567890", "not known"),
    ],
)
async def test_that_a_card_that_cannot_be_saved_is_refused_with_the_reason(world: World, token: str, says: str) -> None:
    app = await world.driver(card=None)

    refused = await _add(app, cardToken=token)

    assert (refused["paymentMethod"], refused["setup"]) == (None, None)
    [error] = refused["errors"]
    assert (error["code"], error["field"]) == ("CARD_DECLINED", ["input", "cardToken"])
    assert says in error["message"]
    assert await _cards(app) == []


async def test_that_an_unknown_attempt_and_both_ways_at_once_are_refused(world: World) -> None:
    app = await world.driver(card=None)
    begun = await _add(app, cardToken=ASKING)

    both = await _add(app, cardToken="pm_card_visa", setupId=begun["setup"]["id"])
    unknown = await app.post(ADD, input={"setupId": "bm90aGluZzox"})

    assert [(error["code"], error["field"]) for error in both["errors"]] == [("INVALID_INPUT", ["input", "setupId"])]
    assert unknown["data"] is None
    assert [error["extensions"]["code"] for error in unknown["errors"]] == ["NOT_FOUND"]
    assert await _cards(app) == []


async def test_that_the_second_card_is_not_the_default(world: World) -> None:
    app = await world.driver(card="pm_card_visa")

    second = await _add(app, cardToken="pm_card_mastercard")

    assert second["paymentMethod"]["isDefault"] is False
    assert [(card["last4"], card["isDefault"]) for card in await _cards(app)] == [("4242", True), ("4444", False)]


@pytest.mark.parametrize("wrong", ["secret", "body", "age", "none", "nonsense"])
def test_that_a_webhook_with_a_wrong_signature_is_refused_and_not_kept(
    world: World, world_database: str, wrong: str
) -> None:
    event_id, body = _event("setup_intent.succeeded", "seti_1")
    now = int(time.time())
    signature = {
        "secret": sign(body, "whsec_of_somebody_else", now),
        "body": sign(body + b" ", SECRET, now),
        "age": sign(body, SECRET, now - 3600),
        "none": "",
        "nonsense": "t=now,v1=abc",
    }[wrong]

    answer = _deliver(world, body, signature)

    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "Stripe-Signature"
    assert _kept(world_database, event_id) == []


def test_that_what_is_signed_but_no_event_is_refused(world: World) -> None:
    for body in (b"[]", b"{", b'{"id": "evt_1"}', b"\xff"):
        answer = _deliver(world, body, sign(body, SECRET, int(time.time())))

        assert answer.status_code == 400
        assert answer.json()["error"]["field"] in ("body", "Stripe-Signature")


async def test_that_a_webhook_that_comes_again_is_handled_once(world: World, world_database: str) -> None:
    app = await world.driver(card=None)
    begun = await _add(app, cardToken=ASKING)
    _authenticate(world, begun)
    [card] = await _cards_once_there(app)
    event_id = _event_of(world, begun)
    await _all_webhooks_delivered(world)
    [kept] = await _once_handled(world_database, event_id)

    _resend(world, event_id, times=3)
    await _all_webhooks_delivered(world)

    assert _kept(world_database, event_id) == [kept], "also when it was handled stays as it was"
    assert _heard(world, event_id) == [True, False, False, False]
    assert await _cards(app) == [card]


async def test_that_ten_deliveries_at_once_are_kept_once(world: World, world_database: str) -> None:
    event_id, body = _event("customer.updated", "cus_1")
    signature = sign(body, SECRET, int(time.time()))

    answers = await asyncio.gather(*(asyncio.to_thread(_deliver, world, body, signature) for _ in range(10)))

    assert {answer.status_code for answer in answers} == {200}
    await _once_handled(world_database, event_id)
    assert sorted(_heard(world, event_id)) == [False] * 9 + [True]


async def _add(app: AppClient, **given: str) -> dict[str, Any]:
    added: dict[str, Any] = (await app.try_(ADD, input=given))["addPaymentMethod"]
    return added


async def _cards(app: AppClient) -> list[dict[str, Any]]:
    cards: list[dict[str, Any]] = (await app.ask(MINE))["viewer"]["paymentMethods"]
    return cards


async def _cards_once_there(app: AppClient) -> list[dict[str, Any]]:
    for _ in range(100):
        if cards := await _cards(app):
            return cards
        await asyncio.sleep(0.1)
    raise AssertionError("the card was not saved")


def _intent_of(begun: dict[str, Any]) -> str:
    intent: str = begun["setup"]["clientSecret"].partition("_secret_")[0]
    return intent


def _authenticate(world: World, begun: dict[str, Any], *, succeed: bool = True) -> None:
    """The driver answers the bank."""
    answer = {"intent": _intent_of(begun), "succeed": succeed}
    httpx.post(f"{world.cards}/sandbox/authenticate", json=answer).raise_for_status()


def _confirm_as_the_library_does(setup: dict[str, Any], world: World, method: str) -> None:
    url = f"{world.cards}/v1/setup_intents/{_intent_of({'setup': setup})}/confirm"
    form = {"client_secret": setup["clientSecret"], "payment_method": method}
    httpx.post(url, data=form, auth=(setup["publishableKey"], "")).raise_for_status()


def _event_of(world: World, begun: dict[str, Any]) -> str:
    """The event by which the processor told that an attempt succeeded."""
    url = f"{world.cards}/v1/events"
    events = httpx.get(url, params={"limit": 100}, auth=("sk_test_sandbox", "")).raise_for_status().json()["data"]
    [event_id] = [
        event["id"]
        for event in events
        if event["type"] == "setup_intent.succeeded" and event["data"]["object"]["id"] == _intent_of(begun)
    ]
    return str(event_id)


def _resend(world: World, event_id: str, times: int) -> None:
    body = {"event": event_id, "times": times}
    httpx.post(f"{world.cards}/sandbox/webhooks/resend", json=body).raise_for_status()


def _undelivered(world: World) -> int:
    pending: int = httpx.get(f"{world.cards}/sandbox/books").json()["webhooks"]["pending"]
    return pending


async def _all_webhooks_delivered(world: World) -> None:
    for _ in range(100):
        if _undelivered(world) == 0:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the processor still has webhooks to deliver")


def _event(kind: str, subject: str) -> tuple[str, bytes]:
    event_id = f"evt_{uuid4().hex}"
    return event_id, json.dumps({"id": event_id, "type": kind, "data": {"object": {"id": subject}}}).encode()


def _deliver(world: World, body: bytes, signature: str) -> httpx.Response:
    headers = {"stripe-signature": signature} if signature else {}
    return httpx.post(f"{world.api}/stripe/webhooks", content=body, headers=headers, timeout=20)


def _kept(database_url: str, event_id: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(
            "SELECT id, kind, body, received_at, handled_at FROM processor_event WHERE id = %s", (event_id,)
        ).fetchall()


async def _once_handled(database_url: str, event_id: str) -> list[tuple[Any, ...]]:
    for _ in range(100):
        kept = _kept(database_url, event_id)
        if kept and kept[0][-1] is not None:
            return kept
        await asyncio.sleep(0.1)
    raise AssertionError(f"{event_id} is not handled: {kept}")


def _heard(world: World, event_id: str) -> list[bool]:
    """Whether each delivery of a webhook was new, by the log; a job follows only what is new."""
    lines = world.processes.log_of("serve").read_text().splitlines()
    entries = [json.loads(line) for line in lines if event_id in line]
    return [entry["new"] for entry in entries if entry["event"] == "webhook"]
