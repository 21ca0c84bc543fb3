"""A charge at the sandbox CPO ..."""

from decimal import Decimal
from typing import Any

from .fake_emsp import TOKEN_B, FakeEmsp
from .running import RunningCpo, active, cdr, running_cpo, sessions, until

Station = dict[str, Any]


async def test_goes_from_start_to_cdr(cpo: RunningCpo, emsp: FakeEmsp, station: Station) -> None:
    assert await emsp.start(station) == {"result": "ACCEPTED", "timeout": 30}
    session_id = await active(emsp)
    assert emsp.bodies("POST", "/results/1") == [{"result": "ACCEPTED"}]
    assert (sessions(emsp, "PUT")[0]["status"], sessions(emsp, "PUT")[0]["kwh"]) == ("PENDING", 0)

    assert await emsp.command("STOP_SESSION", {"session_id": session_id}, 2) == {
        "result": "ACCEPTED",
        "timeout": 30,
    }
    document = await cdr(emsp)
    assert emsp.bodies("POST", "/results/2") == [{"result": "ACCEPTED"}]
    final = sessions(emsp, "PUT")[-1]
    assert (final["status"], final["kwh"]) == ("COMPLETED", document["total_energy"])
    assert final["total_cost"] == document["total_cost"]
    assert final["end_date_time"] == document["end_date_time"]
    assert document["session_id"] == session_id
    assert document["authorization_reference"] == "REF-1"
    assert document["cdr_token"]["contract_id"] == "NL-EMS-C00000001-X"
    assert [tariff["id"] for tariff in document["tariffs"]] == ["T1"]


async def test_costs_what_its_tariff_says(cpo: RunningCpo, emsp: FakeEmsp, station: Station) -> None:
    await emsp.start(station)
    await emsp.command("STOP_SESSION", {"session_id": await active(emsp)}, 2)
    document = await cdr(emsp)
    energy_kwh = Decimal(document["total_energy"])
    assert energy_kwh > 0
    assert document["total_cost"]["excl_vat"] == energy_kwh / 2
    assert document["total_energy_cost"] == document["total_cost"]
    assert abs(document["total_cost"]["incl_vat"] - energy_kwh / 2 * Decimal("1.21")) <= Decimal("0.0001")
    volumes = [d["volume"] for p in document["charging_periods"] for d in p["dimensions"] if d["type"] == "ENERGY"]
    assert sum(volumes) == energy_kwh


async def test_shows_the_evse_charging_and_then_available(cpo: RunningCpo, emsp: FakeEmsp, station: Station) -> None:
    await emsp.start(station)
    session_id = await active(emsp)
    (shown,) = await emsp.data("GET", emsp.endpoints["locations"])
    assert shown["evses"][0]["status"] == "CHARGING"
    assert shown["last_updated"] == shown["evses"][0]["last_updated"]
    await cpo.lever("unplug", session_id=session_id)
    await cdr(emsp)
    await until(lambda: len(emsp.bodies("PATCH", "/2.2.1/locations/NL/SBX/LOC1/LOC1-1")) > 1)
    pushes = emsp.bodies("PATCH", "/2.2.1/locations/NL/SBX/LOC1/LOC1-1")
    assert [push["status"] for push in pushes] == ["CHARGING", "AVAILABLE"]


async def test_ends_by_itself_when_the_car_is_full(emsp: FakeEmsp, feed: Any, station: Station) -> None:
    async with running_cpo(emsp, **feed, max_energy_wh=11_000, overstay_s=600, speed=36_000) as running:
        await running.registered()
        await emsp.start(station)
        document = await cdr(emsp)
    assert document["total_energy"] == 11
    assert document["total_parking_time"] == Decimal("0.1667")
    assert document["total_cost"] == {"excl_vat": Decimal("5.5"), "incl_vat": Decimal("6.655")}


async def test_sends_credentials_and_routing_with_every_push(cpo: RunningCpo, emsp: FakeEmsp, station: Station) -> None:
    await emsp.start(station)
    await active(emsp)
    pushes = [r for r in emsp.received if r.path.startswith(("/results", "/2.2.1/sessions", "/2.2.1/locations"))]
    assert len(pushes) >= 4
    for push in pushes:
        assert push.headers["authorization"] == "Token dG9rZW4tYi1vZi10aGUtZmFrZS1lbXNw", TOKEN_B
        assert (push.headers["ocpi-from-country-code"], push.headers["ocpi-from-party-id"]) == ("NL", "SBX")
        assert (push.headers["ocpi-to-country-code"], push.headers["ocpi-to-party-id"]) == ("NL", "EMS")
        assert push.headers["x-request-id"]


async def test_started_twice_with_one_reference_is_one_session(
    cpo: RunningCpo, emsp: FakeEmsp, station: Station
) -> None:
    await emsp.start(station)
    await active(emsp)
    assert await emsp.start(station, number=2) == {"result": "ACCEPTED", "timeout": 30}
    await until(lambda: emsp.bodies("POST", "/results/2"))
    assert emsp.bodies("POST", "/results/2") == [{"result": "ACCEPTED"}]
    assert len((await cpo.books())["sessions"]) == 1


async def test_at_an_occupied_evse_is_refused(cpo: RunningCpo, emsp: FakeEmsp, station: Station) -> None:
    await emsp.start(station)
    await active(emsp)
    await emsp.start(station, reference="REF-2", number=2)
    await until(lambda: emsp.bodies("POST", "/results/2"))
    assert emsp.bodies("POST", "/results/2") == [{"result": "EVSE_OCCUPIED"}]
    assert len(sessions(emsp, "PUT")) == 1


async def test_survives_a_restart_of_the_cpo_and_an_absent_emsp(
    emsp: FakeEmsp, feed: Any, station: Station, tmp_path: Any
) -> None:
    state = tmp_path / "cpo.json"
    async with running_cpo(emsp, **feed, state=state) as first:
        await first.registered()
        await emsp.start(station)
        session_id = await active(emsp)
    emsp.failing = True
    async with running_cpo(emsp, **feed, state=state, port=first.options.port) as second:
        await second.lever("unplug", session_id=session_id)
        (kept,) = (await second.books())["cdrs"]
        assert emsp.bodies("POST", "/2.2.1/cdrs") == []
        emsp.failing = False
        assert (await cdr(emsp))["id"] == kept["id"]
    assert len({body["id"] for body in emsp.bodies("POST", "/2.2.1/cdrs")}) == 1
