"""An app that watches over a WebSocket, and the API at an address of this machine."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
import websockets
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from emsp import clock, events
from emsp.db.engine import transaction
from emsp.stations import log
from emsp.stations.tables import Evse
from tests.graphql.conftest import Town

PROTOCOL = websockets.Subprotocol("graphql-transport-ws")
UTRECHT = {"west": 5.0, "south": 52.0, "east": 5.2, "north": 52.2}


@asynccontextmanager
async def served(routes: list[BaseRoute]) -> AsyncIterator[str]:
    """The API at an address of this machine."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield f"ws://127.0.0.1:{listening.getsockname()[1]}/graphql"
    server.should_exit = True
    await serving
    await events.wakes.close()


class Watcher:
    """An app with one open WebSocket."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def text(self, within_s: float = 10) -> str:
        """The next message, as it came."""
        return str(await asyncio.wait_for(self.connection.recv(), within_s))

    async def next(self) -> Any:
        """The next message."""
        return json.loads(await self.text())

    async def seen(self, name: str) -> Any:
        """The next value of a subscription."""
        message = await self.next()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        return message["payload"]["data"][name]


@asynccontextmanager
async def connected(url: str, token: str | None = None, brand: str | None = None) -> AsyncIterator[Watcher]:
    """A connection that was acknowledged."""
    payload = {"Authorization": f"Bearer {token}"} if token else {}
    payload |= {"X-Brand": brand} if brand else {}
    async with websockets.connect(url, subprotocols=[PROTOCOL]) as connection:
        watcher = Watcher(connection)
        await watcher.send(type="connection_init", payload=payload)
        assert (await watcher.next())["type"] == "connection_ack"
        yield watcher


@asynccontextmanager
async def watching(
    url: str, document: str, variables: Any, token: str | None = None, brand: str | None = None
) -> AsyncIterator[Watcher]:
    """A subscription under way."""
    async with connected(url, token, brand) as watcher:
        await watcher.send(type="subscribe", id="1", payload={"query": document, "variables": variables})
        yield watcher


def pin(town: Town) -> list[Any]:
    """How the town's station is named to whoever watches the map."""
    return [town.station.id, town.station.longitude, town.station.latitude]


async def set_status(town: Town, status: str, wake: Any = None) -> None:
    """The town's first charge point reports a status."""
    async with transaction() as db:
        evse = await db.get_one(Evse, town.evse.id)
        evse.status, evse.status_as_of = status, clock.now()
        await log.note(db, [town.station.id or 0], whole=False)
        await events.wake(db, "stations", [wake or pin(town)])
