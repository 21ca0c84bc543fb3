"""Operators that publish the same stations, each under a party of its own: an honest one and some that lie."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from emsp.demo.app_client import AppClient
from tests.stories.lies import Ended, Json, emsp, sync
from tests.stories.world import World

PAGE = 5
STATIONS, TARIFFS = 11, 6
"""The last page holds one object, of stations and of tariffs."""
TOKEN_A = "twins-token-a"
FIND = """
query ($text: String!) {
  searchPlaces(text: $text, first: 100) {
    nodes {
      id name address { street city postalCode country } coordinates { latitude longitude } operator { name } timeZone
      evses {
        id evseId status statusAsOf capabilities
        connectors { id standard format powerType maxPowerKw priceMissingReason tariff { summary missingReason } }
      }
    }
  }
}"""


@dataclass
class Twin:
    """An operator that was connected, and what that brought."""

    world: World
    name: str
    url: str
    connected: Ended
    pulled: list[Ended] = field(default_factory=list)
    """How each pull by hand ended."""

    @property
    def prefix(self) -> str:
        """How its EVSE-IDs begin."""
        return f"PT*{self.name}"

    async def pull(self, *arguments: str) -> Ended:
        """One pull by hand."""
        self.pulled.append(await asyncio.to_thread(sync, self.world, self.name, *arguments))
        return self.pulled[-1]

    def lever(self, lever: str, **body: Any) -> Json:
        """Pull a lever of the operator."""
        answer = httpx.post(f"{self.url}/sandbox/{lever}", json=body, timeout=60).raise_for_status()
        told: Json = answer.json()
        return told

    def books(self) -> Json:
        """The operator's own books."""
        books: Json = httpx.get(f"{self.url}/sandbox/books", timeout=60).json()
        return books

    async def stations(self, app: AppClient) -> list[Json]:
        """Its stations as a driver sees them, by name."""
        nodes = (await app.ask(FIND, text=f"{self.prefix}*"))["searchPlaces"]["nodes"]
        return sorted(nodes, key=lambda station: str(station["name"]))

    async def catalogue(self, app: AppClient) -> list[Json]:
        """Its stations, with nothing in them that tells whose they are."""
        text = json.dumps(await self.stations(app)).replace(f"*{self.name}*", "*TWN*")
        return [_nameless(station) for station in json.loads(text)]

    async def becomes(self, app: AppClient, evse_id: str, status: str) -> None:
        """Wait until drivers see another status."""
        deadline = time.monotonic() + 60
        while True:
            evses = {evse["evseId"]: evse for station in await self.stations(app) for evse in station["evses"]}
            if evses[evse_id]["status"] == status:
                return
            assert time.monotonic() < deadline, f"{evses[evse_id]} did not become {status}"
            await asyncio.sleep(0.3)


def _nameless(value: Any) -> Any:
    """Without ids and moments."""
    if isinstance(value, list):
        return [_nameless(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _nameless(member) for name, member in value.items() if name not in ("id", "statusAsOf")}


@asynccontextmanager
async def twin(world: World, folder: Path, name: str, *options: str) -> AsyncIterator[Twin]:
    """An operator of party PT/`name` that runs with these options, connected by hand."""
    feed = ["--locations", str(_feed(folder / f"{name}-locations.jsonl", locations(name)))]
    feed += ["--tariffs", str(_feed(folder / f"{name}-tariffs.jsonl", tariffs(name)))]
    all_options = ["--token", TOKEN_A, "--page-limit", str(PAGE), "--speed", "40", *feed, *options]
    world.processes.start(name, "sandbox", "cpo", *all_options, announces=True)
    try:
        versions_url = (await asyncio.to_thread(world.processes.announced, name))["versions_url"]
        connected = await asyncio.to_thread(connect, world, versions_url, TOKEN_A, name)
        yield Twin(world, name, versions_url.removesuffix("/ocpi/versions"), connected)
    finally:
        world.kill(name)


def connect(world: World, versions_url: str, token: str, name: str) -> Ended:
    """Register at an operator by hand, and pull it."""
    return emsp(world, "partners", "connect", versions_url, token, "--name", name)


def _feed(path: Path, objects: list[Json]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in objects))
    return path


def locations(party: str) -> list[Json]:
    """Stations in Lisbon with two charge points each."""
    return [_location(party, number) for number in range(1, STATIONS + 1)]


def _location(party: str, number: int) -> Json:
    location_id = f"SBX{number:05d}"
    return {
        "country_code": "PT",
        "party_id": party,
        "id": location_id,
        "publish": True,
        "name": f"Rua {number:02d}",
        "address": f"Rua Augusta {number}",
        "city": "Lisboa",
        "postal_code": f"1100-{number:03d}",
        "country": "PRT",
        "coordinates": {"latitude": f"38.7{number:02d}", "longitude": f"-9.1{number:02d}"},
        "operator": {"name": "Gémeos"},
        "time_zone": "Europe/Lisbon",
        "evses": [_evse(party, number, index) for index in (1, 2)],
        "last_updated": "2026-01-01T00:00:00Z",
    }


def _evse(party: str, number: int, index: int) -> Json:
    connector = {
        "id": "1",
        "standard": "IEC_62196_T2",
        "format": "SOCKET" if index == 1 else "CABLE",
        "power_type": "AC_3_PHASE",
        "max_voltage": 230,
        "max_amperage": 32 if index == 1 else 16,
        "max_electric_power": 22000 if index == 1 else 11000,
        "tariff_ids": [f"T{number % TARIFFS + 1}"],
        "last_updated": "2026-01-01T00:00:00Z",
    }
    return {
        "uid": f"SBX{number:05d}-{index}",
        "evse_id": f"PT*{party}*E{number:06d}*{index}",
        "status": "AVAILABLE" if (number + index) % 3 else "OUTOFORDER",
        "capabilities": ["REMOTE_START_STOP_CAPABLE", "RFID_READER"],
        "connectors": [connector],
        "last_updated": "2026-01-01T00:00:00Z",
    }


def tariffs(party: str) -> list[Json]:
    """Prices per kWh, each another one."""
    return [_tariff(party, number) for number in range(1, TARIFFS + 1)]


def _tariff(party: str, number: int) -> Json:
    price = {"type": "ENERGY", "price": 0.30 + number / 100, "vat": 23, "step_size": 1}
    return {
        "country_code": "PT",
        "party_id": party,
        "id": f"T{number}",
        "currency": "EUR",
        "elements": [{"price_components": [price]}],
        "last_updated": "2026-01-01T00:00:00Z",
    }


def free_of(stations: list[Json]) -> tuple[Json, Json]:
    """A station's free charge point of 22 kW: (connector as `World.connector` gives it, its EVSE)."""
    for station in stations:
        for evse in station["evses"]:
            if evse["status"] == "AVAILABLE" and evse["evseId"].endswith("*1"):
                return evse["connectors"][0] | {"evse": evse, "station": station}, evse
    raise AssertionError("nothing is free")
