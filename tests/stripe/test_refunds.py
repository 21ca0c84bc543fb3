"""Money given back through the processor's API, once however often it is asked for."""

import pytest
import stripe

from emsp.errors import Declined
from emsp.stripe.client import client
from emsp.stripe.processor import StripeProcessor
from tests.stripe.conftest import Sandbox, taken


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


async def test_that_a_refund_which_the_bank_sent_back_says_why(processor: StripeProcessor, sandbox: Sandbox) -> None:
    payment_id = await taken(processor, 1000)
    made = await processor.refund(payment_id, amount_minor=300, reference="refund-1")
    await sandbox.pull("refunds/fail", refund=made.processor_id, reason="lost_or_stolen_card")
    failed = await processor.repayment(made.processor_id)
    assert (failed.status, failed.failure) == ("FAILED", "lost_or_stolen_card")
    assert (failed.payment_id, failed.currency, failed.reference) == (payment_id, "EUR", "refund-1")


async def test_that_what_is_disputed_cannot_be_given_back_too(processor: StripeProcessor, sandbox: Sandbox) -> None:
    payment_id = await taken(processor, 1000)
    await sandbox.pull("disputes/open", payment_intent=payment_id)
    with pytest.raises(Declined, match="disputed at the bank"):
        await processor.refund(payment_id, amount_minor=300, reference="refund-1")
