"""Bank accounts that are debited, and payments that are disputed, through the processor's API."""

from datetime import UTC, datetime

import httpx
import pytest

from emsp.errors import Declined, ProcessorFailed
from emsp.payments.ports import Bank, Wish
from emsp.stripe.client import client
from emsp.stripe.processor import StripeProcessor
from tests.stripe.conftest import Sandbox, all_of, taken

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def signed(processor: StripeProcessor, sandbox: Sandbox, account: str = "pm_success_de") -> tuple[str, Bank]:
    """A fleet that has signed a mandate in its dashboard: (customer, bank account)."""
    customer = await processor.create_bank_customer(payer="fleet:1", email="fleet@example.com", name="Fleet")
    begun = await processor.create_bank_setup(customer=customer, reference="mandate-1")
    assert (begun.status, begun.bank) == ("REQUIRES_PAYMENT_METHOD", None)
    form = {
        "client_secret": begun.client_secret,
        "payment_method": account,
        "mandate_data[customer_acceptance][type]": "online",
    }
    async with httpx.AsyncClient(base_url=sandbox.url, headers={"Authorization": "Bearer pk_test_sandbox"}) as form_:
        (await form_.post(f"/v1/setup_intents/{begun.processor_id}/confirm", data=form)).raise_for_status()
    done = await processor.setup(begun.processor_id)
    assert (done.status, done.card) == ("SUCCEEDED", None)
    assert done.bank is not None
    return customer, done.bank


def wish(customer: str, bank: Bank) -> Wish:
    return Wish(
        customer=customer,
        card=bank.processor_id,
        amount_minor=12_000,
        currency="EUR",
        reference="debit-1",
        first_asked_at=datetime.now(UTC),
    )


async def test_that_a_debit_is_under_way_until_the_bank_has_answered(
    processor: StripeProcessor, sandbox: Sandbox
) -> None:
    customer, bank = await signed(processor, sandbox)
    assert (bank.last4, bank.holder) == ("3000", "Test Payer")
    assert bank.mandate_reference is not None
    made = await processor.create_debit(wish(customer, bank))
    assert made.status == "REQUIRES_CONFIRMATION"
    sent = await processor.confirm(made.processor_id, reference="debit-1", off_session=True)
    assert (sent.status, sent.captured_minor) == ("PROCESSING", 0)
    await sandbox.pull("debits/settle", payment_intent=made.processor_id)
    paid = await processor.intent(made.processor_id)
    assert (paid.status, paid.captured_minor, paid.reference) == ("SUCCEEDED", 12_000, "debit-1")


async def test_that_a_debit_which_the_bank_refused_tells_why(processor: StripeProcessor, sandbox: Sandbox) -> None:
    customer, bank = await signed(processor, sandbox, "pm_insufficientFunds_de")
    made = await processor.create_debit(wish(customer, bank))
    await processor.confirm(made.processor_id, reference="debit-1", off_session=True)
    await sandbox.pull("debits/settle", payment_intent=made.processor_id)
    failed = await processor.intent(made.processor_id)
    assert (failed.status, failed.failure_code) == ("REQUIRES_PAYMENT_METHOD", "insufficient_funds")
    assert failed.failure is not None
    assert "insufficient funds" in failed.failure


async def test_that_an_account_whose_mandate_was_taken_back_is_a_decline(
    processor: StripeProcessor, sandbox: Sandbox
) -> None:
    customer, bank = await signed(processor, sandbox)
    [event] = (await client().v1.events.list_async({"type": "setup_intent.succeeded"})).data
    await sandbox.pull("mandates/revoke", mandate=event.data.object.mandate)
    made = await processor.create_debit(wish(customer, bank))
    with pytest.raises(Declined, match="not in force any more"):
        await processor.confirm(made.processor_id, reference="debit-1", off_session=True)
    assert (await processor.intent(made.processor_id)).status == "REQUIRES_CONFIRMATION"


async def test_that_a_dispute_is_answered_and_decided(processor: StripeProcessor, sandbox: Sandbox) -> None:
    payment_id = await taken(processor, 3000)
    opened = await sandbox.pull("disputes/open", payment_intent=payment_id, reason="duplicate")
    facts = await processor.dispute(opened["id"])
    assert (facts.state, facts.reason, facts.payment_id) == ("NEEDS_RESPONSE", "DUPLICATE", payment_id)
    assert (facts.amount_minor, facts.fee_minor, facts.currency) == (3000, 2000, "EUR")
    assert [(m.kind, m.amount_minor, m.fee_minor) for m in facts.movements] == [("DISPUTE", -3000, 2000)]
    assert facts.evidence_due_at is not None
    assert not facts.has_evidence

    texts = {"product_description": "A charge", "customer_name": "Ada"}
    draft = await processor.hand_in_evidence(facts.processor_id, texts=texts, submit=False, reference="draft")
    assert (draft.state, draft.has_evidence, draft.submitted) == ("NEEDS_RESPONSE", True, False)
    for _ in range(2):
        sent = await processor.hand_in_evidence(facts.processor_id, texts=texts, submit=True, reference="answer")
        assert (sent.state, sent.submitted) == ("UNDER_REVIEW", True)
    with pytest.raises(ProcessorFailed, match="may not be changed any more"):
        await processor.hand_in_evidence(facts.processor_id, texts=texts, submit=True, reference="once more")

    await sandbox.pull("disputes/close", dispute=facts.processor_id, won=True)
    [won] = await all_of(processor.disputes_since(LONG_AGO))
    assert (won.state, won.fee_minor) == ("WON", 2000)
    assert [(m.kind, m.amount_minor) for m in won.movements] == [("DISPUTE", -3000), ("DISPUTE_REVERSAL", 3000)]
    moved = {movement.id: movement for movement in await all_of(processor.movements_since(LONG_AGO))}
    assert all(moved[movement.id].source == facts.processor_id for movement in won.movements)
    assert all(moved[movement.id].payment_id == payment_id for movement in won.movements)


async def test_that_a_payout_is_a_movement(processor: StripeProcessor, sandbox: Sandbox) -> None:
    await taken(processor, 3000)
    payout = await sandbox.pull("payouts")
    newest = (await all_of(processor.movements_since(LONG_AGO)))[0]
    assert (newest.kind, newest.amount_minor, newest.source) == ("PAYOUT", -2930, payout["id"])
    assert (newest.payment_id, newest.reference) == (None, None)
