"""The product's processor against Stripe's own test mode, and the same tests against the sandbox.

With a key in EMSP_TEST_STRIPE_SECRET_KEY (sk_test_…, of an account that takes euro, with SEPA Direct Debit switched on)
they talk to Stripe; without one that half is skipped. They leave customers and payments behind in the test account.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from emsp.errors import AuthenticationRequired, Declined, KeyReused
from emsp.payments.ports import Wish
from emsp.sandbox.cards import CardsOptions, build_app
from emsp.settings import settings
from emsp.stripe.client import client
from emsp.stripe.processor import StripeProcessor
from tests.sandbox_cards.conftest import listening
from tests.stripe.conftest import Payer, held, payer

KEY = os.environ.get("EMSP_TEST_STRIPE_SECRET_KEY", "")
WITH_A_KEY = pytest.mark.skipif(
    not KEY.startswith("sk_test_"), reason="EMSP_TEST_STRIPE_SECRET_KEY is not set to a key of Stripe's test mode"
)
CONSENT: Any = {"customer_acceptance": {"type": "offline", "offline": {}}}


@pytest.fixture(params=["sandbox", pytest.param("test mode", marks=WITH_A_KEY)])
async def stripe(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StripeProcessor]:
    async with AsyncExitStack() as stack:
        if request.param == "sandbox":
            base = await stack.enter_async_context(listening(build_app(CardsOptions())))
            monkeypatch.setenv("EMSP_STRIPE_API_BASE", base)
        else:
            monkeypatch.delenv("EMSP_STRIPE_API_BASE", raising=False)
            monkeypatch.setenv("EMSP_STRIPE_SECRET_KEY", KEY)
        settings.cache_clear()
        client.cache_clear()
        yield StripeProcessor()
    settings.cache_clear()
    client.cache_clear()


async def test_that_a_hold_is_captured_in_part_and_a_part_given_back(stripe: StripeProcessor) -> None:
    began = datetime.now(UTC) - timedelta(minutes=1)
    intent = await held(stripe, 5000)
    assert (intent.status, intent.amount_minor, intent.currency) == ("REQUIRES_CAPTURE", 5000, "EUR")
    assert intent.releases_at is not None
    assert timedelta(days=1) < intent.releases_at - datetime.now(UTC) < timedelta(days=31)
    reference = f"hold-{uuid4()}"
    captured = await stripe.capture(intent.processor_id, amount_minor=3000, reference=reference)
    assert (captured.status, captured.captured_minor) == ("SUCCEEDED", 3000)
    refund = f"refund-{uuid4()}"
    back = await stripe.refund(intent.processor_id, amount_minor=1000, reference=refund)
    assert (back.amount_minor, back.reference, back.payment_id) == (1000, refund, intent.processor_id)
    assert (await stripe.refund(intent.processor_id, amount_minor=1000, reference=refund)).processor_id == (
        back.processor_id
    )
    found = [one async for one in stripe.intents_since(began) if one.processor_id == intent.processor_id]
    assert [one.captured_minor for one in found] == [3000]
    moved = [one async for one in stripe.movements_since(began) if one.payment_id == intent.processor_id]
    assert sorted((one.kind, one.amount_minor) for one in moved) == [("CHARGE", 3000), ("REFUND", -1000)]
    assert all(one.net_minor == one.amount_minor - one.fee_minor for one in moved)


async def test_that_a_hold_is_raised_or_left_as_it_is(stripe: StripeProcessor) -> None:
    intent = await held(stripe, 5000)
    with suppress(Declined):
        await stripe.increment(intent.processor_id, amount_minor=6000, reference=f"raise-{uuid4()}")
    raised = await stripe.intent(intent.processor_id)
    assert raised.status == "REQUIRES_CAPTURE"
    assert raised.amount_minor in (5000, 6000)
    released = await stripe.cancel(intent.processor_id, reference=f"cancel-{uuid4()}")
    assert released.status == "CANCELED"


async def test_that_a_decline_is_told_and_rescued_by_another_card(stripe: StripeProcessor) -> None:
    poor = await payer(stripe)
    bad: Any = await client().v1.payment_methods.attach_async("pm_card_chargeCustomerFail", {"customer": poor.customer})
    made = await stripe.create_charge(poor.wish(1000))
    reference = str(made.reference)
    with pytest.raises(Declined) as declined:
        await stripe.confirm(made.processor_id, reference=f"{reference}-1", off_session=True, card=bad.id)
    assert declined.value.code == "generic_decline"
    left = await stripe.intent(made.processor_id)
    assert (left.status, left.failure_code) == ("REQUIRES_PAYMENT_METHOD", "generic_decline")
    paid = await stripe.confirm(
        made.processor_id, reference=f"{reference}-2", off_session=False, card=poor.card.processor_id
    )
    assert (paid.status, paid.captured_minor) == ("SUCCEEDED", 1000)


async def test_that_a_bank_which_wants_the_driver_says_so(stripe: StripeProcessor) -> None:
    somebody = await payer(stripe)
    careful: Any = await client().v1.payment_methods.attach_async(
        "pm_card_authenticationRequired", {"customer": somebody.customer}
    )
    made = await stripe.create_charge(somebody.wish(1000))
    reference = str(made.reference)
    with pytest.raises(AuthenticationRequired):
        await stripe.confirm(made.processor_id, reference=f"{reference}-1", off_session=True, card=careful.id)
    waiting = await stripe.confirm(made.processor_id, reference=f"{reference}-2", off_session=False, card=careful.id)
    assert waiting.status == "REQUIRES_ACTION"
    assert waiting.client_secret


async def test_that_a_wish_is_granted_once_and_a_key_is_not_reused(stripe: StripeProcessor) -> None:
    somebody = await payer(stripe)
    wish = somebody.wish(1000)
    made = await stripe.create_charge(wish)
    assert (await stripe.create_charge(wish)).processor_id == made.processor_id
    untold = await stripe.create_charge(somebody.wish(1000, wish.reference, first_asked_at=None))
    assert untold.processor_id == made.processor_id
    with pytest.raises(KeyReused):
        await stripe.create_charge(somebody.wish(2000, wish.reference))


async def test_that_an_account_with_a_mandate_is_debited(stripe: StripeProcessor) -> None:
    name = uuid4().hex
    customer = await stripe.create_bank_customer(payer=f"fleet:{name}", email=f"{name}@example.com", name="Fleet")
    begun = await stripe.create_bank_setup(customer=customer, reference=f"mandate-{name}")
    form: Any = {"payment_method": "pm_success_de", "mandate_data": CONSENT}
    await client().v1.setup_intents.confirm_async(begun.processor_id, form)
    done = await stripe.setup(begun.processor_id)
    assert done.bank is not None
    assert (done.status, done.bank.last4) == ("SUCCEEDED", "3000")
    assert done.bank.mandate_reference
    wish = Wish(
        customer=customer,
        card=done.bank.processor_id,
        amount_minor=1200,
        currency="EUR",
        reference=f"debit-{name}",
        first_asked_at=datetime.now(UTC),
    )
    made = await stripe.create_debit(wish)
    sent = await stripe.confirm(made.processor_id, reference=f"debit-{name}", off_session=True)
    assert sent.status in ("PROCESSING", "SUCCEEDED")


async def test_that_a_card_is_forgotten(stripe: StripeProcessor) -> None:
    somebody: Payer = await payer(stripe)
    for _ in range(2):
        await stripe.remove_card(somebody.card.processor_id)
