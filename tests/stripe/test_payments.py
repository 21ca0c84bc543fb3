"""Holds and charges through the processor's API, as the product asks for them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emsp.errors import AuthenticationRequired, Declined, KeyReused, ProcessorFailed
from emsp.stripe.client import API_VERSION, client
from emsp.stripe.processor import StripeProcessor
from tests.stripe.conftest import Sandbox, all_of, held, payer, taken


async def test_that_every_request_names_the_version_and_every_change_a_key(
    processor: StripeProcessor, sandbox: Sandbox
) -> None:
    intent = await held(processor, 5000)
    await processor.increment(intent.processor_id, amount_minor=6000, reference="raise-1")
    await processor.capture(intent.processor_id, amount_minor=5500, reference="hold-1")
    await processor.refund(intent.processor_id, amount_minor=100, reference="refund-1")
    assert {headers["stripe-version"] for headers in sandbox.headers} == {API_VERSION}
    keys = [headers.get("idempotency-key") for headers in sandbox.headers if "content-type" in headers]
    assert len(keys) == len(set(keys)) == 7
    assert None not in keys


async def test_that_a_hold_is_raised_where_the_card_allows_it(processor: StripeProcessor) -> None:
    intent = await held(processor, 5000)
    raised = await processor.increment(intent.processor_id, amount_minor=7000, reference="raise-1")
    assert (raised.status, raised.amount_minor) == ("REQUIRES_CAPTURE", 7000)
    assert raised == await processor.increment(intent.processor_id, amount_minor=7000, reference="raise-1")
    captured = await processor.capture(intent.processor_id, amount_minor=6500, reference="hold-1")
    assert (captured.status, captured.captured_minor) == ("SUCCEEDED", 6500)


async def test_that_a_hold_which_cannot_be_raised_is_left_as_it_is(processor: StripeProcessor) -> None:
    intent = await held(processor, 5000, "pm_card_jcb")
    with pytest.raises(Declined) as declined:
        await processor.increment(intent.processor_id, amount_minor=7000, reference="raise-1")
    assert declined.value.code == "not_eligible"
    assert (await processor.intent(intent.processor_id)).amount_minor == 5000


async def test_that_a_bank_which_refuses_to_raise_it_is_a_decline(processor: StripeProcessor, sandbox: Sandbox) -> None:
    intent = await held(processor, 5000)
    await sandbox.pull("faults", path="/v1/payment_intents/*/increment_authorization", kind="card_declined")
    with pytest.raises(Declined) as declined:
        await processor.increment(intent.processor_id, amount_minor=7000, reference="raise-1")
    assert declined.value.code == "generic_decline"


async def test_that_a_declined_payment_tells_why_and_is_paid_by_another_card(processor: StripeProcessor) -> None:
    poor = await payer(processor, "pm_card_chargeDeclinedInsufficientFunds")
    made = await processor.create_charge(poor.wish(1000, "charge-1"))
    with pytest.raises(Declined) as declined:
        await processor.confirm(made.processor_id, reference="charge-1-1", off_session=True)
    assert declined.value.code == "insufficient_funds"
    left = await processor.intent(made.processor_id)
    assert (left.status, left.payment_method, left.failure_code) == (
        "REQUIRES_PAYMENT_METHOD",
        None,
        "insufficient_funds",
    )
    setup = await processor.create_setup(customer=poor.customer, reference="second", card_token="pm_card_mastercard")
    assert setup.card is not None
    paid = await processor.confirm(
        made.processor_id, reference="charge-1-2", off_session=False, card=setup.card.processor_id
    )
    assert (paid.status, paid.captured_minor, paid.payment_method) == ("SUCCEEDED", 1000, setup.card.processor_id)
    assert (paid.failure, paid.reference) == (None, "charge-1")


async def test_that_a_bank_which_wants_the_driver_is_answered_in_the_app(
    processor: StripeProcessor, sandbox: Sandbox
) -> None:
    asked = await payer(processor, "pm_card_visa")
    method = await client().v1.payment_methods.attach_async(
        "pm_card_authenticationRequired", {"customer": asked.customer}
    )
    made = await processor.create_charge(asked.wish(1000, "charge-1"))
    with pytest.raises(AuthenticationRequired):
        await processor.confirm(made.processor_id, reference="charge-1-1", off_session=True, card=method.id)
    left = await processor.intent(made.processor_id)
    assert (left.status, left.failure_code) == ("REQUIRES_PAYMENT_METHOD", "authentication_required")

    waiting = await processor.confirm(made.processor_id, reference="charge-1-2", off_session=False, card=method.id)
    assert waiting.status == "REQUIRES_ACTION"
    assert waiting.client_secret is not None
    assert waiting.client_secret.startswith(made.processor_id)
    await sandbox.pull("authenticate", intent=made.processor_id)
    assert (await processor.intent(made.processor_id)).status == "SUCCEEDED"


async def test_that_what_is_asked_for_can_change_until_it_is_paid(processor: StripeProcessor) -> None:
    somebody = await payer(processor)
    made = await processor.create_charge(somebody.wish(1000))
    changed = await processor.change_amount(made.processor_id, amount_minor=800, reference="less")
    assert changed.amount_minor == 800
    await processor.confirm(made.processor_id, reference="charge-1", off_session=True)
    with pytest.raises(ProcessorFailed, match="could not be updated"):
        await processor.change_amount(made.processor_id, amount_minor=700, reference="even less")


async def test_that_a_hold_which_has_lapsed_is_gone(processor: StripeProcessor, sandbox: Sandbox) -> None:
    intent = await held(processor, 5000)
    assert intent.releases_at is not None
    await sandbox.pull("holds/lapse", payment_intent=intent.processor_id)
    assert (await processor.intent(intent.processor_id)).status == "CANCELED"
    assert (await processor.cancel(intent.processor_id, reference="hold-1")).status == "CANCELED"


async def test_that_a_wish_is_granted_once_also_after_the_keys_were_forgotten(
    processor: StripeProcessor, sandbox: Sandbox
) -> None:
    somebody = await payer(processor)
    yesterday = {"first_asked_at": datetime.now(UTC) - timedelta(hours=30)}
    made = await processor.create_charge(somebody.wish(1000, "charge-1"))
    assert (await processor.create_charge(somebody.wish(1000, "charge-1"))).processor_id == made.processor_id
    sandbox.ahead_s = 25 * 3600
    assert (await processor.create_charge(somebody.wish(1000, "charge-1", **yesterday))).processor_id == (
        made.processor_id
    )
    untold = await processor.create_charge(somebody.wish(1000, "charge-1", first_asked_at=None))
    assert untold.processor_id == made.processor_id
    other = await processor.create_charge(somebody.wish(1000, "charge-2", **yesterday))
    assert other.processor_id != made.processor_id
    assert len((await client().v1.payment_intents.list_async({"customer": somebody.customer})).data) == 2


async def test_that_a_customer_is_made_once_also_after_the_keys_were_forgotten(
    processor: StripeProcessor, sandbox: Sandbox
) -> None:
    ada = await processor.create_customer(driver_id="ada", email="ada@example.com")
    sandbox.ahead_s = 25 * 3600
    assert await processor.create_customer(driver_id="ada", email="ada@example.com") == ada
    assert await processor.create_customer(driver_id="another ada", email="ada@example.com") != ada


async def test_that_a_key_used_for_something_else_is_named_as_such(processor: StripeProcessor) -> None:
    somebody = await payer(processor)
    await processor.create_setup(customer=somebody.customer, reference="again", card_token="pm_card_visa")
    with pytest.raises(KeyReused, match="idempotency key"):
        await processor.create_setup(customer=somebody.customer, reference="again", card_token="pm_card_amex")


async def test_that_a_card_is_forgotten_once_and_for_all(processor: StripeProcessor) -> None:
    somebody = await payer(processor)
    for _ in range(2):
        await processor.remove_card(somebody.card.processor_id)
    await processor.remove_card("pm_never_seen")
    listed: Any = await client().v1.payment_methods.list_async({"customer": somebody.customer})
    assert listed.data == []


async def test_that_lists_are_read_to_their_end_and_from_a_moment_on(
    processor: StripeProcessor, sandbox: Sandbox
) -> None:
    payment_id = await taken(processor, 10_000)
    refunds = client().v1.refunds
    for _ in range(101):
        await refunds.create_async({"payment_intent": payment_id, "amount": 1})
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    assert [back.amount_minor for back in await all_of(processor.repayments_since(long_ago))] == [1] * 101
    movements = await all_of(processor.movements_since(long_ago))
    assert [movement.amount_minor for movement in movements] == [-1] * 101 + [10_000]
    charge = movements[-1]
    assert (charge.kind, charge.fee_minor, charge.net_minor, charge.payment_id) == ("CHARGE", 175, 9825, payment_id)
    [intent] = await all_of(processor.intents_since(long_ago))
    assert (intent.processor_id, intent.captured_minor) == (payment_id, 10_000)

    sandbox.ahead_s = 3600
    since = datetime.fromtimestamp(sandbox.clock(), UTC)
    assert [await all_of(of(since)) for of in (processor.repayments_since, processor.intents_since)] == [[], []]
    assert await all_of(processor.disputes_since(since)) == []


async def test_that_a_failure_that_hid_a_payment_does_not_make_a_second_one(
    processor: StripeProcessor, sandbox: Sandbox
) -> None:
    somebody = await payer(processor)
    wish = somebody.wish(5000, "hold-1", first_asked_at=datetime.now(UTC))
    await sandbox.pull("faults", path="/v1/payment_intents", kind="500_after_execution")
    first = await processor.create_hold(wish)
    assert await processor.create_hold(wish) == first
    books = await sandbox.look("books")
    assert [intent["id"] for intent in books["payment_intents"]] == [first.processor_id]
