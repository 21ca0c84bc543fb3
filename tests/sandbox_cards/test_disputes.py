"""A payment is disputed: the money goes, evidence is handed in once, the bank decides."""

from typing import Any

import pytest
import stripe

from tests.sandbox_cards.conftest import Cards


async def paid(cards: Cards, amount: int = 3000) -> Any:
    """A payment that was taken from a card."""
    intent = await cards.hold(5000)
    return await cards.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": amount})


async def disputed(cards: Cards, **lever: Any) -> Any:
    """A dispute about a payment of 30.00."""
    intent = await paid(cards)
    opened = (await cards.control("disputes/open", payment_intent=intent.id, **lever)).json()
    return await cards.v1.disputes.retrieve_async(opened["id"])


async def test_the_money_and_a_fee_go_at_once(cards):
    dispute = await disputed(cards, reason="product_not_received")
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "product_not_received", 3000)
    [taken] = dispute.balance_transactions
    assert (taken.type, taken.reporting_category) == ("adjustment", "dispute")
    assert (taken.amount, taken.fee, taken.net, taken.source) == (-3000, 2000, -5000, dispute.id)
    assert (await cards.events())[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    assert (await cards.v1.charges.retrieve_async(dispute.charge)).disputed is True


async def test_evidence_is_kept_as_a_draft_and_submitted_once(cards):
    dispute = await disputed(cards)
    draft = {"evidence": {"product_description": "A charge"}, "submit": False}
    dispute = await cards.v1.disputes.update_async(dispute.id, draft)
    assert (dispute.status, dispute.evidence_details.has_evidence) == ("needs_response", True)
    assert dispute.evidence_details.submission_count == 0

    dispute = await cards.v1.disputes.update_async(dispute.id, {"evidence": {"customer_name": "Ada"}})
    assert (dispute.status, dispute.evidence_details.submission_count) == ("under_review", 1)
    assert (dispute.evidence.product_description, dispute.evidence.customer_name) == ("A charge", "Ada")
    assert (await cards.events())[-2:] == ["charge.dispute.updated"] * 2
    with pytest.raises(stripe.InvalidRequestError, match="may not be changed any more"):
        await cards.v1.disputes.update_async(dispute.id, {"evidence": {"customer_name": "Bob"}})


@pytest.mark.parametrize(
    ("evidence", "param"),
    [({"uncategorized_text": "x" * 20_001}, "evidence[uncategorized_text]"), ({"poem": "x"}, "evidence[poem]")],
)
async def test_evidence_that_stripe_would_refuse(cards, evidence, param):
    dispute = await disputed(cards)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await cards.v1.disputes.update_async(dispute.id, {"evidence": evidence})
    assert refused.value.param == param


async def test_won_gives_the_money_back_but_not_the_fee(cards):
    dispute = await disputed(cards)
    await cards.control("disputes/close", dispute=dispute.id, won=True)
    dispute = await cards.v1.disputes.retrieve_async(dispute.id)
    assert dispute.status == "won"
    assert [(t.reporting_category, t.amount, t.fee) for t in dispute.balance_transactions] == [
        ("dispute", -3000, 2000),
        ("dispute_reversal", 3000, 0),
    ]
    assert (await cards.events())[-2:] == ["charge.dispute.closed", "charge.dispute.funds_reinstated"]
    assert (await cards.books())["balance"] == {"eur": 3000 - 70 - 2000}


async def test_lost_by_the_bank_or_given_up(cards):
    for end in ("bank", "merchant"):
        dispute = await disputed(cards)
        if end == "bank":
            await cards.control("disputes/close", dispute=dispute.id, won=False)
        else:
            await cards.v1.disputes.close_async(dispute.id)
        assert (await cards.v1.disputes.retrieve_async(dispute.id)).status == "lost"
        again = await cards.control("disputes/close", dispute=dispute.id)
        assert "is decided" in again.json()["error"]["message"]


async def test_an_inquiry_moves_nothing(cards):
    dispute = await disputed(cards, inquiry=True)
    assert (dispute.status, dispute.balance_transactions) == ("warning_needs_response", [])
    dispute = await cards.v1.disputes.update_async(dispute.id, {"evidence": {"customer_name": "Ada"}})
    assert dispute.status == "warning_under_review"
    await cards.control("disputes/close", dispute=dispute.id)
    assert (await cards.v1.disputes.retrieve_async(dispute.id)).status == "warning_closed"


async def test_what_the_bank_took_back_is_not_refunded_too(cards):
    dispute = await disputed(cards)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await cards.v1.refunds.create_async({"payment_intent": dispute.payment_intent})
    assert refused.value.code == "charge_disputed"


async def test_only_what_was_taken_can_be_disputed_once(cards):
    hold = await cards.hold(5000)
    assert (await cards.control("disputes/open", payment_intent=hold.id)).status_code == 400
    dispute = await disputed(cards)
    again = await cards.control("disputes/open", payment_intent=dispute.payment_intent)
    assert again.json()["error"]["param"] == "payment_intent"
