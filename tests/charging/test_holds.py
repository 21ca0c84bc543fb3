"""The money for a charge from its start to its bill: set apart, held, raised, lapsed, released, captured."""

from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import col, update

from emsp import clock
from emsp.charging.allowed.securing import hold_for
from emsp.charging.billing.collect import collect_payment
from emsp.charging.billing.raising import cost_grew, raise_hold, raised
from emsp.charging.happened import StartFailed
from emsp.charging.start import release_hold, secure_payment
from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.errors import Declined, ProcessorFailed
from emsp.events import emit
from emsp.money import Money
from emsp.payments import balance, hold, refund
from emsp.payments.policy import PaymentPolicy
from emsp.payments.tables import Customer, Hold
from tests.charging.conftest import START, Place
from tests.charging.outside import FakeCards, FakeNetwork
from tests.charging.owing import moved, on_the_balance, set_cap, set_policy, the_charge, the_hold
from tests.charging.saying import books, now, receipt_of, receipts_of, record, run_jobs, say, timeline, unbalanced
from tests.charging.test_corrections import credit, eight
from tests.graphql import rows

PAID = {"driver": 0, "revenue": -450, "tax": -95, "processor_clearing": 545, "energy_cost": 450, "cpo": -450}
BEYOND = "is not raised any further; what the charge costs beyond it is charged when the bill is known."


async def asked_for(place: Place, **facts: object) -> ChargingSession:
    """A charge that was asked for just now, by a driver with a card; it may cost 6.81 EUR."""
    async with transaction() as db:
        card = await rows.card(db, place.driver)
        await rows.added(db, Customer(driver_id=place.driver.id, processor_id="cus_1"))
    wish = {"state": "REQUESTED", "created_at": clock.now(), "payment_method_id": card.id, "energy_wh": 0}
    return await place.session(**(wish | {"cost_so_far_minor": None, "started_at": None} | facts))


async def running(place: Place, cards: FakeCards, *, held_minor: int, cost_minor: int) -> ChargingSession:
    """A running charge, and what it costs so far."""
    session = await place.held(cards, amount_minor=held_minor)
    await costs(session, cost_minor)
    return session


async def costs(session: ChargingSession, cost_minor: int) -> None:
    """The operator told what was measured, and it comes to so much."""
    await moved(session.id, cost_so_far_minor=cost_minor)
    async with transaction() as db:
        await cost_grew(db, await db.get_one(ChargingSession, session.id))
    await run_jobs()


async def billed(place: Place, session: ChargingSession) -> None:
    """The charge ends, and costs 5.45 EUR."""
    await moved(session.id, state="ENDED", created_at=START - timedelta(minutes=5))
    await say(place, record(session))
    await run_jobs()


async def test_that_the_worst_case_is_held_once_however_often_it_is_asked_for(
    place: Place, cards: FakeCards, network: FakeNetwork
) -> None:
    session = await asked_for(place)

    for _ in range(3):
        await secure_payment(session.id)

    [intent] = cards.intents.values()
    assert (intent.amount_minor, intent.status, (await the_hold()).state) == (681, "REQUIRES_CAPTURE", "HELD")
    assert (await timeline(session)).count("6.81 EUR is held on your card.") == 1


async def test_that_no_more_is_held_than_the_brand_allows(place: Place, cards: FakeCards) -> None:
    await set_cap(place, 500)
    session = await asked_for(place)

    await secure_payment(session.id)

    assert [intent.amount_minor for intent in cards.intents.values()] == [500]


async def test_that_an_answer_that_gets_lost_does_not_hold_twice(place: Place, cards: FakeCards) -> None:
    session = await asked_for(place)
    cards.times_out = ["confirm"]
    with pytest.raises(ProcessorFailed):
        await secure_payment(session.id)

    await secure_payment(session.id)

    assert [intent.amount_minor for intent in cards.intents.values()] == [681]
    assert len(cards.asked) == 1
    assert (await now(session)).state == "REQUESTED"


@pytest.mark.parametrize(("asks", "state"), [({False}, "HELD"), ({True, False}, "DECLINED")])
async def test_that_a_bank_that_asks_at_the_start_is_told_that_the_driver_agreed_before(
    place: Place, cards: FakeCards, asks: set[bool], state: str
) -> None:
    cards.authenticates = asks
    session = await asked_for(place)

    await secure_payment(session.id)

    [intent] = cards.intents.values()
    assert (await the_hold()).state == state
    assert intent.status == ("REQUIRES_CAPTURE" if state == "HELD" else "CANCELED")
    assert ((await now(session)).state == "FAILED") is (state == "DECLINED")


async def test_that_the_balance_goes_first_and_the_card_holds_the_rest(place: Place, cards: FakeCards) -> None:
    await on_the_balance(place, 300)
    session = await asked_for(place)

    await secure_payment(session.id)

    assert [intent.amount_minor for intent in cards.intents.values()] == [381]
    async with transaction() as db:
        assert await balance.available(db, place.driver.id, "EUR") == Money(0, "EUR")
    await billed(place, session)
    assert (cards.taken(), (await now(session)).state) == ([245], "SETTLED")
    assert await books() == {**PAID, "processor_clearing": 545, "prepaid": 0}
    receipt = await receipt_of(session)
    assert receipt
    assert receipt.paid_minor == 545


async def test_that_a_start_that_failed_gives_all_of_it_back_at_once(place: Place, cards: FakeCards) -> None:
    await on_the_balance(place, 300)
    session = await asked_for(place)
    await secure_payment(session.id)
    await moved(session.id, state="FAILED")
    async with transaction() as db:
        await emit(db, StartFailed(session_id=session.id))

    await run_jobs()
    await release_hold(session.id)

    assert ([intent.status for intent in cards.intents.values()], cards.taken()) == (["CANCELED"], [])
    async with transaction() as db:
        assert await balance.available(db, place.driver.id, "EUR") == Money(300, "EUR")
    assert (await timeline(session))[-2:] == [
        "The hold of 3.81 EUR was released.",
        "The 3.00 EUR of your balance is free again.",
    ]


async def test_that_a_balance_that_covers_it_all_needs_no_hold(place: Place, cards: FakeCards) -> None:
    await on_the_balance(place, 1000)
    session = await asked_for(place)

    await secure_payment(session.id)
    await billed(place, session)

    assert (cards.intents, (await now(session)).state) == ({}, "SETTLED")
    assert (await books())["prepaid"] == -455


@pytest.mark.parametrize(("paid_in", "works"), [(681, True), (680, False)])
async def test_that_prepaid_charges_need_the_worst_case_on_the_balance(
    place: Place, cards: FakeCards, network: FakeNetwork, paid_in: int, works: bool
) -> None:
    await on_the_balance(place, paid_in)
    session = await asked_for(place, payment_flow="PREPAID", payment_method_id=None)

    await secure_payment(session.id)
    await run_jobs()

    assert (await now(session)).state == ("COMMAND_SENT" if works else "FAILED")
    async with transaction() as db:
        assert await balance.available(db, place.driver.id, "EUR") == Money(0 if works else 680, "EUR")
    if not works:
        reason = "The payment was not authorised: your balance does not cover the 6.81 EUR that it may cost"
        assert (await now(session)).state_reason == reason
        return
    await billed(place, session)
    assert ((await now(session)).state, (await books())["prepaid"], cards.intents) == ("SETTLED", -136, {})


async def test_that_a_prepaid_charge_beyond_the_balance_is_due_and_no_card_is_charged_unasked(
    place: Place, cards: FakeCards
) -> None:
    await on_the_balance(place, 400)
    session = await asked_for(place, payment_flow="PREPAID")

    await billed(place, session)

    assert ((await now(session)).state, cards.intents) == ("PAYMENT_DUE", {})
    assert (
        await now(session)
    ).state_reason == "Your balance does not cover all of it: 1.45 EUR is due; pay it in the app."
    assert (await books())["driver"] == 145


async def test_that_a_charge_paid_after_the_bill_holds_nothing(place: Place, cards: FakeCards) -> None:
    session = await asked_for(place, payment_flow="AFTER")

    await secure_payment(session.id)
    assert cards.intents == {}
    await billed(place, session)

    assert (cards.taken(), (await now(session)).state, await books()) == ([545], "SETTLED", PAID)
    assert (await the_charge()).state == "PAID"


async def test_that_a_running_charge_can_be_held_for_and_a_refusal_does_not_end_it(
    place: Place, cards: FakeCards
) -> None:
    session = await asked_for(place, state="CHARGING")
    assert await hold_for(session.id) == Money(681, "EUR")
    assert await hold_for(session.id) == Money(681, "EUR")
    assert (len(cards.intents), (await now(session)).state) == (1, "CHARGING")


async def test_that_a_hold_is_raised_when_the_cost_comes_near_it(place: Place, cards: FakeCards) -> None:
    session = await running(place, cards, held_minor=400, cost_minor=319)
    assert (cards.asked, (await the_hold()).amount_minor) == ([], 400)

    await costs(session, 320)
    await raise_hold(session.id)

    placed = await the_hold()
    assert (cards.asked, placed.amount_minor, placed.increments) == (["increment 600"], 600, 1)
    told = "6.00 EUR is held on your card now, as the charge comes near what was held."
    assert (await timeline(session)).count(told) == 1
    await billed(place, session)
    assert (cards.taken(), await books()) == ([545], PAID)


async def test_that_a_bank_that_holds_no_more_is_asked_once(place: Place, cards: FakeCards) -> None:
    cards.refuses_increments = True
    session = await running(place, cards, held_minor=400, cost_minor=390)

    for cost_minor in (400, 450, 500):
        await costs(session, cost_minor)

    assert cards.asked == ["increment 600"]
    assert [text for text in await timeline(session) if BEYOND in text] == [f"The hold of 4.00 EUR {BEYOND}"]
    await billed(place, session)
    assert (cards.taken(), (await now(session)).state, await books()) == ([400, 145], "SETTLED", PAID)


async def test_that_an_increment_whose_answer_got_lost_is_found(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, amount_minor=400, cost_so_far_minor=390)
    cards.times_out = ["increment"]
    with pytest.raises(ProcessorFailed):
        await raise_hold(session.id)

    await raise_hold(session.id)

    assert (cards.asked, (await the_hold()).amount_minor) == (["increment 600"], 600)


async def test_that_a_hold_is_raised_ten_times_and_never_above_the_cap(place: Place, cards: FakeCards) -> None:
    await set_policy(place, raise_by_percent=10)
    await set_cap(place, 900)
    session = await running(place, cards, held_minor=400, cost_minor=0)
    for _ in range(12):
        await costs(session, (await the_hold()).amount_minor)

    assert [int(asked.split()[1]) for asked in cards.asked] == [440, 484, 533, 587, 646, 711, 783, 862, 900]
    assert [text for text in await timeline(session) if BEYOND in text] == [f"The hold of 9.00 EUR {BEYOND}"]

    await set_cap(place, 100_000)
    for _ in range(3):
        await costs(session, (await the_hold()).amount_minor)
    assert (len(cards.asked), (await the_hold()).increments) == (10, 10)


@given(
    cost=st.integers(0, 50_000),
    held=st.integers(1, 15_000),
    reserved=st.integers(0, 20_000),
    cap=st.integers(1, 20_000),
    at=st.integers(1, 100),
    by=st.integers(1, 300),
)
@settings(max_examples=300)
def test_that_raising_stays_between_what_is_held_and_the_cap(
    cost: int, held: int, reserved: int, cap: int, at: int, by: int
) -> None:
    policy = PaymentPolicy(raise_at_percent=at, raise_by_percent=by)
    wanted = raised(policy, cost_minor=cost, held_minor=held, reserved_minor=reserved, cap_minor=cap)

    if wanted is None:
        assert cost * 100 < (held + reserved) * at
    else:
        assert held <= wanted <= max(held, cap)
        assert wanted in (held, cap) or wanted + reserved > cost


@pytest.mark.parametrize("told", [True, False])
async def test_that_a_lapsed_hold_is_replaced_by_a_charge(place: Place, cards: FakeCards, told: bool) -> None:
    session = await place.held(cards, amount_minor=2000)
    cards.lapse("pi_0")
    if told:
        for _ in range(2):
            await hold.intent_changed("pi_0")
        await run_jobs()
        text = "Your bank has ended the hold; what the charge costs is charged when the bill is known."
        assert (await timeline(session)).count(text) == 1

    await billed(place, session)

    assert (cards.taken(), (await now(session)).state, await books()) == ([545], "SETTLED", PAID)
    assert ((await the_hold()).state, (await the_hold()).failure) == ("RELEASED", "it had lapsed")


async def test_that_a_hold_past_its_time_is_looked_up(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, amount_minor=2000)
    async with transaction() as db:
        await db.execute(update(Hold).values(releases_at=clock.now() - timedelta(hours=1)))
    await hold.look_for_lapsed()
    assert (await the_hold()).state == "HELD", "the processor has not ended it yet"

    cards.lapse("pi_0")
    await hold.look_for_lapsed()
    await run_jobs()

    assert (await the_hold()).state == "RELEASED"
    assert (await timeline(session))[-1].startswith("Your bank has ended the hold")


async def test_that_a_capture_whose_answer_got_lost_is_taken_in_once(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, amount_minor=2000, state="ENDED")
    cards.times_out = ["capture"]
    await say(place, record(session))
    await run_jobs()
    for _ in range(2):
        await hold.intent_changed("pi_0")
        receipt = await receipt_of(session)
        assert receipt
        await collect_payment(receipt.id)

    assert (cards.taken(), (await now(session)).state, await books()) == ([545], "SETTLED", PAID)


async def test_that_a_hold_released_while_it_is_placed_holds_nothing(place: Place, cards: FakeCards) -> None:
    session = await asked_for(place)
    async with transaction() as db:
        opened = await hold.open_hold(
            db,
            reference=str(session.id),
            driver_id=place.driver.id,
            payment_method_id=session.payment_method_id or uuid4(),
            amount=Money(681, "EUR"),
        )
    await hold.release(str(session.id))
    with pytest.raises(Declined):
        await hold.place(opened.id)

    assert [intent.status for intent in cards.intents.values()] in ([], ["CANCELED"])


async def test_that_a_hold_that_shows_up_after_its_release_is_called_off(place: Place, cards: FakeCards) -> None:
    await place.held(cards, amount_minor=2000)
    async with transaction() as db:
        await db.execute(update(Hold).where(col(Hold.state) == "HELD").values(state="RELEASED"))

    await hold.intent_changed("pi_0")

    assert cards.intents["pi_0"].status == "CANCELED"


async def test_that_a_remainder_of_cents_is_given_up_and_told(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, amount_minor=500, state="ENDED")

    await say(place, record(session))
    await run_jobs()

    assert ((await now(session)).state, (await now(session)).state_reason) == ("SETTLED", "Paid: 5.00 EUR.")
    assert "0.45 EUR is too little to be charged to a card; you need not pay it." in await timeline(session)
    assert (cards.taken(), list(cards.intents)) == ([500], ["pi_0"])
    assert await books() == {**PAID, "processor_clearing": 500, "receivable_written_off": 45}

    await say(place, eight(session))
    await run_jobs()
    assert (cards.given_back(), await books()) == (
        [64],
        {**PAID, "revenue": -360, "tax": -76, "processor_clearing": 436, "energy_cost": 360, "cpo": -360}
        | {"receivable_written_off": 0},
    )


async def test_that_an_amount_that_the_processor_finds_too_small_is_given_up(place: Place, cards: FakeCards) -> None:
    cards.smallest_minor = 100
    session = await place.held(cards, amount_minor=480, state="ENDED")

    await say(place, record(session))
    await run_jobs()

    assert ((await now(session)).state, cards.taken()) == ("SETTLED", [480])
    assert (await the_charge()).state == "CANCELED"
    assert (await books())["receivable_written_off"] == 65


async def test_that_money_goes_back_by_the_ways_it_came(place: Place, cards: FakeCards) -> None:
    await on_the_balance(place, 100)
    session = await place.held(cards, amount_minor=200, state="ENDED")
    await say(place, record(session))
    await run_jobs()
    assert cards.taken() == [200, 245], "what the balance did not pay"

    await say(place, credit(session))
    await run_jobs()

    assert (cards.given_back(), (await books())["prepaid"]) == ([245, 200], -100)
    assert "Given back to your balance: 1.00 EUR." in await timeline(session)
    assert [receipt.paid_minor for receipt in await receipts_of(session)] == [545, -545]
    assert ((await books())["driver"], await unbalanced()) == (0, {})


async def test_that_money_that_comes_back_from_a_closed_card_is_booked(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, state="ENDED")
    await say(place, record(session))
    await run_jobs()
    await say(place, eight(session))
    await run_jobs()
    assert (cards.given_back(), (await books())["driver"]) == ([109], 0)
    [(reference, made)] = cards.repayments.items()

    cards.repayments[reference] = type(made)(**{**made_facts(made), "status": "FAILED", "failure": "closed card"})
    for _ in range(2):
        await refund.repayment_changed(made.processor_id)
    await run_jobs()

    assert [receipt.paid_minor for receipt in await receipts_of(session)] == [545, 0]
    assert ((await books())["driver"], (await books())["processor_clearing"]) == (-109, 545)
    assert (await timeline(session))[
        -1
    ] == "1.09 EUR could not be given back to your card; our support takes care of it."


def made_facts(made: object) -> dict[str, object]:
    return {name: getattr(made, name) for name in made.__struct_fields__}  # type: ignore[attr-defined]
