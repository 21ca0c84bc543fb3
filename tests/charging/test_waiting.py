"""A start that waits for the plug does not wait for ever, in whatever order the operator speaks."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from emsp import clock
from emsp.charging import start
from emsp.charging.ports import StopCommand
from emsp.charging.tables import ChargingSession
from emsp.charging.watching import watch
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound, PartnerAway, PartnerFailed
from tests.charging.conftest import Place
from tests.charging.outside import FakeCards, FakeNetwork
from tests.charging.saying import Jobs, now, receipt_of, record, report, run_jobs, say, timeline


async def hear(place: Place, session: ChargingSession, *said: str) -> None:
    """The operator's result of the start, and its session as it stands, in the order given."""
    for minute, word in enumerate(said):
        if word == "ACCEPTED":
            async with transaction() as db:
                await start.start_answered(db, session.id, word, None)
        else:
            await say(place, report(session, word, minutes=minute))


async def give_up(session: ChargingSession) -> None:
    """The time that a start waits for the plug goes by, and the job that gives it up runs."""
    async with transaction() as db:
        row = await db.get_one(ChargingSession, session.id)
        row.state_since = row.state_since - timedelta(hours=1)
        found = await db.execute(
            text("SELECT count(*) FROM procrastinate_jobs WHERE task_name LIKE '%give_up_start' AND status = 'todo'")
        )
        assert found.scalar_one() >= 1
    await start.give_up_start(session.id)


@pytest.mark.parametrize(
    "said",
    [
        ("ACCEPTED",),
        ("PENDING",),
        ("ACCEPTED", "PENDING"),
        ("PENDING", "ACCEPTED"),
        ("PENDING", "PENDING", "PENDING"),
    ],
)
@pytest.mark.parametrize("state", ["COMMAND_SENT", "START_UNCONFIRMED"])
async def test_that_a_start_that_is_never_plugged_in_is_given_up_and_what_was_begun_is_stopped(
    place: Place, network: FakeNetwork, cards: FakeCards, state: str, said: tuple[str, ...]
) -> None:
    session = await place.held(cards, state=state, energy_wh=0, started_at=None)
    await hear(place, session, *said)
    assert (await now(session)).state == "AWAITING_PLUG"

    await give_up(session)
    await run_jobs()

    assert ((await now(session)).state, cards.intents["pi_0"].status) == ("FAILED", "CANCELED")
    stops = [command.external_session_id for command in network.commands if isinstance(command, StopCommand)]
    assert stops == (["S1"] if "PENDING" in said else [])
    assert await timeline(session) != []


async def test_that_a_start_that_nothing_is_heard_of_is_given_up(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, state="COMMAND_SENT", energy_wh=0, started_at=None)
    await start.doubt_start(session.id)
    await give_up(session)
    await run_jobs()
    assert ((await now(session)).state, cards.intents["pi_0"].status) == ("FAILED", "CANCELED")


async def test_that_a_pending_session_that_starts_after_it_was_given_up_is_stopped_again_and_not_billed(
    place: Place, network: FakeNetwork, cards: FakeCards
) -> None:
    session = await place.held(cards, state="COMMAND_SENT", energy_wh=0, started_at=None)
    await hear(place, session, "PENDING")
    await give_up(session)
    await run_jobs()
    assert len(network.commands) == 1

    await say(place, report(session, "ACTIVE", minutes=10), report(session, "ACTIVE", minutes=11))
    await run_jobs()
    assert len(network.commands) == 2

    await say(place, report(session, "COMPLETED", minutes=12), record(session, energy_wh=500))
    await run_jobs()
    assert ((await now(session)).state, await receipt_of(session), cards.taken()) == ("FAILED", None, [])
    assert "It started after all; it is being stopped and not billed." in await timeline(session)


async def test_that_a_late_start_that_runs_on_is_stopped_again_after_a_while(place: Place, waiting_jobs: Jobs) -> None:
    long_ago = clock.now() - timedelta(minutes=11)
    session = await place.session(state="FAILED", stop_requested_at=long_ago, stop_attempts=1)
    await say(place, report(session, "ACTIVE", minutes=20))
    assert await waiting_jobs() == ["charging.stop.send_stop"]


@pytest.mark.parametrize("result", ["FAILED", "REJECTED", "TIMEOUT", "EVSE_OCCUPIED"])
async def test_that_a_result_that_comes_after_the_session_began_does_not_end_it(
    place: Place, waiting_jobs: Jobs, result: str
) -> None:
    session = await place.session(state="COMMAND_SENT", energy_wh=0)
    await say(place, report(session, "ACTIVE", minutes=1))
    async with transaction() as db:
        await start.start_answered(db, session.id, result, None)
    assert ((await now(session)).state, await waiting_jobs()) == ("CHARGING", [])


async def test_that_a_wait_whose_job_got_lost_is_taken_up_again(place: Place, waiting_jobs: Jobs) -> None:
    long_ago = clock.now() - timedelta(hours=1)
    session = await place.session(state="AWAITING_PLUG", updated_at=long_ago, state_since=long_ago)
    await watch.take_up_again()
    assert await waiting_jobs() == ["charging.start.give_up_start"]
    await run_jobs()
    assert (await now(session)).state == "FAILED"


@pytest.mark.parametrize(
    "fault", [PartnerFailed("NL ABC cannot be reached now (OFFLINE)"), NotFound("no connection"), Invalid("too long")]
)
async def test_that_a_start_that_has_no_way_to_the_operator_fails_and_gives_the_money_back(
    place: Place, network: FakeNetwork, cards: FakeCards, fault: Exception
) -> None:
    session = await place.held(cards, state="REQUESTED", energy_wh=0, started_at=None)
    network.fault = fault
    await start.send_start(session.id)
    await run_jobs()
    found = await now(session)
    assert (found.state, found.state_reason) == ("FAILED", f"The operator could not take the start: {fault}")
    assert (cards.intents["pi_0"].status, cards.taken()) == ("CANCELED", [])


async def test_that_an_operator_that_is_away_is_asked_again_for_a_while(
    place: Place, network: FakeNetwork, cards: FakeCards, waiting_jobs: Jobs
) -> None:
    session = await place.held(cards, state="REQUESTED", energy_wh=0, started_at=None)
    network.fault = PartnerAway("nobody listens there")
    for _ in range(2):
        await start.send_start(session.id)
    found = await now(session)
    assert (found.state, found.command_attempts) == ("COMMAND_SENT", 0)
    assert await waiting_jobs() == ["charging.start.send_start"] * 2
    assert (await timeline(session)).count("The operator cannot be reached; it is asked again.") == 1
    assert cards.intents["pi_0"].status == "REQUIRES_CAPTURE"

    async with transaction() as db:
        row = await db.get_one(ChargingSession, session.id)
        row.state_since = row.state_since - start.ASKED_FOR
    await start.send_start(session.id)
    await run_jobs()
    found = await now(session)
    assert (found.state, cards.intents["pi_0"].status) == ("FAILED", "CANCELED")
    assert found.state_reason == "The operator could not take the start: nobody listens there"
