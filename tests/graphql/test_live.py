"""What is watched over a WebSocket: the current state first, then every change."""

import json
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import websockets

from emsp import events
from emsp.charging.lifecycle import State
from emsp.charging.session import advance, locked
from emsp.db.engine import transaction
from emsp.graphql import ids
from emsp.graphql.server import routes
from tests.graphql import rows
from tests.graphql.conftest import Town
from tests.graphql.watching import PROTOCOL, UTRECHT, served, set_status, watching

SESSION = "subscription ($id: ID!) { chargingSessionChanged(id: $id) { id state timeline { text } } }"
STATIONS = """subscription ($box: BoxInput!) {
  stationAvailabilityChanged(box: $box) {
    station { name availability { available } evses { status } } availability { available occupied total }
  }
}"""


@pytest.fixture
async def url(database: str) -> AsyncIterator[str]:
    async with served(routes()) as address:
        yield address


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

        await set_status(town, "CHARGING")
        changed = await app.seen("stationAvailabilityChanged")

    assert changed["availability"] == {"available": 0, "occupied": 2, "total": 2}
    assert changed["station"]["availability"] == {"available": 0}
    assert changed["station"]["evses"] == [{"status": "OCCUPIED"}, {"status": "OCCUPIED"}]


async def test_that_many_changes_make_it_look_again_at_the_whole_box(url: str, town: Town) -> None:
    async with watching(url, STATIONS, {"box": UTRECHT}) as app:
        await app.seen("stationAvailabilityChanged")
        await set_status(town, "CHARGING", wake="*")
        assert (await app.seen("stationAvailabilityChanged"))["availability"]["available"] == 0


async def test_that_what_happens_elsewhere_is_not_told(url: str, town: Town) -> None:
    async with transaction() as db:
        far = await rows.station(db, town.station.partner_id, 2, longitude=13.4, latitude=52.5)
        await rows.evse(db, far, 1)
    async with watching(url, STATIONS, {"box": UTRECHT}) as app:
        await app.seen("stationAvailabilityChanged")
        async with transaction() as db:
            await events.wake(db, "stations", [[far.id, far.longitude, far.latitude]])
        await set_status(town, "CHARGING")
        assert (await app.seen("stationAvailabilityChanged"))["station"]["name"] == "Station 1"


async def test_that_a_query_may_be_asked_over_the_socket_too(url: str, town: Town) -> None:
    async with watching(url, "{ brand { name } viewer { driver { email } } }", {}, "zoe-token", "stroom") as app:
        message = await app.next()
        assert message["payload"]["data"] == {
            "brand": {"name": "Stroom"},
            "viewer": {"driver": {"email": "zoe@example.com"}},
        }
