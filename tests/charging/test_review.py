"""A record that cannot be right charges nobody until somebody has looked at it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from emsp import clock
from emsp.charging.records.review import in_review, release_from_review
from emsp.charging.tables import ChargeRecord, ChargingSession
from emsp.charging.watching import watch
from emsp.db.engine import transaction
from emsp.errors import NotFound, Refused
from emsp.fleets.tables import FleetCharge
from emsp.loyalty.points import balance
from emsp.money import Money
from emsp.pricing.engine.price import Period
from tests.charging.conftest import END, START, Place
from tests.charging.outside import FakeCards
from tests.charging.saying import Jobs, books, now, receipt_of, record, report, run_jobs, say, timeline
from tests.graphql import rows

REASON = (
    "The operator's record of this charge cannot be right. 10000 kWh in 60 minutes is more than 22 kW can give. "
    "Nothing is charged until we looked at it."
)


async def reviewed(place: Place, cards: FakeCards, **facts: Any) -> ChargingSession:
    """A charge whose record tells a thousand times the energy, or whatever else is told."""
    session = await place.held(cards, state="ENDED")
    await say(place, record(session, **({"energy_wh": 10_000_000} | facts)))
    await run_jobs()
    return session


async def test_that_nothing_is_charged_and_the_money_stays_held(place: Place, cards: FakeCards) -> None:
    session = await reviewed(place, cards)
    found = await now(session)
    assert (found.state, found.state_reason) == ("IN_REVIEW", REASON)
    assert (await receipt_of(session), await books(), cards.taken()) == (None, {}, [])
    assert cards.intents["pi_0"].status == "REQUIRES_CAPTURE"
    assert await timeline(session) == ["The operator's record of the charge arrived.", REASON]


async def test_that_a_fleet_is_not_charged_either(place: Place) -> None:
    async with transaction() as db:
        fleet = await rows.fleet(db, place.driver)
    session = await place.session(state="ENDED", fleet_id=fleet.id)
    await say(place, record(session, energy_wh=10_000_000))
    await run_jobs()
    async with transaction() as db:
        assert (await db.execute(FleetCharge.__table__.select())).all() == []  # type: ignore[attr-defined]

    await release_from_review(session.id, accept=True)
    await run_jobs()
    async with transaction() as db:
        [charge] = (await db.execute(FleetCharge.__table__.select())).all()  # type: ignore[attr-defined]
    assert (charge.total_minor, (await now(session)).state) == (544_500, "SETTLED")


@pytest.mark.parametrize(
    "facts",
    [
        {"currency": "EURO"},
        {"ended_at": START + timedelta(days=400)},
        {"started_at": START - timedelta(hours=2)},
        {"net": "-4.50"},
        {"periods": [Period(START, END, Decimal(-5)), Period(START, END, Decimal(9_000))]},
    ],
)
async def test_that_whatever_cannot_be_is_looked_at(place: Place, cards: FakeCards, facts: dict[str, Any]) -> None:
    session = await reviewed(place, cards, **({"energy_wh": 10_000} | facts))
    assert ((await now(session)).state, await books(), cards.taken()) == ("IN_REVIEW", {}, [])


async def test_that_nothing_moves_it_but_a_person(place: Place, cards: FakeCards, waiting_jobs: Jobs) -> None:
    session = await reviewed(place, cards)
    async with transaction() as db:
        [row] = (await db.execute(ChargeRecord.__table__.select())).all()  # type: ignore[attr-defined]
        await db.execute(
            ChargeRecord.__table__.update().values(created_at=clock.now() - timedelta(days=1))  # type: ignore[attr-defined]
        )
    await say(
        place,
        report(session, "ACTIVE", minutes=90),
        report(session, "COMPLETED", minutes=91),
        report(session, "INVALID", minutes=92),
        record(session, energy_wh=10_000_000),
    )
    await watch.take_up_again()
    assert ((await now(session)).state, await waiting_jobs(), row.session_id) == ("IN_REVIEW", [], session.id)


async def test_that_accepting_bills_the_record_as_it_is(place: Place, cards: FakeCards) -> None:
    session = await reviewed(place, cards)
    year = clock.now().year
    said = await release_from_review(session.id, accept=True)
    assert said == f"We looked at the operator's record: it is right. Receipt VOLT-{year}-000001."
    await run_jobs()
    assert (await now(session)).state == "SETTLED"
    assert cards.taken() == [2000, 542_500]
    assert await books() == {
        "driver": 0,
        "revenue": -450_000,
        "tax": -94_500,
        "processor_clearing": 544_500,
        "energy_cost": 450,
        "cpo": -450,
    }


async def test_that_rejecting_ends_it_without_a_bill_and_gives_the_money_back(place: Place, cards: FakeCards) -> None:
    session = await reviewed(place, cards)
    said = await release_from_review(session.id, accept=False)
    await run_jobs()
    found = await now(session)
    assert (found.state, found.state_reason) == ("FAILED", said)
    assert said == "We looked at the operator's record: it is wrong, and this charge costs you nothing."
    assert (cards.intents["pi_0"].status, cards.taken(), await books()) == ("CANCELED", [], {})
    async with transaction() as db:
        assert await balance(db, place.driver.id) == 0

    await say(place, record(session, external_id="C2"))
    await run_jobs()
    assert ((await now(session)).state, cards.taken()) == ("FAILED", [])


async def test_that_a_better_record_of_the_operator_settles_it(place: Place, cards: FakeCards) -> None:
    session = await reviewed(place, cards)
    await say(place, record(session, external_id="C2"))
    await run_jobs()
    assert ((await now(session)).state, cards.taken()) == ("SETTLED", [545])
    assert (await now(session)).energy_wh == 10_000
    assert "The operator sent a record that can be billed." in await timeline(session)
    with pytest.raises(Refused, match="not in review but SETTLED"):
        await release_from_review(session.id, accept=True)


async def test_that_another_record_as_bad_changes_nothing(place: Place, cards: FakeCards) -> None:
    session = await reviewed(place, cards)
    await say(place, record(session, external_id="C2", energy_wh=20_000_000))
    await run_jobs()
    assert ((await now(session)).state, cards.taken(), await books()) == ("IN_REVIEW", [], {})


@pytest.mark.parametrize("facts", [{"currency": "EURO"}, {"net": "-4.50"}])
async def test_that_what_is_no_money_cannot_be_accepted(place: Place, cards: FakeCards, facts: dict[str, Any]) -> None:
    session = await reviewed(place, cards, **facts)
    with pytest.raises(Refused) as refused:
        await release_from_review(session.id, accept=True)
    assert refused.value.code == "NOT_BILLABLE"
    assert ((await now(session)).state, await books()) == ("IN_REVIEW", {})


async def test_that_support_sees_what_waits(place: Place, cards: FakeCards) -> None:
    session = await reviewed(place, cards)
    [waiting] = await in_review()
    assert (waiting.session_id, waiting.station, waiting.record) == (session.id, "Station 1", "C1")
    assert (waiting.reason, waiting.energy_wh, waiting.asked) == (REASON, 10_000_000, Money(450, "EUR"))


async def test_that_only_a_charge_can_be_released(place: Place) -> None:
    with pytest.raises(NotFound):
        await release_from_review(place.driver.id, accept=True)
