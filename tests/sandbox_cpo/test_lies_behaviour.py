"""What charge points do that lie, seen by the eMSP, and what it sees when they do not."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from .fake_emsp import TOKEN, FakeEmsp
from .lying import StrictEmsp, charge, pulled_cdrs, pulled_sessions, settled, tell
from .running import STATION, RunningCpo, active, free_socket, running_cpo, serving, sessions, until

CDRS = "/2.2.1/cdrs"


async def result(emsp: FakeEmsp, number: int = 1) -> Any:
    await until(lambda: emsp.bodies("POST", f"/results/{number}"))
    return emsp.bodies("POST", f"/results/{number}")[0]


async def test_timeout_and_a_start(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await tell(cpo, "timeout-then-start", location_id="LOC1", evse_uid="LOC1-1")
    await emsp.start(STATION)
    session_id = await active(emsp)
    assert await result(emsp) == {"result": "TIMEOUT"}
    await cpo.lever("unplug", session_id=session_id)
    await settled(cpo)
    await tell(cpo, location_id="LOC1", evse_uid="LOC1-1")
    await emsp.start(STATION, "REF-2", 2)
    assert await result(emsp, 2) == {"result": "ACCEPTED"}


async def test_accepted_and_never_plugged(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await tell(cpo, "accepted-never-plugged")
    await emsp.start(STATION)
    assert await result(emsp) == {"result": "ACCEPTED"}
    await settled(cpo)
    assert sessions(emsp, "PUT") == []
    await tell(cpo)
    await emsp.start(STATION, "REF-2", 2)
    await active(emsp)


async def test_refused_and_started(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await tell(cpo, "refuse-then-start")
    assert (await emsp.start(STATION))["result"] == "REJECTED"
    await active(emsp)
    assert emsp.bodies("POST", "/results/1") == []
    assert sessions(emsp, "PUT")[0]["authorization_reference"] == "REF-1"


async def test_pending_for_ever(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await tell(cpo, "pending-forever")
    await emsp.start(STATION)
    await until(lambda: sessions(emsp, "PUT"))
    await asyncio.sleep(0.4)
    assert [body["status"] for body in sessions(emsp, "PUT")] == ["PENDING"]
    assert sessions(emsp, "PATCH") == []
    await emsp.command("STOP_SESSION", {"session_id": sessions(emsp, "PUT")[0]["id"]}, 2)
    await settled(cpo)
    assert sessions(emsp, "PUT")[-1]["status"] == "COMPLETED"
    assert emsp.bodies("POST", CDRS)[0]["total_energy"] == 0


@pytest.mark.parametrize(
    ("lies", "results"),
    [(("cancel-reservation-late",), ["ACCEPTED", "CANCELED_RESERVATION"]), ((), ["ACCEPTED"])],
)
async def test_a_reservation_is_cancelled_later(
    emsp: FakeEmsp, feed: dict[str, Any], lies: tuple[str, ...], results: list[str]
) -> None:
    async with running_cpo(emsp, **feed, lies=lies, late_s=0.2) as cpo:
        await cpo.registered()
        await cpo.lever("remote-change", location_id="LOC1", evse_uid="LOC1-1", capabilities=["RESERVABLE"])
        until_then = {"expiry_date": "2099-01-01T00:00:00Z", "reservation_id": "R1", "location_id": "LOC1"}
        asked = await emsp.command("RESERVE_NOW", {"token": TOKEN, "evse_uid": "LOC1-1", **until_then})
        assert asked["result"] == "ACCEPTED"
        assert await result(emsp) == {"result": "ACCEPTED"}
        await until(lambda: len(emsp.bodies("PATCH", "/2.2.1/locations")) == len(results))
        await asyncio.sleep(0.3)
        assert [body["result"] for body in emsp.bodies("POST", "/results/1")] == results
        statuses = [body["status"] for body in emsp.bodies("PATCH", "/2.2.1/locations")]
        assert statuses == (["RESERVED", "AVAILABLE"] if lies else ["RESERVED"])


async def test_an_order_of_the_old_kind_goes_before_a_lie(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await tell(cpo, "refuse-then-start", "no-cdr")
    await cpo.lever("behaviour", start="ok")
    assert (await emsp.start(STATION))["result"] == "ACCEPTED"
    (session,) = (await cpo.books())["sessions"]
    assert session["behaviour"] == {"start": "ok", "stop": "ok", "cdr": "never", "pace": "ok"}


@pytest.fixture
async def strict_emsp() -> AsyncIterator[StrictEmsp]:
    listener = free_socket()
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        fake = StrictEmsp(f"http://127.0.0.1:{listener.getsockname()[1]}", client)
        async with serving(fake.app(), listener):
            yield fake


@pytest.mark.parametrize(("lies", "methods"), [(("patch-before-put",), ["PATCH", "PUT"]), ((), ["PUT", "PATCH"])])
async def test_patched_before_it_was_put(
    strict_emsp: StrictEmsp, feed: dict[str, Any], lies: tuple[str, ...], methods: list[str]
) -> None:
    async with running_cpo(strict_emsp, **feed, lies=lies) as cpo:
        await cpo.registered()
        await strict_emsp.start(STATION)
        await active(strict_emsp)
    seen = [kept.method for kept in strict_emsp.received if kept.path.startswith("/2.2.1/sessions/")]
    assert seen[:2] == methods
    assert seen.count("PUT") == 1


async def test_patches_for_whoever_takes_them(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await tell(cpo, "patch-before-put")
    await emsp.start(STATION)
    await until(lambda: len(sessions(emsp, "PATCH")) > 3)
    assert sessions(emsp, "PUT") == []
    assert sessions(emsp, "PATCH")[0]["status"] == "PENDING"


@pytest.mark.parametrize(("lies", "repeats"), [(["replayed-periods"], True), ([], False)])
async def test_periods_are_replayed(cpo: RunningCpo, emsp: FakeEmsp, lies: list[str], repeats: bool) -> None:
    await tell(cpo, *lies)
    await emsp.start(STATION)
    await until(lambda: sum(bool(body.get("charging_periods")) for body in sessions(emsp, "PATCH")) >= 3)
    starts = [p["start_date_time"] for body in sessions(emsp, "PATCH") for p in body.get("charging_periods", [])]
    assert (len(starts) > len(set(starts))) is repeats


async def test_the_end_is_never_pushed(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await tell(cpo, "session-never-ends")
    await charge(cpo, emsp)
    pushed = [*sessions(emsp, "PUT"), *sessions(emsp, "PATCH")]
    assert {body["status"] for body in pushed} == {"PENDING", "ACTIVE"}
    (session,) = await pulled_sessions(emsp)
    assert session["status"] == "COMPLETED"
    assert [cdr["session_id"] for cdr in emsp.bodies("POST", CDRS)] == [session["id"]]


async def test_the_cdr_is_late(emsp: FakeEmsp, feed: dict[str, Any]) -> None:
    async with running_cpo(emsp, **feed, lies=("late-cdr",), late_s=0.7) as cpo:
        await cpo.registered()
        await emsp.start(STATION)
        await cpo.lever("unplug", session_id=await active(emsp))
        await until(lambda: any(body["status"] == "COMPLETED" for body in sessions(emsp, "PUT")))
        assert emsp.bodies("POST", CDRS) == []
        assert await pulled_cdrs(emsp) == []
        await settled(cpo)
        assert emsp.bodies("POST", CDRS) == await pulled_cdrs(emsp) != []


@pytest.mark.parametrize(
    ("lies", "pushed", "pulled"),
    [([], 1, 1), (["missing-cdr"], 0, 1), (["no-cdr"], 0, 0), (["duplicate-cdr"], 2, 1)],
)
async def test_how_often_the_same_cdr_comes(
    cpo: RunningCpo, emsp: FakeEmsp, lies: list[str], pushed: int, pulled: int
) -> None:
    await tell(cpo, *lies)
    await charge(cpo, emsp)
    ((cdr),) = (await cpo.books())["cdrs"]
    assert [body["id"] for body in emsp.bodies("POST", CDRS)] == [cdr["id"]] * pushed
    assert [body["id"] for body in await pulled_cdrs(emsp)] == [cdr["id"]] * pulled
    assert sessions(emsp, "PUT")[-1]["status"] == "COMPLETED"


async def test_the_cdr_is_changed(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await tell(cpo, "changed-cdr")
    await charge(cpo, emsp)
    first, second = emsp.bodies("POST", CDRS)
    assert first["id"] == second["id"]
    assert second["total_cost"]["excl_vat"] == round(first["total_cost"]["excl_vat"] * Decimal("1.1"), 4)
    assert await pulled_cdrs(emsp) == [second]


async def test_the_cdr_is_credited(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    await tell(cpo, "credit-cdr")
    await charge(cpo, emsp)
    first, credit, right = emsp.bodies("POST", CDRS)
    asked = first["total_cost"]["excl_vat"]
    assert (credit["id"], credit["credit"], credit["credit_reference_id"]) == (f"{first['id']}-C", True, first["id"])
    assert credit["total_cost"]["excl_vat"] == -asked
    assert credit["total_energy"] == first["total_energy"] == right["total_energy"]
    assert "credit" not in right
    assert right["id"] not in (first["id"], credit["id"])
    assert right["total_cost"] == sessions(emsp, "PUT")[-1]["total_cost"]
    assert asked == round(right["total_cost"]["excl_vat"] * Decimal("1.3"), 4)
    assert await pulled_cdrs(emsp) == [first, credit, right]
