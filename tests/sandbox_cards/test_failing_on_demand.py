"""The processor fails as it was asked to."""

import time

import pytest
import stripe

INTENTS = "/v1/payment_intents"


async def test_server_error_before_execution_leaves_nothing(cards):
    await cards.control("faults", path=INTENTS, kind="500", times=1)
    with pytest.raises(stripe.APIError):
        await cards.hold(5000)
    assert (await cards.books())["payment_intents"] == []
    assert (await cards.hold(5000)).status == "requires_capture"


async def test_rate_limit(cards):
    await cards.control("faults", path="/v1/payment_intents/*/capture", kind="429", times=2)
    intent = await cards.hold(5000)
    for _ in range(2):
        with pytest.raises(stripe.RateLimitError):
            await cards.v1.payment_intents.capture_async(intent.id)
    assert (await cards.v1.payment_intents.capture_async(intent.id)).status == "succeeded"


async def test_silence_after_execution_is_found_out_with_the_same_key(cards):
    customer, method = await cards.saved_card("pm_card_visa")
    params = {"amount": 900, "currency": "eur", "customer": customer, "payment_method": method}
    params = {**params, "payment_method_types": ["card"], "confirm": True, "capture_method": "manual"}
    await cards.control("faults", path=INTENTS, kind="timeout_after_execution")
    with pytest.raises(stripe.APIConnectionError):
        await cards.v1.payment_intents.create_async(params, {"idempotency_key": "hold-1"})
    known = (await cards.v1.payment_intents.list_async({"customer": customer})).data
    again = await cards.v1.payment_intents.create_async(params, {"idempotency_key": "hold-1"})
    assert [intent.id for intent in known] == [again.id]
    assert len((await cards.books())["charges"]) == 1


async def test_silence_ends_after_the_given_seconds(cards):
    await cards.control("faults", path="/v1/customers", kind="timeout_after_execution", seconds=0.2)
    begun = time.monotonic()
    assert (await cards.customer()).id.startswith("cus_")
    assert 0.2 <= time.monotonic() - begun < 1.5


async def test_server_error_after_execution_is_what_the_key_remembers(cards):
    intent = await cards.hold(5000)
    await cards.control("faults", path="/v1/payment_intents/*/capture", kind="500_after_execution")
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            await cards.v1.payment_intents.capture_async(intent.id, {}, {"idempotency_key": "capture-1"})
    assert (await cards.v1.payment_intents.retrieve_async(intent.id)).amount_received == 5000


async def test_increment_is_declined_and_the_hold_stays(cards):
    options = {"card": {"request_incremental_authorization": "if_available"}}
    intent = await cards.hold(3000, payment_method_options=options)
    path = "/v1/payment_intents/*/increment_authorization"
    await cards.control("faults", path=path, kind="card_declined")
    with pytest.raises(stripe.CardError):
        await cards.v1.payment_intents.increment_authorization_async(intent.id, {"amount": 4500})
    assert (await cards.v1.payment_intents.retrieve_async(intent.id)).amount_capturable == 3000


async def test_unknown_fault_is_refused_by_name(cards):
    refused = await cards.control("faults", path=INTENTS, kind="earthquake")
    assert refused.status_code == 400
    assert "earthquake" in refused.json()["error"]["message"]
    assert (await cards.http.get("/sandbox/faults")).json() == {"waiting": []}
