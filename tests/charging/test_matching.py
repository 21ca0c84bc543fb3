"""Which of our charges an operator speaks of, also when it does not say."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from emsp.charging.records.matching import BY_PLACE
from emsp.db.engine import transaction
from tests.charging.conftest import END, START, Place
from tests.charging.outside import FakeCards
from tests.charging.saying import NAMELESS, kept_records, now, record, report, run_jobs, say, timeline
from tests.graphql import rows


async def another_driver(place: Place, **facts: Any) -> Any:
    """A session of somebody else's at the same charge point."""
    async with transaction() as db:
        ben = await rows.driver(db, place.driver.brand_id, "ben")
        quote = await rows.quote(db, ben, place.connector)
    return await Place(place.partner, ben, quote, place.connector).session(**facts)


async def test_that_a_session_that_names_nobody_is_matched_by_its_place_and_followed_by_its_id(place: Place) -> None:
    session = await place.session(state="AWAITING_PLUG", energy_wh=0, started_at=None)
    await say(place, report(session, "ACTIVE", minutes=5, **NAMELESS))
    assert ((await now(session)).state, (await now(session)).external_id) == ("CHARGING", "S1")
    assert await timeline(session) == [BY_PLACE, "Charging."]

    await say(place, report(session, "COMPLETED", minutes=60, **(NAMELESS | {"evse_uid": None})))
    assert ((await now(session)).state, (await now(session)).energy_wh) == ("ENDED", 6000)


@pytest.mark.parametrize(
    "facts",
    [
        {"evse_uid": "E2"},
        {"evse_uid": None},
        {"location_id": "L2"},
        {"location_id": None},
        {"party_id": "XYZ"},
        {"started_at": START - timedelta(hours=1)},
        {"token_uid": "SOMEBODY"},
        {"authorization_reference": "somebody"},
    ],
)
async def test_that_nothing_else_than_the_place_of_one_start_will_do(place: Place, facts: dict[str, Any]) -> None:
    session = await place.session(state="AWAITING_PLUG", energy_wh=0, started_at=None)
    await say(place, report(session, "ACTIVE", minutes=5, **(NAMELESS | facts)))
    assert ((await now(session)).state, await timeline(session)) == ("AWAITING_PLUG", [])


async def test_that_of_two_starts_at_a_place_neither_is_taken(place: Place) -> None:
    sessions = [await place.session(state="AWAITING_PLUG"), await another_driver(place, state="COMMAND_SENT")]
    await say(place, report(sessions[0], "ACTIVE", minutes=5, **NAMELESS))
    assert [(await now(session)).state for session in sessions] == ["AWAITING_PLUG", "COMMAND_SENT"]


async def test_that_a_charge_that_has_a_session_already_is_not_taken_for_another(place: Place) -> None:
    running = await place.session(state="CHARGING", external_id="S7", external_key="s7")
    waiting = await another_driver(place, state="AWAITING_PLUG", energy_wh=0)
    await say(place, report(waiting, "ACTIVE", minutes=5, **NAMELESS))
    assert ((await now(running)).external_id, (await now(waiting)).external_id) == ("S7", "S1")


async def test_that_a_record_that_names_nobody_ends_the_charge_of_its_time(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, state="ENDED", started_at=START, ended_at=END)
    await say(place, record(session, **NAMELESS))
    await run_jobs()
    assert ((await now(session)).state, cards.taken()) == ("SETTLED", [545])
    assert (await timeline(session))[0] == BY_PLACE


@pytest.mark.parametrize(
    ("started_at", "ended_at", "more"),
    [
        (END + timedelta(minutes=5), END + timedelta(hours=1), {}),
        (START - timedelta(hours=2), START - timedelta(hours=1), {}),
        (START, END, {"evse_uid": "E2"}),
        (START, END, {"session_external_id": "S2"}),
    ],
)
async def test_that_a_record_of_another_time_place_or_session_is_kept_and_not_billed(
    place: Place, started_at: Any, ended_at: Any, more: dict[str, Any]
) -> None:
    facts = {"external_id": "S1", "external_key": "s1"} if "session_external_id" in more else {}
    session = await place.session(state="ENDED", started_at=started_at, ended_at=ended_at, **facts)
    await say(place, record(session, **(NAMELESS | more)))
    assert await kept_records() == {"C1": None}
    assert await timeline(session) == []


async def test_that_a_record_may_come_instead_of_a_session(place: Place) -> None:
    session = await place.session(state="START_UNCONFIRMED", energy_wh=0, started_at=None)
    await say(place, record(session, session_external_id="S5", **NAMELESS))
    found = await now(session)
    assert (found.state, found.external_id, found.energy_wh) == ("ENDED", "S5", 10_000)


async def test_that_a_second_record_without_names_is_not_given_to_the_same_charge(place: Place) -> None:
    session = await place.session(state="ENDED", started_at=START, ended_at=END)
    await say(place, record(session, **NAMELESS), record(session, external_id="C2", **NAMELESS))
    assert await kept_records() == {"C1": session.id, "C2": None}


async def test_that_our_reference_wins_over_the_id_of_another_session(place: Place) -> None:
    meant = await place.session(state="ENDED", external_id="S1", external_key="s1")
    other = await place.session(state="ENDED", external_id="S2", external_key="s2")
    await say(place, record(meant, session_external_id="S2", token_uid=other.token_uid))
    assert await kept_records() == {"C1": meant.id}
    assert (await now(other)).energy_wh == 10_000
    assert await timeline(other) == []


async def test_that_the_token_of_a_start_wins_over_the_id_of_another_session(place: Place) -> None:
    meant = await place.session(state="ENDED", token_uid="APP0123456789ABCDEF0")
    other = await place.session(state="ENDED", external_id="S2", external_key="s2")
    await say(
        place,
        record(meant, session_external_id="S2", authorization_reference=None, token_uid="app0123456789abcdef0"),
    )
    assert await kept_records() == {"C1": meant.id}
    assert await timeline(other) == []


async def test_that_the_same_session_id_of_another_party_of_the_partner_is_another_session(place: Place) -> None:
    session = await place.session(state="CHARGING", external_id="S1", external_key="s1")
    facts: dict[str, Any] = {"authorization_reference": None, "party_id": "XYZ"}
    await say(place, report(session, "COMPLETED", minutes=90, **facts))
    assert (await now(session)).state == "CHARGING"


async def test_that_a_credit_is_known_by_the_record_that_it_takes_back(place: Place, cards: FakeCards) -> None:
    session = await place.held(cards, state="ENDED")
    await say(place, record(session))
    await run_jobs()
    facts = NAMELESS | {"external_id": "C1-X", "credit": True, "credits_external_id": "c1"}
    await say(place, record(session, energy_wh=0, periods=[], **(facts | {"net_cost": Decimal("-4.50")})))
    assert (await timeline(session))[-1] == "The operator credited this charge."
    assert await kept_records() == {"C1": session.id, "C1-X": session.id}
