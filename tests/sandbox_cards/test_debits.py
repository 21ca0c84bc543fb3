"""SEPA Direct Debits: a mandate is signed, a debit is under way for days, then the payer's bank answers."""

from typing import Any

import pytest
import stripe

from tests.sandbox_cards.conftest import Cards

CONSENT = {"customer_acceptance": {"type": "online", "online": {"ip_address": "127.0.0.1", "user_agent": "test"}}}


async def mandated(cards: Cards, account: str = "pm_success_de") -> tuple[str, Any]:
    """A payer whose account may be debited: (customer id, the setup)."""
    customer = await cards.customer()
    setup = await cards.v1.setup_intents.create_async(
        {
            "customer": customer.id,
            "payment_method_types": ["sepa_debit"],
            "payment_method": account,
            "mandate_data": CONSENT,
            "confirm": True,
            "expand": ["mandate", "payment_method"],
        }
    )
    return customer.id, setup


async def debit(cards: Cards, account: str = "pm_success_de", amount: int = 10_000) -> Any:
    """A debit that is under way."""
    customer, setup = await mandated(cards, account)
    return await cards.v1.payment_intents.create_async(debit_params(customer, setup.payment_method.id, amount))


def debit_params(customer: str, method: str, amount: int = 10_000, **more: Any) -> dict[str, Any]:
    return {
        "amount": amount,
        "currency": "eur",
        "customer": customer,
        "payment_method": method,
        "payment_method_types": ["sepa_debit"],
        "confirm": True,
        "off_session": True,
        **more,
    }


async def test_a_mandate_is_signed_with_the_account(cards):
    _, setup = await mandated(cards)
    assert (setup.status, setup.mandate.status) == ("succeeded", "active")
    assert setup.mandate.payment_method == setup.payment_method.id
    assert len(setup.mandate.payment_method_details.sepa_debit.reference) == 16
    assert setup.payment_method.sepa_debit.last4 == "3000"
    assert setup.payment_method.billing_details.name == "Test Payer"


async def test_an_app_signs_it_by_the_iban_with_the_client_secret(cards):
    customer = await cards.customer()
    asked = {"customer": customer.id, "payment_method_types": ["sepa_debit"]}
    setup = await cards.v1.setup_intents.create_async(asked)
    form = {
        "client_secret": setup.client_secret,
        "payment_method_data[type]": "sepa_debit",
        "payment_method_data[sepa_debit][iban]": "NL39 RABO 0300 0652 64",
        "payment_method_data[billing_details][name]": "Ada",
        "payment_method_data[billing_details][email]": "ada@example.com",
    }
    app = {"url": f"/v1/setup_intents/{setup.id}/confirm", "headers": {"Authorization": "Bearer pk_test_sandbox"}}
    refused = await cards.http.post(data=form, **app)
    assert refused.json()["error"]["param"] == "mandate_data[customer_acceptance][type]"
    agreed = await cards.http.post(data={**form, "mandate_data[customer_acceptance][type]": "online"}, **app)
    assert agreed.json()["status"] == "succeeded"
    assert "mandate" not in agreed.json()


async def test_it_is_under_way_until_the_bank_says_yes(cards):
    intent = await debit(cards)
    charge = await cards.v1.charges.retrieve_async(intent.latest_charge)
    assert (intent.status, charge.status, charge.paid) == ("processing", "pending", False)
    assert (await cards.v1.balance_transactions.list_async()).data == []

    await cards.control("debits/settle", payment_intent=intent.id)
    intent = await cards.v1.payment_intents.retrieve_async(intent.id)
    assert (intent.status, intent.amount_received) == ("succeeded", 10_000)
    [movement] = (await cards.v1.balance_transactions.list_async()).data
    assert (movement.type, movement.reporting_category, movement.fee) == ("payment", "charge", 35)
    events = await cards.events()
    assert [event for event in events if event.startswith(("payment_intent.", "charge."))] == [
        "payment_intent.created",
        "charge.pending",
        "payment_intent.processing",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


@pytest.mark.parametrize(
    ("account", "lever", "code"),
    [
        ("pm_insufficientFunds_de", {}, "insufficient_funds"),
        ("pm_success_de", {"succeed": False}, "generic_could_not_process"),
        ("pm_success_de", {"failure_code": "no_account"}, "no_account"),
    ],
)
async def test_the_bank_says_no(cards, account, lever, code):
    intent = await debit(cards, account)
    await cards.control("debits/settle", payment_intent=intent.id, **lever)
    intent = await cards.v1.payment_intents.retrieve_async(intent.id)
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error.code == code
    assert (await cards.events())[-1] == "payment_intent.payment_failed"
    assert (await cards.v1.balance_transactions.list_async()).data == []
    again = await cards.control("debits/settle", payment_intent=intent.id)
    assert again.json()["error"]["code"] == "payment_intent_unexpected_state"


async def test_a_debit_that_was_taken_is_taken_back_for_good(cards):
    intent = await debit(cards, "pm_disputed_de")
    await cards.control("debits/settle", payment_intent=intent.id)
    [dispute] = (await cards.v1.disputes.list_async({"payment_intent": intent.id})).data
    assert (dispute.status, dispute.reason, dispute.amount) == ("lost", "debit_not_authorized", 10_000)
    assert (await cards.books())["balance"] == {"eur": 10_000 - 35 - 10_000 - 2_000}


async def test_nobody_is_debited_without_a_mandate(cards):
    customer, setup = await mandated(cards)
    await cards.control("mandates/revoke", mandate=setup.mandate.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await cards.v1.payment_intents.create_async(debit_params(customer, setup.payment_method.id))
    assert refused.value.code == "payment_intent_mandate_invalid"
    assert (await cards.events())[-1] == "mandate.updated"


@pytest.mark.parametrize("change", [{"currency": "chf"}, {"capture_method": "manual"}])
async def test_only_euro_and_no_holds(cards, change):
    customer, setup = await mandated(cards)
    with pytest.raises(stripe.InvalidRequestError, match="in euro and captured automatically"):
        await cards.v1.payment_intents.create_async(debit_params(customer, setup.payment_method.id, **change))


async def test_a_card_does_not_pay_what_is_to_be_debited(cards):
    customer, method = await cards.saved_card("pm_card_visa")
    with pytest.raises(stripe.InvalidRequestError, match=r"\(card\) is not allowed"):
        await cards.v1.payment_intents.create_async(debit_params(customer, method))
