"""A card says no, or its bank wants to see its owner."""

import pytest
import stripe

DECLINES = [
    ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
]


@pytest.mark.parametrize(("card", "code", "decline_code"), DECLINES)
async def test_saved_card_is_declined_when_charged(cards, card, code, decline_code):
    with pytest.raises(stripe.CardError) as declined:
        await cards.hold(5000, card)
    error = declined.value.error
    assert (declined.value.http_status, error.code, error.decline_code) == (402, code, decline_code)
    intent = await cards.v1.payment_intents.retrieve_async(error.payment_intent.id)
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error.decline_code == decline_code
    assert intent.latest_charge == error.charge
    assert [c["authorised_minor"] for c in (await cards.books())["charges"]] == [0]
    assert (await cards.events())[-2:] == ["charge.failed", "payment_intent.payment_failed"]


async def test_declined_payment_is_rescued_with_another_card(cards):
    with pytest.raises(stripe.CardError) as declined:
        await cards.hold(5000, "pm_card_chargeDeclined")
    intent = declined.value.error.payment_intent
    good = await cards.v1.payment_methods.attach_async("pm_card_visa", {"customer": intent.customer})
    rescued = await cards.v1.payment_intents.confirm_async(intent.id, {"payment_method": good.id})
    assert (rescued.status, rescued.last_payment_error) == ("requires_capture", None)


async def test_owner_in_the_app_is_asked_and_approves(cards):
    intent = await cards.hold(5000, "pm_card_authenticationRequired")
    assert (intent.status, intent.amount_capturable) == ("requires_action", 0)
    assert (await cards.books())["charges"] == []
    await cards.control("authenticate", intent=intent.id, succeed=True)
    held = await cards.v1.payment_intents.retrieve_async(intent.id)
    assert (held.status, held.amount_capturable, held.next_action) == ("requires_capture", 5000, None)


async def test_owner_in_the_app_is_asked_and_refuses(cards):
    intent = await cards.hold(5000, "pm_card_authenticationRequired")
    await cards.control("authenticate", intent=intent.id, succeed=False)
    failed = await cards.v1.payment_intents.retrieve_async(intent.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"
    again = await cards.control("authenticate", intent=intent.id, succeed=True)
    assert (again.status_code, again.json()["error"]["code"]) == (400, "payment_intent_unexpected_state")


async def test_approved_card_may_still_be_declined(cards):
    card = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    intent = await cards.hold(5000, card)
    await cards.control("authenticate", intent=intent.id, succeed=True)
    failed = await cards.v1.payment_intents.retrieve_async(intent.id)
    assert (failed.status, failed.last_payment_error.decline_code) == (
        "requires_payment_method",
        "insufficient_funds",
    )


async def test_nobody_there_to_be_asked(cards):
    with pytest.raises(stripe.CardError) as declined:
        await cards.hold(5000, "pm_card_authenticationRequired", off_session=True)
    assert declined.value.code == "authentication_required"
    assert declined.value.error.payment_intent.last_payment_error.payment_method.id.startswith("pm_")


async def test_intent_that_failed_alone_is_rescued_in_the_app(cards):
    with pytest.raises(stripe.CardError) as declined:
        await cards.hold(5000, "pm_card_authenticationRequired", off_session=True)
    failed = declined.value.error.payment_intent
    method = failed.last_payment_error.payment_method.id
    asked = await cards.http.post(
        f"/v1/payment_intents/{failed.id}/confirm",
        headers={"Authorization": "Bearer pk_test_sandbox"},
        data={"client_secret": failed.client_secret, "payment_method": method},
    )
    assert asked.json()["status"] == "requires_action"
    await cards.control("authenticate", intent=failed.id, succeed=True)
    assert (await cards.v1.payment_intents.retrieve_async(failed.id)).status == "requires_capture"


async def test_card_set_up_once_is_not_asked_again_without_its_owner(cards):
    customer = await cards.customer()
    params = {"customer": customer.id, "payment_method_types": ["card"], "confirm": True}
    setup = await cards.v1.setup_intents.create_async(
        {**params, "payment_method": "pm_card_authenticationRequiredOnSetup"}
    )
    await cards.control("authenticate", intent=setup.id, succeed=True)
    method = (await cards.v1.setup_intents.retrieve_async(setup.id)).payment_method
    pay = {**params, "payment_method": method, "amount": 900, "currency": "eur"}
    alone = await cards.v1.payment_intents.create_async({**pay, "off_session": True})
    present = await cards.v1.payment_intents.create_async(pay)
    assert (alone.status, present.status) == ("succeeded", "requires_action")


async def test_owner_approves_on_a_page_and_comes_back(cards):
    intent = await cards.hold(5000, "pm_card_authenticationRequired", return_url="https://app.example/back?x=1")
    url = intent.next_action.redirect_to_url.url
    assert "Approve" in (await cards.http.get(url)).text
    answer = await cards.http.post(url, data={"succeed": "true"})
    assert answer.status_code == 303
    assert answer.headers["location"] == (
        f"https://app.example/back?x=1&payment_intent={intent.id}&redirect_status=succeeded"
    )
