"""A partner that begins the handshake itself, with a token that we handed out."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from emsp.demo.app_client import AppClient
from emsp.ocpi.wire import BASE64, token_header
from tests.stories.world import World

NAME, PARTY = "Guest", ("PT", "GST")
LISBON = {"west": -9.3, "south": 38.6, "east": -9.0, "north": 38.9}
STATIONS = """
query ($box: BoxInput!) {
  stations(where: {box: $box}) {
    nodes { id name operator { name } availability { available occupied outOfService total asOf }
            evses { evseId status connectors { tariff { summary missingReason } } } }
  }
}"""
FIND = """
query ($text: String!) { searchPlaces(text: $text) { nodes { id evses { evseId status statusAsOf } } } }"""
Body = dict[str, Any]


@dataclass
class Guest:
    """A second operator with two stations in Lisbon, and what it was told by us."""

    world: World
    url: str
    state: Path
    token_a: str
    connected: httpx.Response

    @property
    def token_c(self) -> str:
        """The token with which it calls us since it is registered."""
        token: str = json.loads(self.state.read_text())["connection"]["token_for_them"]
        return token

    def pull_lever(self, lever: str, **body: str) -> httpx.Response:
        return httpx.post(f"{self.url}/sandbox/{lever}", json=body, timeout=20)

    def call(self, method: str, path: str, token: str | None, body: Body | None = None) -> httpx.Response:
        """An OCPI request at us."""
        headers = {"Authorization": token_header(token, BASE64)} if token else {}
        url = f"{self.world.api}/ocpi/{path}"
        return httpx.request(method, url, headers=headers, json=body, timeout=20)


@pytest.fixture(scope="module")
def guest(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """Invited and registered, and pulled at once by the worker."""
    folder = tmp_path_factory.mktemp("guest")
    feed = ["--locations", str(_feed(folder / "locations.jsonl", _locations()))]
    feed += ["--tariffs", str(_feed(folder / "tariffs.jsonl", [_tariff()]))]
    state = folder / "guest.json"
    [invitation] = json.loads(world.processes.run("partners", "invite", NAME, "--json"))
    with _operator(world, "guest", "--state", str(state), *feed) as url:
        wish = {"versions_url": invitation["versions_url"], "token": invitation["token"]}
        connected = httpx.post(f"{url}/sandbox/connect", json=wish, timeout=20)
        yield Guest(world, url, state, invitation["token"], connected)


@contextmanager
def _operator(world: World, name: str, *options: str) -> Iterator[str]:
    world.processes.start(name, "sandbox", "cpo", *options, announces=True)
    try:
        yield world.processes.announced(name)["versions_url"].removesuffix("/ocpi/versions")
    finally:
        world.kill(name)


async def test_that_its_stations_are_pulled_and_its_pushes_arrive(world: World, guest: Guest) -> None:
    app = AppClient(world.api)
    assert guest.connected.status_code == 200
    assert guest.connected.json()["registered"] is True
    counts = await _pulled_by_the_worker(world)
    assert {module: (row["seen"], row["changed"], row["apart"]) for module, row in counts.items()} == {
        "tariffs": (1, 1, 0),
        "locations": (2, 2, 0),
        "sessions": (0, 0, 0),
        "cdrs": (0, 0, 0),
    }
    found = {station["name"]: station for station in (await app.ask(STATIONS, box=LISBON))["stations"]["nodes"]}
    assert set(found) == {"Rossio", "Belém"}
    assert found["Rossio"]["operator"]["name"] == "Guest Charging"
    assert [evse["status"] for evse in found["Rossio"]["evses"]] == ["AVAILABLE", "AVAILABLE"]
    assert "0.4" in found["Rossio"]["evses"][0]["connectors"][0]["tariff"]["summary"]
    guest.pull_lever("evse-status", location_id="LIS1", evse_uid="LIS1-2", status="CHARGING").raise_for_status()
    changed = await _changed(app, "PT*GST*E1*2", "AVAILABLE")
    assert changed["status"] == "OCCUPIED"
    after = {station["name"]: station for station in (await app.ask(STATIONS, box=LISBON))["stations"]["nodes"]}
    assert after["Belém"] == found["Belém"]
    assert (after["Rossio"]["availability"]["available"], after["Rossio"]["availability"]["occupied"]) == (1, 1)
    again = _pulled(world)
    assert again["locations"]["changed"] == again["locations"]["apart"] == 0, "what was pushed is not news"


@pytest.mark.parametrize("who", ["nobody", "a stranger", "who was invited and is registered since"])
def test_that_a_wrong_token_is_refused_in_the_envelope(world: World, guest: Guest, who: str) -> None:
    _pulled(world)
    token = {"nobody": None, "a stranger": "wrong"}.get(who, guest.token_a)
    place = f"2.2.1/locations/{'/'.join(PARTY)}/LIS2/LIS2-1"

    for method, path, body in (
        ("GET", "versions", None),
        ("GET", "2.2.1", None),
        ("GET", "2.2.1/credentials", None),
        ("GET", place, None),
        ("PATCH", place, _out_of_order()),
    ):
        answer = guest.call(method, path, token, body)
        assert answer.status_code == 401, path
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["www-authenticate"] == "Token"
        assert 2000 <= answer.json()["status_code"] < 3000
        assert answer.json().keys() - {"data"} == {"status_code", "status_message", "timestamp"}
        assert answer.json().get("data") is None
    kept = guest.call("GET", place, guest.token_c).json()
    assert (kept["status_code"], kept["data"]["status"]) == (1000, "AVAILABLE")


async def test_that_another_partys_object_is_refused_and_nothing_changes(world: World, guest: Guest) -> None:
    _pulled(world)
    app = AppClient(world.api)
    connector = await world.connector(app)
    evse_id = connector["evse"]["evseId"]
    country, party, number, index = evse_id.split("*")
    location_id = f"SBX{int(number[1:]):05d}"
    theirs = f"2.2.1/locations/{country}/{party}/{location_id}"
    before = await _evse(app, evse_id)
    disguised = _location("LIS9", "Nowhere") | {"country_code": country, "party_id": party}

    refused = [
        guest.call("PATCH", f"{theirs}/{location_id}-{index}", guest.token_c, _out_of_order()),
        guest.call("PUT", theirs, guest.token_c, _location(location_id, "Mine now")),
        guest.call("GET", theirs, guest.token_c),
        guest.call("DELETE", f"2.2.1/tariffs/{country}/{party}/{party}-ENERGY", guest.token_c),
        guest.call("PUT", f"2.2.1/tariffs/{country}/{party}/{party}-ENERGY", guest.token_c, _tariff()),
        guest.call("POST", "2.2.1/cdrs", guest.token_c, {"country_code": country, "party_id": party, "id": "1"}),
        guest.call("PUT", f"2.2.1/locations/{'/'.join(PARTY)}/LIS9", guest.token_c, disguised),
    ]

    for answer in refused:
        assert 2000 <= answer.json()["status_code"] < 3000, answer.request.url
        assert answer.json().get("data") is None
    assert [answer.status_code for answer in refused[:5]] == [404] * 5
    assert await _evse(app, evse_id) == before
    assert guest.call("GET", f"2.2.1/locations/{'/'.join(PARTY)}/LIS9", guest.token_c).status_code == 404
    assert (await app.ask(FIND, text="Mine now"))["searchPlaces"]["nodes"] == []
    world.free_connectors.append(connector)


async def test_that_who_claims_a_party_that_is_anothers_is_not_registered(world: World, guest: Guest) -> None:
    [invitation] = json.loads(world.processes.run("partners", "invite", "Impostor", "--json"))
    wish = {"versions_url": invitation["versions_url"], "token": invitation["token"]}

    with _operator(world, "impostor", "--stations", "1") as url:
        answer = await _posted(f"{url}/sandbox/connect", wish)

    assert answer.status_code == 502
    assert "HTTP 200, OCPI 2001" in answer.json()["error"]
    rows = {row["name"]: row for row in json.loads(world.processes.run("partners", "list", "--json"))}
    assert (rows["Impostor"]["state"], rows["Impostor"]["parties"]) == ("INVITED", "")
    assert rows[NAME] == {"name": NAME, "state": "REGISTERED", "version": "2.2.1", "parties": "PT GST"}
    assert rows["CPO"]["state"] == "REGISTERED"
    assert "NL SBX" in rows["CPO"]["parties"]
    assert "PT GST" not in rows["CPO"]["parties"]


async def _posted(url: str, body: Body) -> httpx.Response:
    async with httpx.AsyncClient(timeout=20) as client:
        return await client.post(url, json=body)


async def _pulled_by_the_worker(world: World) -> dict[str, Body]:
    """What the first pull of each module brought; nobody asks for it by hand."""
    for _ in range(60):
        rows = json.loads(world.processes.run("partners", "status", "--json"))
        modules: dict[str, Body] = next(row["modules"] for row in rows if row["name"] == NAME)
        if len(modules) == 4 and all(module["succeeded_at"] for module in modules.values()):
            return modules
        await asyncio.sleep(0.5)
    raise AssertionError(f"not pulled: {modules}")


def _pulled(world: World) -> dict[str, Body]:
    rows = json.loads(world.processes.run("partners", "sync", NAME, "--json"))
    assert all(row["failure"] is None for row in rows)
    return {row["module"]: row for row in rows}


async def _evse(app: AppClient, evse_id: str) -> Body:
    [station] = (await app.ask(FIND, text=evse_id))["searchPlaces"]["nodes"]
    return next(evse for evse in station["evses"] if evse["evseId"] == evse_id)


async def _changed(app: AppClient, evse_id: str, status: str) -> Body:
    """The charge point as soon as it has another status."""
    deadline = time.monotonic() + 10
    while True:
        evse = await _evse(app, evse_id)
        if evse["status"] != status:
            return evse
        assert time.monotonic() < deadline, f"still {evse}"
        await asyncio.sleep(0.1)


def _feed(path: Path, objects: list[Body]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in objects))
    return path


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _out_of_order() -> Body:
    return {"status": "OUTOFORDER", "last_updated": _now()}


def _owner() -> Body:
    return {"country_code": PARTY[0], "party_id": PARTY[1]}


def _locations() -> list[Body]:
    return [_location("LIS1", "Rossio"), _location("LIS2", "Belém", latitude="38.697")]


def _location(location_id: str, name: str, latitude: str = "38.714") -> Body:
    return _owner() | {
        "id": location_id,
        "publish": True,
        "name": name,
        "address": "Praça 1",
        "city": "Lisboa",
        "postal_code": "1100-200",
        "country": "PRT",
        "coordinates": {"latitude": latitude, "longitude": "-9.139"},
        "operator": {"name": "Guest Charging"},
        "time_zone": "Europe/Lisbon",
        "evses": [_evse_of(location_id, index) for index in (1, 2)],
        "last_updated": "2026-01-01T00:00:00Z",
    }


def _evse_of(location_id: str, index: int) -> Body:
    """Not to be started by app: the other stories choose from what can be."""
    connector = {
        "id": "1",
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": "AC_3_PHASE",
        "max_voltage": 230,
        "max_amperage": 32,
        "tariff_ids": ["GUEST"],
        "last_updated": "2026-01-01T00:00:00Z",
    }
    return {
        "uid": f"{location_id}-{index}",
        "evse_id": f"PT*GST*E{location_id[3:]}*{index}",
        "status": "AVAILABLE",
        "capabilities": ["RFID_READER"],
        "connectors": [connector],
        "last_updated": "2026-01-01T00:00:00Z",
    }


def _tariff() -> Body:
    price = {"type": "ENERGY", "price": 0.40, "vat": 23, "step_size": 1}
    return _owner() | {
        "id": "GUEST",
        "currency": "EUR",
        "elements": [{"price_components": [price]}],
        "last_updated": "2026-01-01T00:00:00Z",
    }
