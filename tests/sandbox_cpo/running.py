"""Servers of the tests: a sandbox CPO whose chargers are in a hurry, on a free port of loopback."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.applications import Starlette

from emsp.sandbox.cpo import CpoOptions, build_app

from .fake_emsp import FakeEmsp

INVITATION = "token-a-for-the-tests"


@contextlib.asynccontextmanager
async def serving(app: Starlette, listener: socket.socket) -> AsyncIterator[None]:
    """Serves an application on a socket for as long as the block runs."""
    config = uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    try:
        yield
    finally:
        server.should_exit = True
        await task


def free_socket(port: int = 0) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))


@dataclass
class RunningCpo:
    """A CPO that serves, and how to reach it."""

    url: str
    options: CpoOptions
    emsp: FakeEmsp

    async def lever(self, name: str, /, **body: Any) -> Any:
        """Pulls one of the sandbox's levers."""
        answer = await self.emsp.client.post(f"{self.url}/sandbox/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def books(self) -> Any:
        return (await self.emsp.client.get(f"{self.url}/sandbox/books")).json()

    async def registered(self) -> "RunningCpo":
        await self.emsp.register(f"{self.url}/ocpi/versions", INVITATION)
        return self


def hurried(port: int, **changes: Any) -> CpoOptions:
    """Options of a CPO whose chargers take no time to answer and pass an hour in half a second."""
    defaults: dict[str, Any] = {
        "token": INVITATION,
        "stations": 12,
        "speed": 7200,
        "reply_after_s": 0.02,
        "plug_in_after_s": 0.02,
        "update_every_s": 0.05,
    }
    return CpoOptions(port=port, **{**defaults, **changes})


@contextlib.asynccontextmanager
async def running_cpo(emsp: FakeEmsp, port: int = 0, **changes: Any) -> AsyncIterator[RunningCpo]:
    listener = free_socket(port)
    options = hurried(listener.getsockname()[1], **changes)
    async with serving(build_app(options), listener):
        yield RunningCpo(f"http://127.0.0.1:{options.port}", options, emsp)


async def until(found: Callable[[], Any], patience_s: float = 20) -> Any:
    """Waits until something is there."""
    async with asyncio.timeout(patience_s):
        while not (result := found()):  # noqa: ASYNC110 - what is awaited happens in the servers
            await asyncio.sleep(0.01)
    return result


def sessions(emsp: FakeEmsp, method: str) -> list[Any]:
    return emsp.bodies(method, "/2.2.1/sessions/NL/SBX/")


async def active(emsp: FakeEmsp) -> str:
    """Waits for the session to be active; its id."""
    await until(lambda: any(body.get("status") == "ACTIVE" for body in sessions(emsp, "PATCH")))
    return str(sessions(emsp, "PUT")[0]["id"])


async def cdr(emsp: FakeEmsp) -> Any:
    await until(lambda: emsp.bodies("POST", "/2.2.1/cdrs"))
    return emsp.bodies("POST", "/2.2.1/cdrs")[0]


STATION: dict[str, Any] = {
    "country_code": "NL",
    "party_id": "SBX",
    "id": "LOC1",
    "publish": True,
    "name": "Test square",
    "address": "Test square 1",
    "city": "Utrecht",
    "country": "NLD",
    "coordinates": {"latitude": "52.090000", "longitude": "5.120000"},
    "evses": [
        {
            "uid": "LOC1-1",
            "evse_id": "NL*SBX*E1*1",
            "status": "AVAILABLE",
            "connectors": [
                {
                    "id": "1",
                    "standard": "IEC_62196_T2",
                    "format": "SOCKET",
                    "power_type": "AC_3_PHASE",
                    "max_voltage": 230,
                    "max_amperage": 32,
                    "max_electric_power": 22000,
                    "tariff_ids": ["T1"],
                    "last_updated": "2026-01-01T00:00:00Z",
                }
            ],
            "last_updated": "2026-01-01T00:00:00Z",
        }
    ],
    "time_zone": "Europe/Amsterdam",
    "last_updated": "2026-01-01T00:00:00Z",
}
TARIFF: dict[str, Any] = {
    "country_code": "NL",
    "party_id": "SBX",
    "id": "T1",
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.5, "vat": 21, "step_size": 1}]}],
    "last_updated": "2026-01-01T00:00:00Z",
}
