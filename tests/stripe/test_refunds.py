"""Money given back through the processor's API, once however often it is asked for."""

from collections.abc import AsyncIterator

import pytest
import stripe

from emsp.errors import Declined
from emsp.payments.ports import Wish
from emsp.sandbox.cards import CardsOptions, build_app
from emsp.settings import settings
from emsp.stripe.processor import StripeProcessor, client
from tests.sandbox_cards.conftest import listening


@pytest.fixture
async def processor(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StripeProcessor]:
    """The product's own processor, talking to a card processor that listens here."""
    async with listening(build_app(CardsOptions())) as url:
        monkeypatch.setenv("EMSP_STRIPE_API_BASE", url)
        settings.cache_clear()
        client.cache_clear()
        yield StripeProcessor()
    settings.cache_clear()
    client.cache_clear()


async def taken(processor: StripeProcessor, amount_minor: int) -> str:
    """A payment of so much; its id at the processor."""
    customer = await processor.create_customer(driver_id="ada", email="ada@example.com")
    setup = await processor.create_setup(customer=customer, reference="ada", card_token="pm_card_visa")
    assert setup.card is not None
    wish = Wish(
        customer=customer, card=setup.card.processor_id, amount_minor=amount_minor, currency="EUR", reference="charge-1"
    )
    made = await processor.create_charge(wish)
    paid = await processor.confirm(made.processor_id, reference="charge-1", off_session=True)
    assert paid.status == "SUCCEEDED"
    return made.processor_id


async def test_that_a_part_goes_back_once(processor: StripeProcessor) -> None:
    payment_id = await taken(processor, 1000)
    first = await processor.refund(payment_id, amount_minor=300, reference="refund-1")
    assert (first.status, first.amount_minor, first.failure) == ("SUCCEEDED", 300, None)
    assert await processor.refund(payment_id, amount_minor=300, reference="refund-1") == first
    assert await processor.repayment(first.processor_id) == first

    other = await processor.refund(payment_id, amount_minor=700, reference="refund-2")
    assert other.processor_id != first.processor_id
    refunds = await client().v1.refunds.list_async({"payment_intent": payment_id})
    assert sorted(refund.amount for refund in refunds.data) == [300, 700]


async def test_that_what_went_back_before_cannot_go_again(processor: StripeProcessor) -> None:
    payment_id = await taken(processor, 1000)
    await client().v1.refunds.create_async({"payment_intent": payment_id})
    with pytest.raises(Declined, match="given back before"):
        await processor.refund(payment_id, amount_minor=300, reference="refund-1")


async def test_that_a_refund_by_hand_is_not_taken_for_ours(processor: StripeProcessor) -> None:
    payment_id = await taken(processor, 1000)
    by_hand: stripe.Refund = await client().v1.refunds.create_async({"payment_intent": payment_id, "amount": 100})
    made = await processor.refund(payment_id, amount_minor=300, reference="refund-1")
    assert made.processor_id != by_hand.id
