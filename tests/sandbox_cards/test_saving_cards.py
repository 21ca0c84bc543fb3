"""A card is saved for a customer."""

import httpx
import pytest
import stripe


async def app_confirms(cards, intent, card: str) -> httpx.Response:
    """Confirm the way an app does: publishable key and client secret."""
    return await cards.http.post(
        f"/v1/setup_intents/{intent.id}/confirm",
        headers={"Authorization": "Bearer pk_test_sandbox"},
        data={"client_secret": intent.client_secret, "payment_method": card},
    )


async def test_customer_keeps_what_was_sent_and_forgets_metadata_set_to_nothing(cards):
    customer = await cards.v1.customers.create_async({"email": "a@b.example", "metadata": {"a": "1", "b": "2"}})
    await cards.v1.customers.update_async(customer.id, {"name": "Ada", "metadata": {"a": ""}})
    kept = await cards.v1.customers.retrieve_async(customer.id)
    assert (kept.email, kept.name, kept.metadata.to_dict()) == ("a@b.example", "Ada", {"b": "2"})


async def test_app_saves_a_card_with_the_client_secret(cards):
    customer = await cards.customer()
    intent = await cards.v1.setup_intents.create_async({"customer": customer.id, "usage": "off_session"})
    assert intent.status == "requires_payment_method"
    answer = await app_confirms(cards, intent, "pm_card_visa")
    assert answer.json()["status"] == "succeeded"
    assert "customer" not in answer.json()
    saved = await cards.v1.customers.payment_methods.list_async(customer.id)
    assert [(m.card.brand, m.card.last4, m.customer) for m in saved.data] == [("visa", "4242", customer.id)]
    assert saved.data[0].id != "pm_card_visa"


async def test_app_makes_a_payment_method_of_a_card_number_and_saves_it(cards):
    customer = await cards.customer()
    app_key = {"Authorization": "Bearer pk_test_sandbox"}
    made = await cards.http.post(
        "/v1/payment_methods", headers=app_key, data={"type": "card", "card[number]": "5555 5555 5555 4444"}
    )
    intent = await cards.v1.setup_intents.create_async({"customer": customer.id})
    answer = await app_confirms(cards, intent, made.json()["id"])
    assert (made.json()["card"]["brand"], answer.json()["status"]) == ("mastercard", "succeeded")


async def test_app_without_the_client_secret_sees_nothing(cards):
    intent = await cards.v1.setup_intents.create_async({})
    headers = {"Authorization": "Bearer pk_test_sandbox"}
    hidden = await cards.http.get(f"/v1/setup_intents/{intent.id}", headers=headers)
    refused = await cards.http.get("/v1/customers", headers=headers)
    assert (hidden.status_code, hidden.json()["error"]["code"]) == (404, "resource_missing")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "secret_key_required")


async def test_bank_asks_before_a_card_is_saved(cards):
    customer = await cards.customer()
    intent = await cards.v1.setup_intents.create_async({"customer": customer.id})
    asked = await app_confirms(cards, intent, "pm_card_authenticationRequiredOnSetup")
    assert asked.json()["status"] == "requires_action"
    assert (await cards.v1.customers.payment_methods.list_async(customer.id)).data == []
    answered = await cards.control("authenticate", intent=intent.id, succeed=True)
    assert answered.json()["status"] == "succeeded"
    assert len((await cards.v1.customers.payment_methods.list_async(customer.id)).data) == 1


async def test_refusing_the_bank_leaves_no_card_behind(cards):
    customer = await cards.customer()
    intent = await cards.v1.setup_intents.create_async({"customer": customer.id})
    await app_confirms(cards, intent, "pm_card_authenticationRequired")
    await cards.control("authenticate", intent=intent.id, succeed=False)
    failed = await cards.v1.setup_intents.retrieve_async(intent.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_setup_error.code == "setup_intent_authentication_failure"
    assert (await cards.v1.customers.payment_methods.list_async(customer.id)).data == []
    assert "setup_intent.setup_failed" in await cards.events()


async def test_card_that_its_bank_blocks_cannot_be_saved(cards):
    customer = await cards.customer()
    with pytest.raises(stripe.CardError) as attached:
        await cards.v1.payment_methods.attach_async("pm_card_visa_chargeDeclined", {"customer": customer.id})
    assert attached.value.code == "card_declined"
    params = {"customer": customer.id, "payment_method_types": ["card"], "confirm": True}
    with pytest.raises(stripe.CardError) as saved:
        await cards.v1.setup_intents.create_async({**params, "payment_method": "pm_card_visa_chargeDeclinedLostCard"})
    assert saved.value.error.decline_code == "lost_card"
    assert saved.value.error.setup_intent.status == "requires_payment_method"


async def test_detached_card_is_gone_for_good(cards):
    customer, method = await cards.saved_card("pm_card_mastercard")
    detached = await cards.v1.payment_methods.detach_async(method)
    assert detached.customer is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        await cards.v1.payment_methods.attach_async(method, {"customer": customer})


async def test_canceled_setup_cannot_be_confirmed(cards):
    intent = await cards.v1.setup_intents.create_async({})
    await cards.v1.setup_intents.cancel_async(intent.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await cards.v1.setup_intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})
    assert refused.value.code == "setup_intent_unexpected_state"
