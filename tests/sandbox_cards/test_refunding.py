"""Captured money is paid back."""

import pytest
import stripe


async def captured(cards, amount: int, held: int = 5000):
    intent = await cards.hold(held)
    return await cards.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": amount})


async def test_part_and_then_the_rest(cards):
    intent = await captured(cards, 3000)
    part = await cards.v1.refunds.create_async({"payment_intent": intent.id, "amount": 1000, "metadata": {"a": "b"}})
    rest = await cards.v1.refunds.create_async({"charge": intent.latest_charge, "reason": "duplicate"})
    assert [(r.amount, r.status) for r in (part, rest)] == [(1000, "succeeded"), (2000, "succeeded")]
    assert (await cards.v1.charges.retrieve_async(intent.latest_charge)).refunded is True
    line = (await cards.books())["payment_intents"][0]
    assert (line["captured_minor"], line["refunded_minor"], line["released_minor"]) == (3000, 3000, 2000)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await cards.v1.refunds.create_async({"payment_intent": intent.id})
    assert refused.value.code == "charge_already_refunded"


async def test_no_more_than_was_captured(cards):
    intent = await captured(cards, 3000)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        await cards.v1.refunds.create_async({"payment_intent": intent.id, "amount": 3001})
    assert (await cards.v1.refunds.list_async({"payment_intent": intent.id})).data == []


async def test_a_hold_is_not_refunded(cards):
    intent = await cards.hold(5000)
    with pytest.raises(stripe.InvalidRequestError, match="no captured charge"):
        await cards.v1.refunds.create_async({"payment_intent": intent.id})


async def test_balance_transactions_tell_what_reached_the_balance(cards):
    intent = await captured(cards, 3000)
    refund = await cards.v1.refunds.create_async({"payment_intent": intent.id, "amount": 1000})
    transactions = await cards.v1.balance_transactions.list_async()
    assert [(t.type, t.amount, t.fee, t.net, t.source) for t in transactions.data] == [
        ("refund", -1000, 0, -1000, refund.id),
        ("charge", 3000, 70, 2930, intent.latest_charge),
    ]
