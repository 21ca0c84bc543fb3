"""What the operator reports moves a charge along its lifecycle, and nowhere else."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlmodel import select

from emsp import clock
from emsp.charging import read
from emsp.charging.billing import settle
from emsp.charging.tables import ChargeRecord
from emsp.charging.watching import watch
from emsp.db.engine import transaction
from emsp.pricing.engine.price import Period
from tests.charging.conftest import END, START, Place
from tests.charging.saying import Jobs, now, record, report, say


async def settle_all() -> int:
    """Run the job for every record there is; how many there are."""
    async with transaction() as db:
        ids = list((await db.execute(select(ChargeRecord.id))).scalars())
    for record_id in ids:
        await settle.settle_charge(record_id)
    return len(ids)


@pytest.mark.parametrize("state", ["COMMAND_SENT", "AWAITING_PLUG", "START_UNCONFIRMED"])
async def test_that_a_session_that_appears_is_taken_up_from_wherever_the_start_waits(place: Place, state: str) -> None:
    session = await place.session(state=state, energy_wh=0)
    await say(place, report(session, "ACTIVE", minutes=5))
    found = await now(session)
    assert (found.state, found.energy_wh, found.external_id) == ("CHARGING", 500, "S1")
    assert found.cost_so_far_minor == 27  # 0.5 kWh at 0.45 and 21 % VAT


async def test_that_an_older_report_changes_nothing(place: Place) -> None:
    session = await place.session(state="AWAITING_PLUG", energy_wh=0)
    await say(place, report(session, "ACTIVE", minutes=30), report(session, "ACTIVE", minutes=10))
    assert (await now(session)).energy_wh == 3000


async def test_that_a_clock_that_runs_backwards_loses_no_charge(place: Place) -> None:
    session = await place.session(state="COMMAND_SENT", energy_wh=0)
    pending = report(session, "PENDING", updated_at=START + timedelta(hours=2))
    await say(place, pending, report(session, "ACTIVE", minutes=30))
    assert ((found := await now(session)).state, found.energy_wh) == ("CHARGING", 3000)
    await say(place, report(session, "ACTIVE", minutes=10))
    assert (await now(session)).energy_wh == 3000
    await say(place, report(session, "COMPLETED", minutes=40))
    assert ((found := await now(session)).state, found.energy_wh) == ("ENDED", 4000)


@pytest.mark.parametrize(("asked_s_ago", "state"), [(10, "STOPPING"), (180, "CHARGING")])
async def test_that_a_stop_without_effect_is_told_after_a_while(place: Place, asked_s_ago: int, state: str) -> None:
    asked_at = clock.now() - timedelta(seconds=asked_s_ago)
    session = await place.session(state="STOPPING", stop_requested_at=asked_at, external_key="s1", external_id="S1")
    await say(place, report(session, "ACTIVE", minutes=30))
    found = await now(session)
    assert found.state == state
    assert ("unplug" in (found.state_reason or "")) == (state == "CHARGING")


async def test_that_a_late_report_does_not_reopen_what_is_over(place: Place) -> None:
    session = await place.session(state="CHARGING")
    await say(place, report(session, "COMPLETED", minutes=60), report(session, "ACTIVE", minutes=61))
    assert (await now(session)).state == "ENDED"


async def test_that_a_start_told_to_have_failed_is_stopped_and_never_billed(place: Place, waiting_jobs: Jobs) -> None:
    session = await place.session(state="FAILED", energy_wh=0)
    await say(place, report(session, "ACTIVE", minutes=1))
    assert await waiting_jobs() == ["charging.stop.send_stop"]

    await say(place, record(session))
    await settle_all()

    assert (await now(session)).state == "FAILED"
    async with transaction() as db:
        assert await read.receipts_of(db, [session.id]) == {}


async def test_that_a_session_of_somebody_else_is_not_taken_for_ours(place: Place) -> None:
    session = await place.session(state="COMMAND_SENT")
    await say(place, report(session, "ACTIVE", authorization_reference="other", external_id="S9"))
    assert (await now(session)).state == "COMMAND_SENT"


async def test_that_a_record_is_billed_once_with_numbers_without_gaps(place: Place) -> None:
    sessions = [
        await place.session(state="CHARGING"),
        await place.session(state="ENDED"),
    ]
    for number, session in enumerate(sessions):
        for _ in range(2):
            await say(place, record(session, external_id=f"C{number}"))
    assert await settle_all() == await settle_all() == 2

    async with transaction() as db:
        receipts = await read.receipts_of(db, [session.id for session in sessions])
    year = clock.now().year
    assert sorted(receipt.number for receipt in receipts.values()) == [f"VOLT-{year}-000001", f"VOLT-{year}-000002"]
    assert {(receipt.net_minor, receipt.total_minor) for receipt in receipts.values()} == {(450, 545)}
    assert {receipt.verification["result"] for receipt in receipts.values()} == {"AGREES"}


@pytest.mark.parametrize(
    ("asked", "verdict"), [("4.50", "AGREES"), ("4.51", "WITHIN_TOLERANCE"), ("4.52", "DIFFERS"), ("9.00", "DIFFERS")]
)
async def test_that_the_driver_pays_the_quoted_rule_whatever_the_operator_asks(
    place: Place, asked: str, verdict: str
) -> None:
    session = await place.session(state="ENDED")
    await say(place, record(session, net=asked))
    await settle_all()

    async with transaction() as db:
        receipt = (await read.receipts_of(db, [session.id]))[session.id]
    assert receipt.total_minor == 545
    facts = {"result": verdict, "reason": None, "asked": asked, "computed": "4.50", "currency": "EUR"}
    assert receipt.verification | facts == receipt.verification
    assert [check["verdict"] for check in receipt.verification["checks"]] == ["NOT_CHECKABLE", verdict]
    assert receipt.verification["claimed"] == (verdict == "DIFFERS")


async def test_that_periods_in_watt_hours_are_not_billed_a_thousand_times(place: Place) -> None:
    session = await place.session(state="ENDED")
    inflated = [Period(START, END, Decimal(10_000_000), charging_s=Decimal(3600))]
    await say(place, record(session, periods=inflated))
    await settle_all()
    assert (await now(session)).state == "IN_REVIEW"
    async with transaction() as db:
        assert await read.receipts_of(db, [session.id]) == {}


async def test_that_what_got_stuck_is_taken_up_again(place: Place, waiting_jobs: Jobs) -> None:
    long_ago = clock.now() - timedelta(hours=1)
    await place.session(state="REQUESTED", updated_at=long_ago)
    await watch.take_up_again()
    assert await waiting_jobs() == ["charging.start.secure_payment"]


async def test_that_what_goes_its_way_is_left_alone(place: Place, waiting_jobs: Jobs) -> None:
    await place.session(state="REQUESTED")
    await watch.take_up_again()
    assert await waiting_jobs() == []
