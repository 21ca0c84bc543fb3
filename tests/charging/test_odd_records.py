"""What operators send twice, in an odd order or too late changes neither receipt, payment nor books."""

from datetime import timedelta
from decimal import Decimal

import pytest

from emsp.charging.tables import ChargingSession
from emsp.db.engine import transaction
from emsp.loyalty.points import balance
from emsp.pricing.engine.price import Period
from tests.charging.conftest import END, START, Place
from tests.charging.outside import FakeCards
from tests.charging.saying import books, now, receipt_of, record, report, run_jobs, say, timeline

PAID = {"driver": 0, "revenue": -450, "tax": -95, "processor_clearing": 545, "energy_cost": 450, "cpo": -450}
"""The books of a charge of 4.50 EUR and 21 % VAT that is billed, bought and paid."""


async def assert_paid_once(place: Place, session: ChargingSession, cards: FakeCards) -> None:
    """Billed, booked, paid and counted exactly once: ten kilowatt-hours for 5.45 EUR, and ten points."""
    receipt = await receipt_of(session)
    assert receipt is not None
    assert (receipt.net_minor, receipt.total_minor, receipt.paid_minor) == (450, 545, 545)
    assert (await books(), cards.taken()) == (PAID, [545])
    found = await now(session)
    assert (found.state, found.energy_wh, found.ended_at) == ("SETTLED", 10_000, END)
    assert found.cost_so_far_minor == 545
    async with transaction() as db:
        assert await balance(db, place.driver.id) == 10


async def settled(place: Place, cards: FakeCards) -> ChargingSession:
    session = await place.held(cards, state="CHARGING", external_id="S1", external_key="s1")
    await say(place, report(session, "COMPLETED", minutes=60, ended_at=END), record(session))
    await run_jobs()
    return session


async def test_that_the_same_record_again_is_not_even_told(place: Place, cards: FakeCards) -> None:
    session = await settled(place, cards)
    before = await timeline(session)
    await say(place, record(session), record(session, updated_at=END + timedelta(days=1)), record(session))
    await run_jobs()
    await assert_paid_once(place, session, cards)
    assert await timeline(session) == before


@pytest.mark.parametrize("status", ["PENDING", "ACTIVE", "COMPLETED", "INVALID", "RESERVATION", "UNKNOWN"])
async def test_that_a_session_after_the_record_changes_nothing(place: Place, cards: FakeCards, status: str) -> None:
    session = await settled(place, cards)
    await say(place, report(session, status, minutes=90), report(session, status, minutes=91, external_id="S2"))
    await run_jobs()
    await assert_paid_once(place, session, cards)
    assert (await now(session)).external_id == "S1"


@pytest.mark.parametrize(
    "order",
    [
        ("ACTIVE 5", "COMPLETED 60", "RECORD"),
        ("COMPLETED 60", "ACTIVE 5", "RECORD"),
        ("COMPLETED 60", "PENDING 1", "ACTIVE 70", "RECORD"),
        ("RECORD", "PENDING 1", "ACTIVE 5", "COMPLETED 60"),
        ("ACTIVE 30", "ACTIVE 5", "RECORD", "COMPLETED 60"),
        ("ACTIVE 50", "COMPLETED 20", "RECORD"),
        ("RECORD", "RECORD"),
    ],
)
async def test_that_the_order_of_what_is_told_makes_no_difference_to_the_money(
    place: Place, cards: FakeCards, order: tuple[str, ...]
) -> None:
    session = await place.held(cards, state="AWAITING_PLUG", energy_wh=0, started_at=None, cost_so_far_minor=None)
    for said in order:
        status, _, minutes = said.partition(" ")
        await say(place, record(session) if status == "RECORD" else report(session, status, minutes=int(minutes)))
    await run_jobs()
    await assert_paid_once(place, session, cards)


async def test_that_an_operator_that_takes_its_session_back_bills_nothing(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, state="CHARGING")
    await say(place, report(session, "INVALID", minutes=5), record(session, energy_wh=5000))
    await run_jobs()
    assert ((await now(session)).state, await receipt_of(session), await books()) == ("FAILED", None, {})
    assert (cards.taken(), cards.intents["pi_0"].status) == ([], "CANCELED")


async def test_that_periods_that_make_no_sense_do_not_hide_a_running_charge(place: Place) -> None:
    session = await place.session(state="AWAITING_PLUG", energy_wh=0, started_at=None)
    backwards = [Period(END, START, Decimal(100))]
    await say(place, report(session, "ACTIVE", minutes=5, periods=backwards))
    found = await now(session)
    assert (found.state, found.energy_wh, found.cost_so_far_minor) == ("CHARGING", 500, None)
