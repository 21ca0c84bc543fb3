"""One key, one effect."""

import asyncio

import pytest
import stripe

KEY = {"Idempotency-Key": "start-1"}
SECRET = {"Authorization": "Bearer sk_test_sandbox"}
DAY_S = 24 * 3600


async def create_customer(cards, name: str, **headers: str):
    return await cards.http.post("/v1/customers", data={"name": name}, headers={**SECRET, **KEY, **headers})


async def names(cards) -> list[str]:
    return [customer.name for customer in (await cards.v1.customers.list_async()).data]


async def test_same_key_and_parameters_replay_the_answer(cards):
    first = await create_customer(cards, "Ada")
    second = await create_customer(cards, "Ada")
    assert second.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["original-request"] == first.headers["request-id"] != second.headers["request-id"]
    assert await names(cards) == ["Ada"]


async def test_same_key_with_other_parameters_is_refused(cards):
    await create_customer(cards, "Ada")
    refused = await create_customer(cards, "Bob")
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "idempotency_error")
    assert await names(cards) == ["Ada"]


async def test_same_key_on_another_path_is_refused(cards):
    customer = (await create_customer(cards, "Ada")).json()["id"]
    with pytest.raises(stripe.IdempotencyError):
        await cards.v1.customers.update_async(customer, {"name": "Ada"}, {"idempotency_key": "start-1"})


async def test_key_in_flight_is_a_conflict(cards):
    await cards.control("faults", path="/v1/customers", kind="slow", seconds=0.3)
    first = asyncio.create_task(create_customer(cards, "Ada"))
    await asyncio.sleep(0.1)
    conflict = await create_customer(cards, "Ada")
    assert (conflict.status_code, conflict.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert (await first).status_code == 200
    assert (await create_customer(cards, "Ada")).headers["idempotent-replayed"] == "true"
    assert await names(cards) == ["Ada"]


async def test_decline_is_replayed_and_charges_nothing_twice(cards):
    customer, method = await cards.saved_card("pm_card_chargeDeclined")
    params = {"amount": 900, "currency": "eur", "customer": customer, "payment_method": method}
    params = {**params, "payment_method_types": ["card"], "confirm": True}
    declined = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as error:
            await cards.v1.payment_intents.create_async(params, {"idempotency_key": "hold-1"})
        declined.append(error.value.error.payment_intent.id)
    assert declined[0] == declined[1]
    assert len((await cards.books())["charges"]) == 1


async def test_capture_repeated_with_its_key_takes_once(cards):
    intent = await cards.hold(5000)
    for _ in range(2):
        taken = await cards.v1.payment_intents.capture_async(
            intent.id, {"amount_to_capture": 1234}, {"idempotency_key": "capture-1"}
        )
    assert taken.amount_received == 1234
    assert [c["captured_minor"] for c in (await cards.books())["charges"]] == [1234]


async def test_bad_parameter_does_not_use_up_the_key(cards):
    bad = await cards.http.post("/v1/customers", data={"nmae": "Ada"}, headers={**SECRET, **KEY})
    assert (bad.status_code, bad.json()["error"]["code"], bad.json()["error"]["param"]) == (
        400,
        "parameter_unknown",
        "nmae",
    )
    assert (await create_customer(cards, "Ada")).status_code == 200


async def test_key_is_forgotten_after_a_day(start):
    now = [1_800_000_000.0]
    cards = await start(clock=lambda: now[0])
    first = await create_customer(cards, "Ada")
    now[0] += DAY_S - 1
    assert (await create_customer(cards, "Ada")).json()["id"] == first.json()["id"]
    now[0] += 2
    assert (await create_customer(cards, "Ada")).json()["id"] != first.json()["id"]
