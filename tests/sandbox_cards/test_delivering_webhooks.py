"""Every change reaches the webhook, signed."""

import asyncio

import pytest
import stripe


async def test_events_of_a_hold_arrive_signed(start, receiver):
    cards = await start(webhook_url=receiver.url)
    intent = await cards.hold(5000)
    await receiver.has(5)
    events = {event.type: event for event in receiver.events()}
    assert set(events) == {
        "customer.created",
        "payment_method.attached",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
    }
    told = events["payment_intent.amount_capturable_updated"]
    assert (told.data.object.id, told.data.object.amount_capturable) == (intent.id, 5000)
    assert (await cards.v1.events.retrieve_async(told.id)).type == told.type
    assert not [name for name in told.data.object.to_dict() if name.startswith("_")]


async def test_signature_is_of_this_body_and_this_secret(start, receiver):
    cards = await start(webhook_url=receiver.url, webhook_secret="whsec_other")
    await cards.customer()
    await receiver.has(1)
    body, signature = receiver.received[0]
    assert stripe.Webhook.construct_event(body, signature, "whsec_other").type == "customer.created"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body + b" ", signature, "whsec_other")
    with pytest.raises(stripe.SignatureVerificationError):
        receiver.events()


async def test_delivery_is_repeated_until_it_is_accepted(start, receiver):
    receiver.answers = [500, 302]
    cards = await start(webhook_url=receiver.url, webhook_first_retry_s=0.05)
    await cards.customer()
    await receiver.has(3)
    await asyncio.sleep(0.3)
    assert len({event.id for event in receiver.events()}) == 1
    assert len(receiver.received) == 3
    assert (await cards.books())["webhooks"] == {"pending": 0, "delivered": 1, "given_up": 0}


async def test_delivery_is_given_up_in_the_end(start, receiver):
    receiver.answers = [500] * 10
    cards = await start(webhook_url=receiver.url, webhook_first_retry_s=0.01, webhook_attempts_max=3)
    await cards.customer()
    await receiver.has(3)
    await asyncio.sleep(0.2)
    assert len(receiver.received) == 3
    assert (await cards.books())["webhooks"]["given_up"] == 1


async def test_event_is_resent_on_demand(start, receiver):
    cards = await start(webhook_url=receiver.url)
    await cards.customer()
    await receiver.has(1)
    event = receiver.events()[0].id
    assert (await cards.control("webhooks/resend", event=event, times=2)).json()["enqueued"] == 2
    await receiver.has(3)
    assert [e.id for e in receiver.events()] == [event] * 3
    unknown = await cards.control("webhooks/resend", event="evt_no")
    assert unknown.status_code == 404


async def test_refused_request_tells_nobody(start, receiver):
    cards = await start(webhook_url=receiver.url)
    intent = await cards.hold(5000)
    await receiver.has(5)
    with pytest.raises(stripe.InvalidRequestError):
        await cards.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 9999})
    await asyncio.sleep(0.1)
    assert len(receiver.received) == 5
