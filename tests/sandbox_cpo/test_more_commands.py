"""Beyond start and stop, the sandbox CPO ..."""

from collections.abc import AsyncIterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emsp.sandbox.cpo.wire import encode, timestamp

from .fake_emsp import TOKEN, TOKEN_OF_2_1_1, FakeEmsp
from .field_tables import TABLES, faults
from .running import STATION, RunningCpo, active, cdr, running_cpo, sessions, until

CAPABILITIES = ["RESERVABLE", "UNLOCK_CAPABLE", "CHARGING_PREFERENCES_CAPABLE", "CHARGING_PROFILE_CAPABLE"]
PLACE = {"location_id": "LOC1", "evse_uid": "LOC1-1"}
EVSE_PUSHES = "/2.2.1/locations/NL/SBX/LOC1/LOC1-1"


@pytest.fixture
def feed(feed: dict[str, Path]) -> dict[str, Path]:
    """One station whose first EVSE can do everything and whose second can do nothing."""
    able = deepcopy(STATION)
    able["evses"] += [{**deepcopy(able["evses"][0]), "uid": "LOC1-2"}]
    able["evses"][0]["capabilities"] = CAPABILITIES
    feed["locations"].write_bytes(encode(able) + b"\n")
    return feed


@pytest.fixture
async def cpo(emsp: FakeEmsp, feed: Any) -> AsyncIterator[RunningCpo]:
    async with running_cpo(emsp, **feed) as running:
        yield await running.registered()


def reservation(number: str = "R1", seconds: float = 600, **changes: Any) -> dict[str, Any]:
    expiry = timestamp(datetime.now(UTC) + timedelta(seconds=seconds))
    return {"token": TOKEN, "expiry_date": expiry, "reservation_id": number, **PLACE, **changes}


def statuses(emsp: FakeEmsp) -> list[str]:
    return [push["status"] for push in emsp.bodies("PATCH", EVSE_PUSHES)]


async def result(emsp: FakeEmsp, number: int) -> Any:
    await until(lambda: emsp.bodies("POST", f"/results/{number}"))
    return emsp.bodies("POST", f"/results/{number}")


async def reserved(emsp: FakeEmsp, **changes: Any) -> str:
    """Makes a reservation; the id of its session."""
    assert await emsp.command("RESERVE_NOW", reservation(**changes)) == {"result": "ACCEPTED", "timeout": 30}
    await until(lambda: sessions(emsp, "PUT"))
    return str(sessions(emsp, "PUT")[0]["id"])


async def test_shows_a_reservation_as_a_session_and_goes_on_with_it(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    session_id = await reserved(emsp, authorization_reference="REF-R")
    assert emsp.bodies("POST", "/results/1") == [{"result": "ACCEPTED"}]
    first = sessions(emsp, "PUT")[0]
    assert (first["status"], first["kwh"], first["authorization_reference"]) == ("RESERVATION", 0, "REF-R")
    assert (first["location_id"], first["evse_uid"]) == ("LOC1", "LOC1-1")
    assert await emsp.data("GET", emsp.endpoints["sessions"] + "?date_from=2026-01-01T00:00:00Z") == [first]

    await emsp.start(STATION, reference="REF-S", number=2)
    assert await active(emsp) == session_id
    await cpo.lever("unplug", session_id=session_id)
    assert (await cdr(emsp))["session_id"] == session_id
    await until(lambda: statuses(emsp) == ["RESERVED", "CHARGING", "AVAILABLE"])
    assert {body["id"] for body in sessions(emsp, "PUT")} == {session_id}
    (kept,) = (await cpo.books())["reservations"]
    assert (kept["id"], kept["phase"]) == ("R1", "used")


@pytest.mark.skipif(not TABLES.exists(), reason="the field tables of OCPI are not beside the project")
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
async def test_shows_reservations_as_the_field_tables_have_them(emsp: FakeEmsp, feed: Any, version: str) -> None:
    emsp.version = emsp.offered_version = version
    async with running_cpo(emsp, **feed, versions=(version,)) as running:
        await running.registered()
        await emsp.command("RESERVE_NOW", reservation(seconds=0.5))
        await until(lambda: len(emsp.bodies("PUT", f"/{version}/sessions")) == 2)
    said = emsp.bodies("PUT", f"/{version}/sessions")
    assert [body["status"] for body in said] == ["RESERVATION", "COMPLETED"]
    assert [fault for body in said for fault in faults(version, "Session", body)] == []


async def test_keeps_the_evse_from_everyone_else(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await reserved(emsp)
    other = {"token": {**TOKEN, "uid": "APP0002"}, "connector_id": "1", **PLACE}
    await emsp.command("START_SESSION", other, 2)
    assert await result(emsp, 2) == [{"result": "EVSE_OCCUPIED"}]
    await emsp.command("RESERVE_NOW", reservation("R2"), 3)
    assert await result(emsp, 3) == [{"result": "EVSE_OCCUPIED"}]
    assert statuses(emsp) == ["RESERVED"]
    assert [kept["id"] for kept in (await cpo.books())["reservations"]] == ["R1"]


async def test_ends_a_reservation_that_expires_without_a_charge(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await reserved(emsp, seconds=0.5)
    await until(lambda: len(sessions(emsp, "PUT")) == 2)
    last = sessions(emsp, "PUT")[-1]
    assert (last["status"], last["kwh"]) == ("COMPLETED", 0)
    assert last["end_date_time"] == last["last_updated"]
    await until(lambda: statuses(emsp) == ["RESERVED", "AVAILABLE"])
    assert emsp.bodies("POST", "/2.2.1/cdrs") == []


async def test_prolongs_a_reservation_with_the_same_id(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await reserved(emsp, seconds=0.5)
    later = reservation()
    await emsp.command("RESERVE_NOW", later, 2)
    assert await result(emsp, 2) == [{"result": "ACCEPTED"}]
    (kept,) = (await cpo.books())["reservations"]
    assert (kept["phase"], kept["expiry"][:19]) == ("held", later["expiry_date"][:19])


async def test_cancels_a_reservation_and_knows_no_other(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await reserved(emsp)
    assert await emsp.command("CANCEL_RESERVATION", {"reservation_id": "R1"}, 2) == {
        "result": "ACCEPTED",
        "timeout": 30,
    }
    assert await result(emsp, 2) == [{"result": "ACCEPTED"}]
    await until(lambda: sessions(emsp, "PUT")[-1]["status"] == "COMPLETED")
    await until(lambda: statuses(emsp) == ["RESERVED", "AVAILABLE"])
    await emsp.command("CANCEL_RESERVATION", {"reservation_id": "R1"}, 3)
    assert await result(emsp, 3) == [{"result": "UNKNOWN_RESERVATION"}]


async def test_takes_a_reservation_back_when_told(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await reserved(emsp)
    assert (await cpo.lever("cancel-reservation", reservation_id="R1"))["phase"] == "over"
    assert emsp.bodies("POST", "/results/1") == [{"result": "ACCEPTED"}, {"result": "CANCELED_RESERVATION"}]
    assert sessions(emsp, "PUT")[-1]["status"] == "COMPLETED"


async def test_keeps_reservations_over_a_restart(emsp: FakeEmsp, feed: Any, tmp_path: Path) -> None:
    state = tmp_path / "cpo.json"
    async with running_cpo(emsp, **feed, state=state) as first:
        await first.registered()
        session_id = await reserved(emsp, seconds=1)
    async with running_cpo(emsp, **feed, state=state, port=first.options.port):
        await until(lambda: sessions(emsp, "PUT")[-1]["status"] == "COMPLETED")
    assert sessions(emsp, "PUT")[-1]["id"] == session_id


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"evse_uid": "LOC1-2"}, "NOT_SUPPORTED"),
        ({"seconds": -1}, "REJECTED"),
        ({"location_id": "NOWHERE"}, 2003),
        ({"expiry_date": "soon"}, 2001),
        ({"token": None}, 2001),
    ],
)
async def test_says_why_a_reservation_cannot_be(
    cpo: RunningCpo, emsp: FakeEmsp, changes: dict[str, Any], expected: str | int
) -> None:
    body = {"response_url": f"{emsp.url}/results/1", **reservation(**changes)}
    answer = (await emsp.ask("POST", f"{emsp.endpoints['commands']}RESERVE_NOW", body)).json()
    assert expected == (answer["data"]["result"] if "data" in answer else answer["status_code"])
    assert (await cpo.books())["reservations"] == []


async def test_reserves_in_2_1_1_without_a_session(emsp: FakeEmsp, feed: Any) -> None:
    emsp.version = emsp.offered_version = "2.1.1"
    async with running_cpo(emsp, **feed, versions=("2.1.1",)) as running:
        await running.registered()
        body = {**reservation(), "token": TOKEN_OF_2_1_1, "reservation_id": 7}
        assert await emsp.command("RESERVE_NOW", body) == {"result": "ACCEPTED"}
        await until(lambda: emsp.bodies("PATCH", "/2.1.1/locations/NL/SBX/LOC1/LOC1-1"))
        assert await result(emsp, 1) == [{"result": "ACCEPTED"}]
        assert await emsp.data("GET", emsp.endpoints["sessions"] + "?date_from=2026-01-01T00:00:00Z") == []
        (kept,) = (await running.books())["reservations"]
    assert (kept["id"], kept["phase"]) == ("7", "held")
    assert emsp.bodies("PUT", "/2.1.1/sessions") == []


async def test_unlocks_a_connector_and_lets_the_car_go(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await emsp.start(STATION)
    await active(emsp)
    answer = await emsp.command("UNLOCK_CONNECTOR", {**PLACE, "connector_id": "1"}, 2)
    assert answer == {"result": "ACCEPTED", "timeout": 30}
    assert await result(emsp, 2) == [{"result": "ACCEPTED"}]
    await cdr(emsp)
    other = {**PLACE, "evse_uid": "LOC1-2", "connector_id": "1"}
    assert (await emsp.command("UNLOCK_CONNECTOR", other, 3))["result"] == "NOT_SUPPORTED"


async def test_takes_charging_preferences_where_the_evse_can(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    async def put(session_id: str, body: dict[str, Any]) -> tuple[int, int, Any]:
        url = f"{emsp.endpoints['sessions']}{session_id}/charging_preferences"
        answer = await emsp.ask("PUT", url, body)
        return answer.status_code, answer.json()["status_code"], answer.json().get("data")

    await emsp.start(STATION)
    able = await active(emsp)
    await emsp.command("START_SESSION", {"token": TOKEN, **PLACE, "evse_uid": "LOC1-2", "connector_id": "1"}, 2)
    await until(lambda: len({body["id"] for body in sessions(emsp, "PUT")}) == 2)
    unable = next(body["id"] for body in sessions(emsp, "PUT") if body["id"] != able)
    green = {"profile_type": "GREEN", "departure_time": "2026-12-01T08:00:00Z"}
    assert await put(able, green) == (200, 1000, "ACCEPTED")
    assert await put(able, {"profile_type": "LAZY"}) == (200, 2001, None)
    assert await put(unable, green) == (404, 2001, None)
    assert await put("none", green) == (404, 2001, None)
    assert (await cpo.books())["preferences"] == {able: green}


async def test_sets_shows_and_clears_charging_profiles(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await emsp.start(STATION)
    session_id = await active(emsp)
    url = f"{cpo.url}/ocpi/2.2.1/chargingprofiles/{session_id}"
    period = {"start_period": 0, "limit": 10}
    profile = {"charging_rate_unit": "A", "charging_profile_period": [period]}
    accepted = {"result": "ACCEPTED", "timeout": 30}

    body = {"response_url": f"{emsp.url}/results/2", "charging_profile": profile}
    assert await emsp.data("PUT", url, body) == accepted
    assert await result(emsp, 2) == [{"result": "ACCEPTED"}]
    await until(lambda: emsp.bodies("PUT", f"/2.2.1/chargingprofiles/{session_id}"))
    (active_profile,) = emsp.bodies("PUT", f"/2.2.1/chargingprofiles/{session_id}")
    assert active_profile["charging_profile"] == profile
    assert await emsp.data("GET", f"{url}?duration=600&response_url={emsp.url}/results/3") == accepted
    (shown,) = await result(emsp, 3)
    assert (shown["result"], shown["profile"]["charging_profile"]) == ("ACCEPTED", profile)
    assert await emsp.data("DELETE", f"{url}?response_url={emsp.url}/results/4") == accepted
    assert await result(emsp, 4) == [{"result": "ACCEPTED"}]
    assert await emsp.data("DELETE", f"{url}?response_url={emsp.url}/results/5") == accepted
    assert await result(emsp, 5) == [{"result": "UNKNOWN"}]
    unknown = f"{cpo.url}/ocpi/2.2.1/chargingprofiles/none?response_url={emsp.url}/results/6"
    assert (await emsp.data("DELETE", unknown))["result"] == "UNKNOWN_SESSION"
    assert emsp.bodies("POST", "/results/6") == []
