"""Money is held, raised, captured and released."""

import asyncio

import pytest
import stripe

WEEK_S = 7 * 24 * 3600


async def test_hold_then_capture_less_releases_the_rest(cards):
    intent = await cards.hold(5000, metadata={"session": "s1"}, expand=["latest_charge"])
    card = intent.latest_charge.payment_method_details.card
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 5000, 0)
    assert card.capture_before - intent.latest_charge.created == WEEK_S

    taken = await cards.v1.payment_intents.capture_async(
        intent.id, {"amount_to_capture": 1234, "expand": ["latest_charge.balance_transaction"]}
    )
    charge = taken.latest_charge
    assert (taken.status, taken.amount, taken.amount_received) == ("succeeded", 5000, 1234)
    assert (charge.captured, charge.amount_captured, charge.amount_refunded) == (True, 1234, 3766)
    assert (charge.balance_transaction.amount, charge.balance_transaction.fee) == (1234, 44)
    assert (await cards.events())[2:] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]


async def test_capture_without_amount_takes_all(cards):
    taken = await cards.v1.payment_intents.capture_async((await cards.hold(5000)).id)
    assert taken.amount_received == 5000


async def test_nothing_more_than_the_hold_can_be_captured(cards):
    intent = await cards.hold(5000)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await cards.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 5001})
    assert (refused.value.code, refused.value.param) == ("amount_too_large", "amount_to_capture")
    assert (await cards.v1.payment_intents.retrieve_async(intent.id)).status == "requires_capture"


async def test_second_capture_is_refused_and_takes_nothing(cards):
    intent = await cards.hold(5000)
    await cards.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 2000})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await cards.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 2000})
    assert refused.value.code == "payment_intent_unexpected_state"
    assert refused.value.error.payment_intent.status == "succeeded"
    assert [c["captured_minor"] for c in (await cards.books())["charges"]] == [2000]


async def test_cancel_releases_the_hold(cards):
    intent = await cards.hold(5000)
    reason = {"cancellation_reason": "requested_by_customer"}
    canceled = await cards.v1.payment_intents.cancel_async(intent.id, reason)
    assert (canceled.status, canceled.amount_capturable) == ("canceled", 0)
    line = (await cards.books())["payment_intents"][0]
    assert (line["held_minor"], line["released_minor"], line["captured_minor"]) == (0, 5000, 0)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await cards.v1.payment_intents.capture_async(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"


async def test_hold_runs_out(cards):
    intent = await cards.hold(5000)
    await cards.control("holds/lapse", payment_intent=intent.id)
    lapsed = await cards.v1.payment_intents.retrieve_async(intent.id)
    assert (lapsed.status, lapsed.cancellation_reason) == ("canceled", "automatic")
    assert (await cards.events())[-2:] == ["charge.expired", "payment_intent.canceled"]


async def test_hold_without_the_owner_is_shorter_on_visa(cards):
    intent = await cards.hold(5000, off_session=True, expand=["latest_charge"])
    card = intent.latest_charge.payment_method_details.card
    assert card.capture_before - intent.latest_charge.created == (4 * 24 + 18) * 3600


async def test_hold_is_raised_where_it_was_asked_for(cards):
    options = {"card": {"request_incremental_authorization": "if_available"}}
    intent = await cards.hold(3000, payment_method_options=options)
    raised = await cards.v1.payment_intents.increment_authorization_async(intent.id, {"amount": 4500})
    assert (raised.amount, raised.amount_capturable) == (4500, 4500)
    taken = await cards.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 4400})
    assert taken.amount_received == 4400


@pytest.mark.parametrize(("card", "asked"), [("pm_card_visa", "never"), ("pm_card_jcb", "if_available")])
async def test_hold_cannot_be_raised_otherwise(cards, card, asked):
    options = {"card": {"request_incremental_authorization": asked}}
    intent = await cards.hold(3000, card, payment_method_options=options)
    with pytest.raises(stripe.InvalidRequestError, match="not eligible"):
        await cards.v1.payment_intents.increment_authorization_async(intent.id, {"amount": 4500})
    assert (await cards.v1.payment_intents.retrieve_async(intent.id)).amount_capturable == 3000


async def test_hold_is_raised_ten_times_at_most(cards):
    options = {"card": {"request_incremental_authorization": "if_available"}}
    intent = await cards.hold(1000, payment_method_options=options)
    for amount in range(1001, 1011):
        await cards.v1.payment_intents.increment_authorization_async(intent.id, {"amount": amount})
    with pytest.raises(stripe.InvalidRequestError, match="at most 10 times"):
        await cards.v1.payment_intents.increment_authorization_async(intent.id, {"amount": 1011})


async def test_automatic_capture_takes_the_money_at_once(cards):
    paid = await cards.hold(700, capture_method="automatic", off_session=True)
    assert (paid.status, paid.amount_received, paid.amount_capturable) == ("succeeded", 700, 0)


async def test_created_first_and_confirmed_later_with_another_amount(cards):
    customer, method = await cards.saved_card("pm_card_visa")
    params = {"amount": 900, "currency": "EUR", "customer": customer, "payment_method_types": ["card"]}
    intent = await cards.v1.payment_intents.create_async(params)
    await cards.v1.payment_intents.update_async(intent.id, {"amount": 950, "payment_method": method})
    paid = await cards.v1.payment_intents.confirm_async(intent.id)
    assert (intent.status, paid.status, paid.amount_received) == ("requires_payment_method", "succeeded", 950)


async def test_card_paid_with_is_saved_when_asked(cards):
    customer = await cards.customer()
    params = {"amount": 900, "currency": "eur", "customer": customer.id, "payment_method": "pm_card_visa"}
    paid = await cards.v1.payment_intents.create_async(
        {**params, "payment_method_types": ["card"], "confirm": True, "setup_future_usage": "off_session"}
    )
    saved = await cards.v1.payment_methods.list_async({"customer": customer.id, "type": "card"})
    assert [method.id for method in saved.data] == [paid.payment_method]


async def test_card_of_somebody_else_is_refused(cards):
    _, method = await cards.saved_card("pm_card_visa")
    other = await cards.customer()
    params = {"amount": 900, "currency": "eur", "customer": other.id, "payment_method": method}
    with pytest.raises(stripe.InvalidRequestError, match="belongs to a Customer"):
        await cards.v1.payment_intents.create_async({**params, "payment_method_types": ["card"], "confirm": True})
    assert (await cards.books())["payment_intents"] == []


async def test_server_that_allows_redirects_must_name_a_way_back(cards):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await cards.hold(payment_method_types=[], automatic_payment_methods={"enabled": True})
    assert refused.value.param == "return_url"
    automatic = {"enabled": True, "allow_redirects": "never"}
    held = await cards.hold(payment_method_types=[], automatic_payment_methods=automatic)
    assert held.status == "requires_capture"


async def test_amount_below_the_minimum_is_refused(cards):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await cards.hold(49)
    assert (refused.value.code, refused.value.param) == ("amount_too_small", "amount")


async def test_blocking_client_works_as_well(cards):
    base = str(cards.http.base_url)
    client = stripe.StripeClient("sk_test_sandbox", base_addresses={"api": base})
    customer = await asyncio.to_thread(client.v1.customers.create, {"name": "Ada"})
    assert customer.name == "Ada"
