"""Charge points that do other than they say, and records that come late, twice, changed, or never."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from emsp.demo.app_client import AppClient
from tests.stories.conftest import empty_database
from tests.stories.lies import (
    Charge,
    Fleet,
    Outcomes,
    about,
    arrived,
    books_are_even,
    emsp,
    eventually,
    every,
    fleet,
    is_as_measured,
    is_not_billed,
    is_on_the_bill_once,
    is_paid_once,
    net_of,
    sync,
    tell,
)
from tests.stories.world import World, made_world, place_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
OPERATOR = ("--late-s", "5", "--stations", "240")
AT_ONCE = 5
SETTLED = [
    "REQUESTED",
    "COMMAND_SENT",
    "AWAITING_PLUG",
    "START_UNCONFIRMED",
    "CHARGING",
    "STOPPING",
    "ENDED",
    "SETTLED",
]
RESERVABLE = """
query ($text: String!) { searchPlaces(text: $text) { nodes { evses { evseId status capabilities } } } }"""


@pytest.fixture(scope="module")
def liars(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose operator is not to be trusted."""
    folder: Path = tmp_path_factory.mktemp("liars")
    with made_world(folder, empty_database(server_url), speed=60, operator=OPERATOR) as world:
        yield world


async def _waits(made: Charge) -> Charge:
    """Stopped, over, and no record of it yet."""
    return await (await made.stopped()).until("ENDED")


async def _settles(made: Charge) -> Charge:
    """Settled, and the operator has said everything that it has to say."""
    return await (await made.settled()).closed()


async def _late(made: Charge) -> Charge:
    return await (await _waits(made)).until("SETTLED")


async def _fails(made: Charge) -> Charge:
    return await made.until("FAILED")


async def _fails_and_comes_to_an_end(made: Charge) -> Charge:
    """The operator's session began, was stopped, and its record is not billed."""
    await made.until("FAILED")
    return await made.until("FAILED", told="A record arrived for a charge that is not billed.")


BY_A_FLEET = ("late-cdr", "missing-cdr", "changed-cdr", "duplicate-cdr", "pending-forever", "session-never-ends")
WAYS: dict[str, Callable[[Charge], Awaitable[Charge]]] = {
    "timeout-then-start": Charge.settled,
    "accepted-never-plugged": _fails,
    "refuse-then-start": _fails_and_comes_to_an_end,
    "pending-forever": _fails_and_comes_to_an_end,
    "patch-before-put": Charge.settled,
    "replayed-periods": Charge.settled,
    "session-never-ends": Charge.settled,
    "late-cdr": _late,
    "missing-cdr": _waits,
    "no-cdr": _waits,
    "duplicate-cdr": _settles,
    "changed-cdr": _settles,
    "credit-cdr": _settles,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def payer(liars: World) -> Fleet:
    """Who pays for some of the charges."""
    return await fleet(liars)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def charges(liars: World, payer: Fleet) -> Outcomes[Charge]:
    """A charge for every lie, a few at a time; then the operator is pulled."""
    made = {lie: await arrived(liars, lie, paid_by=payer if lie in BY_A_FLEET else None) for lie in WAYS}

    async def through(lie: str) -> Charge:
        return await WAYS[lie](await made[lie].asked())

    charged = await every({lie: through(lie) for lie in WAYS}, AT_ONCE)
    pulled = await asyncio.to_thread(sync, liars, "CPO")
    assert pulled.status == 0, pulled
    return charged


@about("timeout-then-start")
async def test_that_a_start_after_a_timeout_is_taken_up_and_paid_once(charges: Outcomes[Charge]) -> None:
    made = charges["timeout-then-start"]

    assert "a late start is still taken up" in made.timeline
    after = made.seen[made.seen.index("CHARGING") :]
    assert after == [state for state in SETTLED if state in after]
    assert set(made.seen) - set(after) <= {"REQUESTED", "COMMAND_SENT", "AWAITING_PLUG", "START_UNCONFIRMED"}
    is_paid_once(made)
    is_as_measured(made)


@about("accepted-never-plugged")
async def test_that_a_start_without_a_plug_is_given_up_and_costs_nothing(charges: Outcomes[Charge]) -> None:
    made = charges["accepted-never-plugged"]

    assert "AWAITING_PLUG" in made.seen
    assert "No car was plugged in" in made.session["stateReason"]
    assert [session["phase"] for session in made.operators_sessions()] == ["abandoned"]
    await is_not_billed(made)


@about("refuse-then-start")
async def test_that_what_starts_after_a_refusal_is_stopped_and_not_billed(charges: Outcomes[Charge]) -> None:
    made = charges["refuse-then-start"]

    assert "refused" in made.session["stateReason"]
    assert "It started after all; it is being stopped and not billed." in made.timeline
    [session] = made.operators_sessions()
    assert (session["status"], session["phase"]) == ("COMPLETED", "closed")
    await is_not_billed(made)


@about("pending-forever")
async def test_that_a_session_that_never_begins_is_given_up_and_stopped(
    charges: Outcomes[Charge], payer: Fleet
) -> None:
    made = charges["pending-forever"]

    assert "CHARGING" not in made.seen
    assert "the start was given up" in made.session["stateReason"]
    [session] = made.operators_sessions()
    assert session["phase"] == "closed"
    assert float(session["kwh"]) == 0
    await is_not_billed(made)
    assert await payer.lines(made.email) == []


@about("patch-before-put")
async def test_that_a_change_of_an_unknown_session_is_refused_and_the_session_taken(charges: Outcomes[Charge]) -> None:
    made = charges["patch-before-put"]

    [session] = made.operators_sessions()
    assert session["remarks"] == []
    is_paid_once(made)
    is_as_measured(made)


@about("replayed-periods")
async def test_that_periods_that_are_told_again_count_once(charges: Outcomes[Charge]) -> None:
    made = charges["replayed-periods"]

    assert made.receipt["verification"]["result"] in ("AGREES", "WITHIN_TOLERANCE")
    assert made.session["costSoFar"]["amount"] == made.receipt["total"]["amount"]
    is_paid_once(made)
    is_as_measured(made)


@about("session-never-ends")
async def test_that_the_record_ends_a_charge_whose_end_was_not_told(charges: Outcomes[Charge], payer: Fleet) -> None:
    made = charges["session-never-ends"]

    assert "The charge is over." in made.timeline
    assert made.session["endedAt"] is not None
    await is_on_the_bill_once(made, payer)
    is_as_measured(made)


@about("late-cdr")
async def test_that_a_late_record_is_waited_for(charges: Outcomes[Charge], payer: Fleet) -> None:
    made = charges["late-cdr"]

    assert made.seen[-2:] == ["ENDED", "SETTLED"]
    await is_on_the_bill_once(made, payer)
    is_as_measured(made)


@about("missing-cdr")
async def test_that_a_record_that_was_never_pushed_is_found_by_a_pull(charges: Outcomes[Charge], payer: Fleet) -> None:
    made = await charges["missing-cdr"].until("SETTLED")

    assert "ENDED" in made.seen
    await is_on_the_bill_once(made, payer)
    is_as_measured(made)


@about("no-cdr")
async def test_that_without_a_record_nothing_is_taken(charges: Outcomes[Charge]) -> None:
    made = charges["no-cdr"]

    await made.look()

    assert (made.session["state"], made.session["receipt"]) == ("ENDED", None)
    assert made.session["energyWh"] >= 1000
    [payment] = made.payments()
    assert (payment["captured_minor"], payment["held_minor"]) == (0, payment["authorised_minor"])
    assert made.ledger() == []


@about("duplicate-cdr")
async def test_that_a_record_that_comes_twice_is_billed_once(charges: Outcomes[Charge], payer: Fleet) -> None:
    made = charges["duplicate-cdr"]

    assert made.timeline.count("The operator's record of the charge arrived.") == 1
    assert "another" not in made.timeline
    await is_on_the_bill_once(made, payer)
    is_as_measured(made)


@about("changed-cdr")
async def test_that_a_record_that_is_changed_later_is_checked_again_and_changes_no_bill(
    charges: Outcomes[Charge], payer: Fleet
) -> None:
    made = charges["changed-cdr"]

    await made.until("SETTLED", told="The operator sent its record of this charge again with another content")

    assert made.timeline.count("again with another content") == 1
    [session] = made.operators_sessions()
    assert session["remarks"] == []
    [changed] = made.operators_records()
    first = net_of(changed) / Decimal("1.1")
    await eventually(lambda: is_on_the_bill_once(made, payer, owed=first))
    await made.until("SETTLED", told="too much: you do not pay it, we claim it back.")
    is_as_measured(made)


@about("credit-cdr")
async def test_that_a_credit_and_what_follows_it_change_what_we_owe_and_no_bill(charges: Outcomes[Charge]) -> None:
    made = charges["credit-cdr"]

    await made.until("SETTLED", told="another record of this charge")

    assert made.timeline.count("The operator credited this charge") == 1
    first, _, right = made.operators_records()
    assert net_of(first) > net_of(right)
    await eventually(lambda: is_paid_once(made, owed=net_of(right)))
    is_as_measured(made)


@about("cancel-reservation-late")
async def test_that_a_reservation_that_the_operator_gives_up_leaves_the_place_free(liars: World) -> None:
    email = "reserving@example.com"
    app = await liars.driver(email=email)
    while True:
        connector, quote = await liars.priced_connector(app)
        evse_id = connector["evse"]["evseId"]
        if "RESERVABLE" in (await _evse(app, evse_id))["capabilities"]:
            break
    tell(liars, "cancel-reservation-late", **place_of(connector))

    reserved = await asyncio.to_thread(emsp, liars, "support", "reserve", evse_id, "--driver", email)

    assert [(row["answer"], row["result"]) for row in reserved.rows] == [("ACCEPTED", "ACCEPTED")]
    await _becomes(app, evse_id, "RESERVED")
    await _becomes(app, evse_id, "AVAILABLE")
    assert [kept["phase"] for kept in liars.cpo_books()["reservations"]] == ["over"]
    assert _results(liars, "RESERVE_NOW") == ["CANCELED_RESERVATION"]
    made = Charge(liars, app, email, connector, quote)
    made.session = await liars.start(app, quote, connectorId=connector["id"])
    await made.settled()
    assert len(made.payments()) == 1


def _results(world: World, kind: str) -> list[str]:
    """What was answered last to each command of a kind."""
    with psycopg.connect(world.processes.env["EMSP_DATABASE_URL"]) as connection:
        return [row[0] for row in connection.execute("SELECT result FROM ocpi_command WHERE kind = %s", [kind])]


async def _evse(app: AppClient, evse_id: str) -> dict[str, Any]:
    [station] = (await app.ask(RESERVABLE, text=evse_id))["searchPlaces"]["nodes"]
    evse: dict[str, Any] = next(evse for evse in station["evses"] if evse["evseId"] == evse_id)
    return evse


async def _becomes(app: AppClient, evse_id: str, status: str) -> None:
    for _ in range(200):
        if (evse := await _evse(app, evse_id))["status"] == status:
            return
        await asyncio.sleep(0.3)
    raise AssertionError(f"{evse} did not become {status}")


@pytest.mark.usefixtures("charges")
async def test_that_the_books_are_even(liars: World) -> None:
    assert books_are_even(liars)
