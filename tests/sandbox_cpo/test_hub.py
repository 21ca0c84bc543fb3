"""The sandbox as a hub ..."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from .fake_emsp import ROUTING, TOKEN, FakeEmsp
from .field_tables import TABLES, faults
from .running import RunningCpo, running_cpo, until

TO_HUB = {"OCPI-to-country-code": "NL", "OCPI-to-party-id": "HUB"}
RECEIVERS = ("locations", "sessions", "cdrs", "tariffs", "hubclientinfo")
Location = dict[str, Any]


@contextlib.asynccontextmanager
async def hub_of(emsp: FakeEmsp, version: str = "2.2.1", **options: Any) -> AsyncIterator[RunningCpo]:
    """A registered hub with 40 made-up stations; the fake eMSP sends routing headers to the hub."""
    emsp.version = emsp.offered_version = version
    emsp.receivers = RECEIVERS
    async with running_cpo(emsp, versions=(version,), role="hub", stations=40, **options) as running:
        yield await running.registered()


@pytest.fixture
async def hub(emsp: FakeEmsp) -> AsyncIterator[RunningCpo]:
    async with hub_of(emsp) as running:
        emsp.headers = {**ROUTING, **TO_HUB}
        yield running


def to(party: Location) -> dict[str, str]:
    return {"OCPI_to_country_code": party["country_code"], "OCPI_to_party_id": party["party_id"]}


async def free_place(emsp: FakeEmsp) -> Location:
    """A location with a free EVSE, that one first."""
    for location in await emsp.data("GET", emsp.endpoints["locations"]):
        if free := [evse for evse in location["evses"] if evse["status"] == "AVAILABLE"]:
            return {**location, "evses": free}
    raise AssertionError("every EVSE is taken")


def start_of(emsp: FakeEmsp, location: Location) -> dict[str, Any]:
    place = {"location_id": location["id"], "evse_uid": location["evses"][0]["uid"]}
    return {"response_url": f"{emsp.url}/results/1", "token": TOKEN, **place}


async def asked(emsp: FakeEmsp, method: str, url: str, body: Any = None, **headers: str) -> tuple[int, str]:
    answer = (await emsp.ask(method, url, body, **headers)).json()
    return answer["status_code"], answer["status_message"]


async def test_of_2_2_1_names_itself_and_tells_of_its_parties(emsp: FakeEmsp) -> None:
    async with hub_of(emsp) as hub:
        theirs = await emsp.data("GET", emsp.endpoints["credentials"])
        listed = await emsp.data("GET", emsp.endpoints["hubclientinfo"])
        await until(lambda: len(emsp.bodies("PUT", "/2.2.1/hubclientinfo")) == len(listed))
        parties = (await hub.books())["parties"]
    assert [(r["role"], r["country_code"], r["party_id"]) for r in theirs["roles"]] == [("HUB", "NL", "HUB")]
    assert {entry["party_id"] for entry in listed} == {"SBX", "KRB", "LNT", "HWY"}
    assert {(entry["role"], entry["status"]) for entry in listed} == {("CPO", "CONNECTED")}
    assert emsp.bodies("PUT", "/2.2.1/hubclientinfo") == listed
    assert [(p["country_code"], p["party_id"]) for p in parties] == [(e["country_code"], e["party_id"]) for e in listed]
    pushes = [r for r in emsp.received if r.path.startswith("/2.2.1/hubclientinfo")]
    assert not [name for push in pushes for name in push.headers if name.startswith("ocpi-")]


async def test_of_2_3_0_names_every_party_that_it_reaches(emsp: FakeEmsp) -> None:
    async with hub_of(emsp, "2.3.0") as hub:
        await hub.lever("party-status", party_id="KRB", status="SUSPENDED")
        theirs = await emsp.data("GET", emsp.endpoints["credentials"])
        listed = await emsp.data("GET", emsp.endpoints["hubclientinfo"])
    assert theirs["hub_party_id"] == "NLHUB"
    assert {role["role"] for role in theirs["roles"]} == {"CPO"}
    assert {role["party_id"] for role in theirs["roles"]} == {"SBX", "LNT", "HWY"}
    assert {entry["status"] for entry in listed if entry["party_id"] == "KRB"} == {"SUSPENDED"}


@pytest.mark.skipif(not TABLES.exists(), reason="the field tables of OCPI are not beside the project")
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
async def test_speaks_as_the_field_tables_have_it(emsp: FakeEmsp, version: str) -> None:
    async with hub_of(emsp, version):
        credentials = await emsp.data("GET", emsp.endpoints["credentials"])
        clients = await emsp.data("GET", emsp.endpoints["hubclientinfo"])
    assert faults(version, "Credentials", credentials) == []
    assert [fault for client in clients for fault in faults(version, "ClientInfo", client)] == []


async def test_presents_its_parties_where_it_joined(emsp: FakeEmsp) -> None:
    emsp.receivers = RECEIVERS
    async with running_cpo(emsp, role="hub", stations=40) as hub:
        answer = await hub.lever("connect", versions_url=f"{emsp.url}/versions", token="theirs")
        parties = (await hub.books())["parties"]
        await until(lambda: len(emsp.bodies("PUT", "/2.2.1/hubclientinfo")) == len(parties))
    assert answer["version"] == "2.2.1"


async def test_lists_the_objects_of_everyone_or_of_the_party_asked(hub: RunningCpo, emsp: FakeEmsp) -> None:
    everyone = await emsp.data("GET", emsp.endpoints["locations"])
    assert {location["party_id"] for location in everyone} == {"SBX", "KRB", "LNT", "HWY"}
    answer = await emsp.ask("GET", emsp.endpoints["locations"], **to(everyone[0]))
    own = [
        o
        for o in everyone
        if (o["country_code"], o["party_id"]) == (everyone[0]["country_code"], everyone[0]["party_id"])
    ]
    assert [location["id"] for location in answer.json()["data"]] == [location["id"] for location in own]
    assert answer.headers["x-total-count"] == str(len(own))
    assert (answer.headers["ocpi-from-party-id"], answer.headers["ocpi-to-party-id"]) == (own[0]["party_id"], "EMS")


async def test_delivers_a_charge_from_the_operator_to_the_emsp(hub: RunningCpo, emsp: FakeEmsp) -> None:
    location = await free_place(emsp)
    url = f"{emsp.endpoints['commands']}START_SESSION"
    answer = await emsp.ask("POST", url, start_of(emsp, location), **to(location))
    assert answer.json()["data"]["result"] == "ACCEPTED"
    assert answer.headers["ocpi-from-party-id"] == location["party_id"]
    path = f"/2.2.1/sessions/{location['country_code']}/{location['party_id']}"
    await until(lambda: any(body.get("status") == "ACTIVE" for body in emsp.bodies("PATCH", path)))
    await hub.lever("unplug", session_id=emsp.bodies("PUT", path)[0]["id"])
    await until(lambda: emsp.bodies("POST", "/2.2.1/cdrs"))
    for module, sender in (("results", location["party_id"]), ("sessions", location["party_id"]), ("locations", "HUB")):
        pushed = [r for r in emsp.received if f"/{module}/" in r.path and r.method != "GET"]
        assert {r.headers["ocpi-from-party-id"] for r in pushed} == {sender}
        assert {(r.headers["ocpi-to-country-code"], r.headers["ocpi-to-party-id"]) for r in pushed} == {("NL", "EMS")}


async def test_broadcasts_what_is_published(hub: RunningCpo, emsp: FakeEmsp) -> None:
    location = await free_place(emsp)
    await hub.lever("push-locations", location_id=location["id"])
    (push,) = [r for r in emsp.received if r.method == "PUT" and "/locations/" in r.path]
    assert push.path == f"/2.2.1/locations/{location['country_code']}/{location['party_id']}/{location['id']}"
    assert (push.headers["ocpi-from-country-code"], push.headers["ocpi-from-party-id"]) == ("NL", "HUB")


async def test_finds_the_party_itself_when_none_is_named(hub: RunningCpo, emsp: FakeEmsp) -> None:
    location = await free_place(emsp)
    emsp.headers = dict(ROUTING)
    answer = await emsp.ask("POST", f"{emsp.endpoints['commands']}START_SESSION", start_of(emsp, location))
    assert answer.json()["data"]["result"] == "ACCEPTED"
    assert answer.headers["ocpi-from-party-id"] == location["party_id"]
    assert answer.headers["ocpi-to-party-id"] == "EMS"


async def test_does_not_deliver_to_who_cannot_be_reached(hub: RunningCpo, emsp: FakeEmsp) -> None:
    location = await free_place(emsp)
    party, url = f"{location['country_code']}/{location['party_id']}", f"{emsp.endpoints['commands']}START_SESSION"
    body = start_of(emsp, location)
    stranger = to({"country_code": "NL", "party_id": "ZZZ"})
    assert await asked(emsp, "POST", url, body, **stranger) == (4001, "OCPI-to: NL/ZZZ is not reachable over this hub")

    await hub.lever("party-status", party_id=location["party_id"], status="OFFLINE")
    info = f"/2.2.1/hubclientinfo/{party}"
    await until(lambda: [b for b in emsp.bodies("PUT", info) if b["status"] == "OFFLINE"])
    assert await asked(emsp, "POST", url, body, **to(location)) == (
        4003,
        f"OCPI-to: {party} is not connected at the moment",
    )
    emsp.headers = dict(ROUTING)
    assert (await asked(emsp, "POST", url, body))[0] == 4003
    await hub.lever("party-status", party_id=location["party_id"], status="SUSPENDED")
    assert (await asked(emsp, "POST", url, body, **to(location)))[0] == 4001
    await hub.lever("party-status", party_id=location["party_id"], status="CONNECTED")
    assert (await asked(emsp, "POST", url, body, **to(location)))[0] == 1000
    assert len((await hub.books())["sessions"]) == 1


async def test_takes_tokens_for_everyone(hub: RunningCpo, emsp: FakeEmsp) -> None:
    url = emsp.endpoints["tokens"] + "NL/EMS/APP0001?type=APP_USER"
    assert (await asked(emsp, "PUT", url, TOKEN))[0] == 1000
    assert (await asked(emsp, "GET", url))[1] == "OCPI-to: GET tokens cannot be broadcast"
    assert [token["uid"] for token in (await hub.books())["tokens"]] == ["APP0001"]


async def test_insists_on_routing_headers_where_they_belong(emsp: FakeEmsp) -> None:
    async with hub_of(emsp) as hub:
        locations, clients = emsp.endpoints["locations"], emsp.endpoints["hubclientinfo"]
        assert await asked(emsp, "GET", locations) == (
            2001,
            "OCPI-from-country-code, OCPI-from-party-id: required for locations",
        )
        emsp.headers = dict(ROUTING)
        assert (await asked(emsp, "GET", locations))[1].startswith("OCPI-to-country-code, OCPI-to-party-id: required")
        assert (await asked(emsp, "GET", locations, OCPI_to_party_id="HUB"))[1] == (
            "OCPI-to-country-code: required beside the other one"
        )
        emsp.headers = {**ROUTING, **TO_HUB}
        assert (await asked(emsp, "GET", locations, OCPI_from_party_id="XXX"))[1] == (
            "OCPI-from: NL/XXX is not a party of this connection"
        )
        for url in (clients, f"{hub.url}/ocpi/versions", emsp.endpoints["credentials"]):
            assert (await asked(emsp, "GET", url))[0] == 2001
        assert (await asked(emsp, "GET", locations))[0] == 1000
        last = (await hub.books())["requests"][-1]
    assert (last["method"], last["path"], last["version"]) == ("GET", "/ocpi/2.2.1/locations", "2.2.1")
    assert last["authorization"] == "base64"
    assert last["routing"] == {
        "from-country-code": "NL",
        "from-party-id": "EMS",
        "to-country-code": "NL",
        "to-party-id": "HUB",
    }


async def test_repeats_the_ids_of_a_request(hub: RunningCpo, emsp: FakeEmsp) -> None:
    ids = {"X_Request_ID": "request-1", "X_Correlation_ID": "correlation-1"}
    answer = await emsp.ask("GET", emsp.endpoints["tariffs"], **ids)
    assert (answer.headers["x-request-id"], answer.headers["x-correlation-id"]) == ("request-1", "correlation-1")
    noted = (await hub.books())["requests"][-1]
    assert (noted["request_id"], noted["correlation_id"]) == ("request-1", "correlation-1")
