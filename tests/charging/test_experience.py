"""What our drivers' charges tell of charge points: whether they start, and that somebody stands there."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from emsp import clock
from emsp.charging.experience import in_use, starts
from emsp.charging.experience.outcomes import Charge, Outcome, outcome
from emsp.charging.lifecycle import State
from emsp.charging.tables import ChargingSession, SessionEvent
from emsp.db.engine import transaction
from emsp.stations.history import read
from emsp.stations.history.tables import EvseDoubt, StationReliability
from emsp.stations.tables import Evse
from emsp.stations.twins.tables import StationTwin
from tests.charging.conftest import END, START, Place
from tests.charging.saying import report, say
from tests.graphql import rows

NOW = clock.now()
HOUR = timedelta(hours=1)


def charge(state: str, **facts: Any) -> Charge:
    """Ten kilowatt-hours in an hour, unless told otherwise."""
    usual: dict[str, Any] = {
        "attempts": 1,
        "failed_by": None,
        "plug_awaited": False,
        "started_at": START,
        "ended_at": END,
        "stop_requested_at": None,
        "energy_wh": 10_000,
    }
    return Charge(state=State(state), **(usual | facts))


NEVER: dict[str, Any] = {"started_at": None, "ended_at": None, "energy_wh": 0}
AT_ONCE: dict[str, Any] = {"ended_at": START + timedelta(minutes=4), "energy_wh": 99}


@pytest.mark.parametrize(
    ("became", "expected"),
    [
        (charge("SETTLED"), Outcome.WORKED),
        (charge("IN_REVIEW"), Outcome.WORKED),
        (charge("PAYMENT_DUE"), Outcome.WORKED),
        (charge("CHARGING"), Outcome.WORKED),
        (charge("REQUESTED", **NEVER), Outcome.OPEN),
        (charge("START_UNCONFIRMED", **NEVER), Outcome.OPEN),
        (charge("CHARGING", started_at=END, ended_at=None, energy_wh=0), Outcome.OPEN),
        (charge("CHARGING", started_at=START, ended_at=None, energy_wh=0), Outcome.WORKED),
        (charge("FAILED", failed_by="OPERATOR", **NEVER), Outcome.FAILED),
        (charge("FAILED", failed_by="SYSTEM", **NEVER), Outcome.FAILED),
        (charge("FAILED", failed_by="SYSTEM", plug_awaited=True, **NEVER), Outcome.ELSEWHERE),
        (charge("FAILED", failed_by="OPERATOR", plug_awaited=True, **NEVER), Outcome.FAILED),
        (charge("FAILED", failed_by="PAYMENT", **NEVER), Outcome.ELSEWHERE),
        (charge("FAILED", failed_by="OPERATOR", attempts=0, **NEVER), Outcome.ELSEWHERE),
        (charge("FAILED", failed_by="OPERATOR", energy_wh=0), Outcome.FAILED),
        (charge("ENDED", **AT_ONCE), Outcome.FAILED),
        (charge("ENDED", **AT_ONCE, stop_requested_at=START), Outcome.WORKED),
        (charge("ENDED", ended_at=END, energy_wh=0), Outcome.WORKED),
    ],
)
def test_what_became_of_a_charge(became: Charge, expected: Outcome) -> None:
    assert outcome(became, END) is expected


async def tried(place: Place, *states: str, source: str = "OPERATOR", **facts: Any) -> list[ChargingSession]:
    """Charges, a minute apart and the newest just now; those that failed never began."""
    made = []
    for minutes, state in enumerate(reversed(states)):
        never = NEVER if state == "FAILED" else {"ended_at": END}
        at = {"created_at": NOW - timedelta(minutes=minutes), "state": state, "command_attempts": 1}
        session = await place.session(**(at | never | facts))
        if state == "FAILED":
            async with transaction() as db:
                db.add(SessionEvent(session_id=session.id, source=source, state="FAILED", text="It failed."))
        made.append(session)
    return made


async def known(table: Any) -> list[Any]:
    async with transaction() as db:
        return list(await db.scalars(select(table)))


async def test_that_starts_are_counted_without_those_that_failed_elsewhere(place: Place) -> None:
    await tried(place, *["SETTLED"] * 9, "FAILED")
    await tried(place, "FAILED", source="PAYMENT")
    await tried(place, "FAILED", created_at=NOW - timedelta(days=181))
    await tried(place, "SETTLED", origin="CARD")

    await starts.learn()

    [row] = await known(StationReliability)
    assert (row.starts, row.failed_starts, row.last_charge_at) == (10, 1, NOW)
    async with transaction() as db:
        found = (await read.reliability_of(db, [row.station_id, 999]))[row.station_id]
    assert (found.worked.value, found.worked.sample) == (0.9, 10)
    assert (round(found.worked.lowest, 2), round(found.worked.highest, 2)) == (0.6, 0.98)


async def test_that_too_few_say_nothing_and_what_is_long_ago_is_forgotten(place: Place) -> None:
    sessions = await tried(place, *["SETTLED"] * 9)
    await starts.learn()
    [row] = await known(StationReliability)
    async with transaction() as db:
        assert await read.reliability_of(db, [row.station_id]) == {}
        for session in sessions:
            (await db.get_one(ChargingSession, session.id)).created_at = NOW - timedelta(days=181)
    await starts.learn()
    assert await known(StationReliability) == []


async def test_that_starts_over_any_way_tell_of_the_one_station(place: Place) -> None:
    await tried(place, *["SETTLED"] * 5)
    async with transaction() as db:
        pin = await rows.station(db, place.partner.id, 2)
        other = (await db.get_one(Evse, place.connector.evse_id)).station_id
        db.add(StationTwin(station_id=other, pin_id=pin.id or 0, decided_at=NOW))
        evse = await rows.evse(db, pin, 1)
        at_pin = await rows.connector(db, evse)
        for _ in range(5):
            await rows.session(db, place.driver, place.quote, at_pin, state="SETTLED", created_at=NOW, ended_at=END)
    await starts.learn()
    async with transaction() as db:
        found = await read.reliability_of(db, [pin.id or 0])
    assert {id_: each.worked.sample for id_, each in found.items()} == {pin.id: 10}


async def test_that_starts_that_fail_in_a_row_are_a_doubt_until_one_works(place: Place) -> None:
    await tried(place, "SETTLED", "FAILED", "FAILED", "FAILED", created_at=NOW - HOUR)
    await tried(place, "FAILED", "FAILED", "FAILED")
    await starts.doubt_what_cannot_be()
    [found] = await known(EvseDoubt)
    assert (found.evse_id, found.reason) == (place.connector.evse_id, "FAILED_STARTS")

    await tried(place, "CHARGING", origin="CARD", created_at=clock.now(), energy_wh=1000)
    await starts.doubt_what_cannot_be()
    assert await known(EvseDoubt) == []


@pytest.mark.parametrize("source", ["PAYMENT", "SYSTEM"])
async def test_that_what_is_not_the_charge_points_is_no_doubt(place: Place, source: str) -> None:
    for session in await tried(place, "FAILED", "FAILED", "FAILED", source=source):
        async with transaction() as db:
            db.add(SessionEvent(session_id=session.id, source="OPERATOR", state="AWAITING_PLUG", text="Plug in."))
    await starts.doubt_what_cannot_be()
    assert await known(EvseDoubt) == []


async def standing(place: Place) -> tuple[str, datetime]:
    async with transaction() as db:
        evse = await db.get_one(Evse, place.connector.evse_id)
        return evse.status, evse.status_as_of


async def test_that_a_charge_is_seen_on_the_map_as_long_as_it_runs(place: Place) -> None:
    async with transaction() as db:
        (await db.get_one(Evse, place.connector.evse_id)).status_as_of = START - HOUR
    session = await place.session(state="AWAITING_PLUG", energy_wh=0)
    await in_use.follow_charges()
    assert await standing(place) == ("AVAILABLE", START - HOUR)

    await say(place, report(session, "ACTIVE", minutes=5))
    await in_use.follow_charges()
    assert await standing(place) == ("CHARGING", START + timedelta(minutes=5))

    await say(place, report(session, "ACTIVE", minutes=20))
    await in_use.follow_charges()
    assert await standing(place) == ("CHARGING", START + timedelta(minutes=20))

    await say(place, report(session, "COMPLETED", minutes=30))
    await in_use.follow_charges()
    assert await standing(place) == ("AVAILABLE", START - HOUR)
