"""Watchdogs: a silent operator is asked, the driver is told once, support is called once, and nothing else happens."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
import typer
from sqlalchemy import text
from typer.testing import CliRunner

from emsp import clock
from emsp.charging.tables import ChargingSession
from emsp.charging.watching import ask
from emsp.cli import support_stuck
from emsp.db.engine import transaction
from emsp.errors import PartnerUnreachable, Refused
from tests.charging.conftest import END, Place
from tests.charging.outside import FakeNetwork
from tests.charging.saying import books, kept_records, now, record, report, run_jobs, say, timeline

FOR_ITS_RECORD = "We asked the operator for its record of this charge."
HOW_IT_STANDS = "The operator has told us nothing for a while; we asked it how the charge stands."


async def ended(place: Place, **facts: Any) -> ChargingSession:
    """A charge that ended eleven minutes ago, and of which no record came."""
    since = clock.now() - timedelta(minutes=11)
    return await place.session(state="ENDED", state_since=since, external_id="S1", external_key="s1", **facts)


async def asked_again(session: ChargingSession, **ago: float) -> None:
    """The last question was so long ago, and the charge has been as it is for longer."""
    async with transaction() as db:
        row = await db.get_one(ChargingSession, session.id)
        assert row.asked_at is not None
        row.asked_at = clock.now() - timedelta(**ago)
        row.state_since = min(row.state_since, row.asked_at - timedelta(minutes=11))
        row.updated_at = row.state_since


async def watch() -> None:
    """What runs every minute, and what it defers."""
    await ask.ask_about_the_silent()
    await run_jobs()


async def test_that_a_missing_record_is_asked_for_and_billed(place: Place, network: FakeNetwork) -> None:
    session = await ended(place)

    async def answer() -> None:
        await say(place, record(session))

    network.answers = answer
    await watch()

    [question] = network.asked
    assert question == {
        "partner_id": place.partner.id,
        "country_code": "NL",
        "party_id": "ABC",
        "external_session_id": "S1",
        "session_id": session.id,
        "since": session.created_at,
    }
    assert (await books())["revenue"] == -450
    told = await timeline(session)
    assert told[:2] == [FOR_ITS_RECORD, "The operator's record of the charge arrived."]
    await watch()
    assert len(network.asked) == 1


async def test_that_a_record_that_came_before_its_session_was_known_is_found(
    place: Place, network: FakeNetwork
) -> None:
    """It names the operator's session alone, of which we hear only now that we ask."""
    session = await place.session(state="ENDED", state_since=clock.now() - timedelta(minutes=11))
    nameless = {"authorization_reference": None, "session_external_id": "S1"}
    await say(place, record(session, **nameless))
    assert await kept_records() == {"C1": None}

    async def answer() -> None:
        await say(place, report(session, "COMPLETED", minutes=60, ended_at=END))

    network.answers = answer
    await watch()
    assert await kept_records() == {"C1": session.id}
    assert (await books())["revenue"] == -450


async def test_that_asking_alone_changes_nothing_but_what_the_driver_reads_once(
    place: Place, network: FakeNetwork
) -> None:
    session = await ended(place)
    await watch()
    await watch()
    assert len(network.asked) == 1
    await asked_again(session, hours=1)
    await watch()

    after = await now(session)
    assert (len(network.asked), after.asks, after.state) == (2, 2, "ENDED")
    assert await timeline(session) == [FOR_ITS_RECORD]
    assert await books() == {}


async def test_that_one_question_serves_all_charges_of_a_party(place: Place, network: FakeNetwork) -> None:
    first = await ended(place)
    second = await ended(place, created_at=clock.now() - timedelta(hours=1), started_at=None)
    fresh = await place.session(state="ENDED")
    await watch()

    [question] = network.asked
    assert question["session_id"] == first.id
    assert [(await now(one)).asks for one in (first, second, fresh)] == [1, 1, 0]


@pytest.mark.parametrize("fault", [PartnerUnreachable("no answer"), Refused("NOT_SUPPORTED", "no lists")])
async def test_that_support_is_called_once_when_asking_is_in_vain(
    place: Place, network: FakeNetwork, fault: Exception
) -> None:
    network.fault = fault
    session = await ended(place)
    await watch()
    assert await ask_support() == []
    for _ in range(4):
        await asked_again(session, days=2)
        await watch()

    assert (await now(session)).asks == 5
    assert await timeline(session) == [FOR_ITS_RECORD, ask.SUPPORT_LOOKS]
    [told] = await ask_support()
    assert (told["session"], told["state"], told["asked"]) == (str(session.id), "ENDED", 5)
    assert (told["party"], told["their_id"], told["energy_wh"]) == ("NL-ABC", "S1", 10_000)


async def test_that_a_silent_charge_is_asked_about_until_word_comes(place: Place, network: FakeNetwork) -> None:
    since = clock.now() - timedelta(minutes=16)
    session = await place.session(state="CHARGING", state_since=since, updated_at=since)
    await watch()
    assert await timeline(session) == [HOW_IT_STANDS]

    await asked_again(session, minutes=20)
    await say(place, report(session, "ACTIVE", minutes=30, updated_at=clock.now()))
    await watch()
    assert len(network.asked) == 1
    assert (await now(session)).state == "CHARGING"


async def test_that_an_operator_whose_clock_is_slow_is_not_silent(place: Place, network: FakeNetwork) -> None:
    """What it sends is an hour old by its own account, and has just come by ours."""
    long_ago = clock.now() - timedelta(hours=1)
    await place.session(
        state="CHARGING",
        state_since=long_ago,
        source_updated_at=long_ago,
        updated_at=clock.now() - timedelta(minutes=1),
    )
    await watch()
    assert network.asked == []


async def test_that_a_lost_start_is_found_before_it_is_given_up(place: Place, network: FakeNetwork) -> None:
    since = clock.now() - timedelta(seconds=110)
    session = await place.session(
        state="START_UNCONFIRMED", state_since=since, updated_at=since, started_at=None, command_attempts=1
    )

    async def answer() -> None:
        await say(place, report(session, "ACTIVE", minutes=1, updated_at=clock.now()))

    network.answers = answer
    await watch()
    assert (await now(session)).state == "CHARGING"
    assert (await timeline(session))[0] == "We asked the operator whether the charge has begun."


async def test_that_a_start_that_failed_is_asked_about_once_and_stopped_if_it_runs(
    place: Place, network: FakeNetwork
) -> None:
    since = clock.now() - timedelta(minutes=16)
    session = await place.session(
        state="FAILED", state_since=since, updated_at=since, started_at=None, command_attempts=1
    )
    never_sent = await place.session(state="FAILED", state_since=since, started_at=None)

    async def answer() -> None:
        await say(place, report(session, "ACTIVE", minutes=1, updated_at=clock.now()))

    network.answers = answer
    await watch()
    await asked_again(session, days=2)
    await watch()

    assert len(network.asked) == 1
    assert ((await now(session)).state, (await now(never_sent)).asks) == ("FAILED", 0)
    assert [type(command).__name__ for command in network.commands] == ["StopCommand"]
    assert (await books(), await ask_support()) == ({}, [])


async def test_that_what_has_a_record_is_not_asked_about(place: Place, network: FakeNetwork) -> None:
    session = await ended(place)
    await say(place, record(session))
    await ask.ask_about_the_silent()
    async with transaction() as db:
        asking = await db.execute(text("SELECT count(*) FROM procrastinate_jobs WHERE task_name LIKE '%ask_party'"))
        assert asking.scalar_one() == 0


async def test_that_questions_to_a_party_do_not_pile_up(place: Place, network: FakeNetwork) -> None:
    await ended(place)
    await asyncio.gather(*(ask.ask_about_the_silent() for _ in range(3)))
    await ask.ask_about_the_silent()
    await run_jobs()
    assert len(network.asked) == 1


async def ask_support() -> list[dict[str, Any]]:
    """`emsp support stuck --json`."""
    cli = typer.Typer()
    support_stuck.register(cli)
    told = await asyncio.to_thread(CliRunner().invoke, cli, ["--json"])
    assert told.exit_code == 0, told.output
    return list(json.loads(told.output))
