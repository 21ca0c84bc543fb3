"""A sandbox CPO told to behave badly ..."""

from typing import Any

import pytest

from .fake_emsp import TOKEN, FakeEmsp
from .running import STATION, RunningCpo, active, cdr, running_cpo, sessions, until


@pytest.mark.parametrize(
    ("start", "result"),
    [
        ("reject", "REJECTED"),
        ("timeout_result", "TIMEOUT"),
        ("never_plug", "ACCEPTED"),
        ("evse_occupied", "EVSE_OCCUPIED"),
    ],
)
async def test_answers_and_never_starts(cpo: RunningCpo, emsp: FakeEmsp, start: str, result: str) -> None:
    await cpo.lever("behaviour", start=start)
    assert (await emsp.start(STATION))["result"] == "ACCEPTED"
    await until(lambda: emsp.bodies("POST", "/results/1"))
    await until_settled(cpo)
    assert emsp.bodies("POST", "/results/1") == [{"result": result}]
    assert sessions(emsp, "PUT") == []
    assert emsp.bodies("PATCH", "/2.2.1/locations") == []


async def until_settled(cpo: RunningCpo) -> None:
    books = await cpo.books()
    while any(session["phase"] not in ("abandoned", "closed") for session in books["sessions"]):
        books = await cpo.books()


async def test_never_answers(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await cpo.lever("behaviour", location_id="LOC1", evse_uid="LOC1-1", start="timeout")
    assert (await emsp.start(STATION))["result"] == "ACCEPTED"
    await until_settled(cpo)
    assert emsp.bodies("POST", "/results/1") == []
    assert sessions(emsp, "PUT") == []


async def test_refuses_at_once(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await cpo.lever("behaviour", start="refuse")
    assert (await emsp.start(STATION))["result"] == "REJECTED"
    assert (await cpo.books())["sessions"] == []


async def test_says_timeout_and_starts_anyway(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await cpo.lever("behaviour", location_id="LOC1", start="late")
    await emsp.start(STATION)
    await active(emsp)
    assert emsp.bodies("POST", "/results/1") == [{"result": "TIMEOUT"}]


async def test_may_be_asked_again_after_nothing_came_of_it(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await cpo.lever("behaviour", start="reject")
    await emsp.start(STATION)
    await until(lambda: emsp.bodies("POST", "/results/1"))
    await until_settled(cpo)
    await cpo.lever("behaviour", start="ok")
    await emsp.start(STATION, number=2)
    await active(emsp)
    assert emsp.bodies("POST", "/results/2") == [{"result": "ACCEPTED"}]


async def test_refuses_a_stop_until_told_otherwise(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await cpo.lever("behaviour", stop="reject")
    await emsp.start(STATION)
    session_id = await active(emsp)
    await emsp.command("STOP_SESSION", {"session_id": session_id}, 2)
    await until(lambda: emsp.bodies("POST", "/results/2"))
    assert emsp.bodies("POST", "/results/2") == [{"result": "REJECTED"}]
    assert emsp.bodies("POST", "/2.2.1/cdrs") == []
    await cpo.lever("behaviour", stop="ok")
    await emsp.command("STOP_SESSION", {"session_id": session_id}, 3)
    await cdr(emsp)
    assert emsp.bodies("POST", "/results/3") == [{"result": "ACCEPTED"}]


@pytest.mark.parametrize(("told", "posted", "listed"), [("twice", 2, 1), ("never", 0, 0), ("pull_only", 0, 1)])
async def test_cdr_is_posted_and_listed(cpo: RunningCpo, emsp: FakeEmsp, told: str, posted: int, listed: int) -> None:
    await cpo.lever("behaviour", cdr=told)
    await emsp.start(STATION)
    await cpo.lever("unplug", session_id=await active(emsp))
    await until_settled(cpo)
    assert len(emsp.bodies("POST", "/2.2.1/cdrs")) == posted
    assert len(await emsp.data("GET", emsp.endpoints["cdrs"])) == listed
    assert len((await cpo.books())["cdrs"]) == 1


async def test_pushes_a_status_it_is_given(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await cpo.lever("evse-status", location_id="LOC1", evse_uid="LOC1-1", status="OUTOFORDER")
    await until(lambda: emsp.bodies("PATCH", "/2.2.1/locations"))
    (push,) = emsp.bodies("PATCH", "/2.2.1/locations/NL/SBX/LOC1/LOC1-1")
    assert set(push) == {"status", "last_updated"}
    await emsp.start(STATION)
    await until(lambda: emsp.bodies("POST", "/results/1"))
    assert emsp.bodies("POST", "/results/1") == [{"result": "EVSE_INOPERATIVE"}]


async def test_lets_strangers_come_and_go(emsp: FakeEmsp, feed: Any) -> None:
    async with running_cpo(emsp, **feed, status_churn=1200) as running:
        await running.registered()
        await until(lambda: len(emsp.bodies("PATCH", "/2.2.1/locations")) >= 2)
    first, second = (push["status"] for push in emsp.bodies("PATCH", "/2.2.1/locations")[:2])
    assert {first, second} == {"AVAILABLE", "CHARGING"}


@pytest.mark.parametrize(
    ("command", "body", "expected"),
    [
        ("START_SESSION", {"location_id": "NOWHERE", "token": TOKEN}, 2003),
        ("START_SESSION", {"location_id": "LOC1", "token": TOKEN, "evse_uid": "none"}, 2003),
        ("START_SESSION", {"location_id": "LOC1", "token": {"uid": "x"}}, 2001),
        ("START_SESSION", {"token": TOKEN}, 2001),
        ("STOP_SESSION", {"session_id": "none"}, "UNKNOWN_SESSION"),
        ("UNLOCK_CONNECTOR", {"location_id": "LOC1"}, "NOT_SUPPORTED"),
    ],
)
async def test_says_why_a_command_cannot_be(
    cpo: RunningCpo, emsp: FakeEmsp, command: str, body: dict[str, Any], expected: int | str
) -> None:
    full = {"response_url": f"{emsp.url}/results/1", **body}
    answer = (await emsp.ask("POST", f"{emsp.endpoints['commands']}{command}", full)).json()
    assert expected == (answer["data"]["result"] if "data" in answer else answer["status_code"])
    assert (await cpo.books())["sessions"] == []
