"""What stands on the balance goes to the bank, and what banks send back later."""

import pytest
import stripe

from tests.sandbox_cards.test_disputes import paid


async def test_all_that_stands_on_the_balance_is_paid_out(cards):
    await paid(cards, 3000)
    payout = (await cards.control("payouts", currency="eur")).json()
    assert (payout["amount"], payout["status"]) == (2930, "paid")
    movement = (await cards.v1.balance_transactions.list_async({"source": payout["id"]})).data[0]
    assert (movement.type, movement.reporting_category, movement.amount) == ("payout", "payout", -2930)
    assert (await cards.books())["balance"] == {"eur": 0}
    assert (await cards.events())[-2:] == ["payout.created", "payout.paid"]
    assert (await cards.control("payouts")).json()["error"]["code"] == "balance_insufficient"


async def test_a_payout_comes_back(cards):
    await paid(cards, 3000)
    payout = (await cards.control("payouts", amount=1000)).json()
    await cards.control("payouts/fail", payout=payout["id"])
    failed = await cards.v1.payouts.retrieve_async(payout["id"])
    assert (failed.status, failed.failure_code) == ("failed", "no_account")
    assert (await cards.books())["balance"] == {"eur": 2930}
    newest = (await cards.v1.balance_transactions.list_async({"limit": 1})).data[0]
    assert (newest.reporting_category, newest.amount) == ("payout_reversal", 1000)


async def test_a_refund_that_was_done_comes_back(cards):
    intent = await paid(cards, 3000)
    refund = await cards.v1.refunds.create_async({"payment_intent": intent.id, "amount": 1000})
    await cards.control("refunds/fail", refund=refund.id, reason="expired_or_canceled_card")
    refund = await cards.v1.refunds.retrieve_async(refund.id)
    assert (refund.status, refund.failure_reason) == ("failed", "expired_or_canceled_card")
    back = await cards.v1.balance_transactions.retrieve_async(refund.failure_balance_transaction)
    assert (back.type, back.amount) == ("refund_failure", 1000)
    assert (await cards.events())[-3:] == ["refund.failed", "refund.updated", "charge.refund.updated"]
    assert (await cards.books())["payment_intents"][0]["refunded_minor"] == 0
    assert (await cards.control("refunds/fail", refund=refund.id)).status_code == 400


async def test_lists_go_by_when_things_were_made(start):
    now = [1_800_000_000.0]
    cards = await start(clock=lambda: now[0])
    intent = await paid(cards, 3000)
    now[0] += 100
    refund = await cards.v1.refunds.create_async({"payment_intent": intent.id})
    since = {"created": {"gte": 1_800_000_100}}
    assert [thing.id for thing in (await cards.v1.refunds.list_async(since)).data] == [refund.id]
    assert (await cards.v1.payment_intents.list_async(since)).data == []
    [movement] = (await cards.v1.balance_transactions.list_async(since | {"expand": ["data.source"]})).data
    assert movement.source.payment_intent == intent.id


async def test_a_lever_that_is_pulled_wrongly_says_so(cards):
    assert "unknown field" in (await cards.control("payouts", nonsense=1)).json()["error"]["message"]
    with pytest.raises(stripe.InvalidRequestError):
        await cards.v1.disputes.retrieve_async("du_nothing")
