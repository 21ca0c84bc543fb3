"""What is watched over a WebSocket: the current state first, then every change."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
import uvicorn
import websockets
from starlette.applications import Starlette

from emsp import clock, events
from emsp.charging.lifecycle import State
from emsp.charging.session import advance, locked
from emsp.db.engine import transaction
from emsp.graphql import ids
from emsp.graphql.server import routes
from emsp.stations.tables import Evse
from tests.graphql import rows
from tests.graphql.conftest import Town

PROTOCOL = websockets.Subprotocol("graphql-transport-ws")
SESSION = "subscription ($id: ID!) { chargingSessionChanged(id: $id) { id state timeline { text } } }"
STATIONS = """subscription ($box: BoxInput!) {
  stationAvailabilityChanged(box: $box) {
    station { name availability { available } evses { status } } availability { available occupied total }
  }
}"""
UTRECHT = {"west": 5.0, "south": 52.0, "east": 5.2, "north": 52.2}


@pytest.fixture
async def url(database: str) -> AsyncIterator[str]:
    """The API at an address of this machine."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes()), log_config=None, lifespan="off"))
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

    async def next(self) -> Any:
        """The next message."""
        return json.loads(await asyncio.wait_for(self.connection.recv(), 10))

    async def seen(self, name: str) -> Any:
        """The next value of a subscription."""
        message = await self.next()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        return message["payload"]["data"][name]


@asynccontextmanager
async def watching(
    url: str, document: str, variables: Any, token: str | None = None, brand: str | None = None
) -> AsyncIterator[Watcher]:
    """A subscription under way."""
    payload = {"Authorization": f"Bearer {token}"} if token else {}
    payload |= {"X-Brand": brand} if brand else {}
    async with websockets.connect(url, subprotocols=[PROTOCOL]) as connection:
        watcher = Watcher(connection)
        await watcher.send(type="connection_init", payload=payload)
        assert (await watcher.next())["type"] == "connection_ack"
        await watcher.send(type="subscribe", id="1", payload={"query": document, "variables": variables})
        yield watcher


async def _move(town: Town, state: State, text: str) -> None:
    async with transaction() as db:
        assert await advance(db, await locked(db, town.session.id), state, text)


async def test_that_a_session_is_followed_until_it_is_settled(url: str, town: Town) -> None:
    variables = {"id": ids.encode("ChargingSession", town.session.id)}
    async with watching(url, SESSION, variables, "ada-token") as app:
        seen = [(await app.seen("chargingSessionChanged"))["state"]]
        for state in (State.STOPPING, State.ENDED, State.SETTLED):
            await _move(town, state, f"It is {state}.")
            while seen[-1] != state:
                changed = await app.seen("chargingSessionChanged")
                seen.append(changed["state"])
        assert await app.next() == {"id": "1", "type": "complete"}
    assert list(dict.fromkeys(seen)) == ["CHARGING", "STOPPING", "ENDED", "SETTLED"]
    assert [line["text"] for line in changed["timeline"]] == ["It is STOPPING.", "It is ENDED.", "It is SETTLED."]


async def test_that_a_session_that_is_over_is_shown_once(url: str, town: Town) -> None:
    async with transaction() as db:
        (await db.get_one(type(town.session), town.session.id)).state = "FAILED"
    variables = {"id": ids.encode("ChargingSession", town.session.id)}
    async with watching(url, SESSION, variables, "ada-token") as app:
        assert (await app.seen("chargingSessionChanged"))["state"] == "FAILED"
        assert (await app.next())["type"] == "complete"


@pytest.mark.parametrize(("token", "brand"), [("ben-token", None), ("zoe-token", "stroom"), (None, None)])
async def test_that_nobody_follows_somebody_else_s_session(url: str, town: Town, token: str, brand: str) -> None:
    for key in (town.session.id, uuid4()):
        async with watching(url, SESSION, {"id": ids.encode("ChargingSession", key)}, token, brand) as app:
            message = await app.next()
            [error] = message["payload"]["errors"] if message["type"] == "next" else message["payload"]
            assert error["message"] == "There is nothing with this id."
            assert error["extensions"]["code"] == "NOT_FOUND"


async def test_that_a_token_that_is_not_good_closes_the_socket(url: str, town: Town) -> None:
    async with websockets.connect(url, subprotocols=[PROTOCOL]) as connection:
        await connection.send(json.dumps({"type": "connection_init", "payload": {"Authorization": "Bearer bogus"}}))
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await connection.recv()
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 4403


async def test_that_a_pin_moves_when_a_charge_point_changes(url: str, town: Town) -> None:
    async with watching(url, STATIONS, {"box": UTRECHT}) as app:
        first = await app.seen("stationAvailabilityChanged")
        assert first["station"]["name"] == "Station 1"
        assert first["availability"] == {"available": 1, "occupied": 1, "total": 2}

        await _occupy(town, wake=[town.station.id, town.station.longitude, town.station.latitude])
        changed = await app.seen("stationAvailabilityChanged")

    assert changed["availability"] == {"available": 0, "occupied": 2, "total": 2}
    assert changed["station"]["availability"] == {"available": 0}
    assert changed["station"]["evses"] == [{"status": "OCCUPIED"}, {"status": "OCCUPIED"}]


async def test_that_many_changes_make_it_look_again_at_the_whole_box(url: str, town: Town) -> None:
    async with watching(url, STATIONS, {"box": UTRECHT}) as app:
        await app.seen("stationAvailabilityChanged")
        await _occupy(town, wake="*")
        assert (await app.seen("stationAvailabilityChanged"))["availability"]["available"] == 0


async def test_that_what_happens_elsewhere_is_not_told(url: str, town: Town) -> None:
    async with transaction() as db:
        far = await rows.station(db, town.station.partner_id, 2, longitude=13.4, latitude=52.5)
        await rows.evse(db, far, 1)
    async with watching(url, STATIONS, {"box": UTRECHT}) as app:
        await app.seen("stationAvailabilityChanged")
        async with transaction() as db:
            await events.wake(db, "stations", [[far.id, far.longitude, far.latitude]])
        await _occupy(town, wake=[town.station.id, town.station.longitude, town.station.latitude])
        assert (await app.seen("stationAvailabilityChanged"))["station"]["name"] == "Station 1"


async def test_that_a_query_may_be_asked_over_the_socket_too(url: str, town: Town) -> None:
    async with watching(url, "{ brand { name } viewer { driver { email } } }", {}, "zoe-token", "stroom") as app:
        message = await app.next()
        assert message["payload"]["data"] == {
            "brand": {"name": "Stroom"},
            "viewer": {"driver": {"email": "zoe@example.com"}},
        }


async def _occupy(town: Town, wake: Any) -> None:
    """A car takes the free charge point."""
    async with transaction() as db:
        evse = await db.get_one(Evse, town.evse.id)
        evse.status, evse.status_as_of = "CHARGING", clock.now()
        await events.wake(db, "stations", [wake])
