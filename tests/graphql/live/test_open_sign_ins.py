"""A WebSocket ends with the token that it came with."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import websockets
from sqlmodel import update

from emsp import clock
from emsp.accounts.tables import SignInToken
from emsp.accounts.tokens import sign_out
from emsp.db.engine import transaction
from emsp.graphql.server import routes
from tests.graphql.conftest import Town
from tests.graphql.watching import UTRECHT, Watcher, connected, served, set_status

PINS = """subscription ($box: BoxInput!) {
  stationAvailabilityChanged(box: $box) { availability { available } }
}"""


@pytest.fixture
async def url(database: str) -> AsyncIterator[str]:
    async with served(routes()) as address:
        yield address


async def _watch(app: Watcher) -> None:
    await app.send(type="subscribe", id="1", payload={"query": PINS, "variables": {"box": UTRECHT}})
    assert (await app.seen("stationAvailabilityChanged"))["availability"] == {"available": 1}


async def _closed(app: Watcher) -> tuple[int, str]:
    with pytest.raises(websockets.ConnectionClosed) as closed:
        await app.text(within_s=5)
    assert closed.value.rcvd
    return closed.value.rcvd.code, closed.value.rcvd.reason


async def test_that_signing_out_closes_the_sockets_of_that_sign_in_and_no_other(url: str, town: Town) -> None:
    async with connected(url, "ada-token") as ada, connected(url, "ben-token") as ben, connected(url) as nobody:
        for app in (ada, ben, nobody):
            await _watch(app)
        async with transaction() as db:
            await sign_out(db, town.volt.id, "ada-token")
        assert await _closed(ada) == (4403, "Forbidden")
        await set_status(town, "CHARGING")
        for app in (ben, nobody):
            assert (await app.seen("stationAvailabilityChanged"))["availability"] == {"available": 0}


async def test_that_a_token_that_ends_closes_its_socket(url: str, town: Town) -> None:
    async with transaction() as db:
        ends = clock.now() + timedelta(seconds=1.5)
        await db.execute(
            update(SignInToken).where(SignInToken.driver_id == town.ada.id).values(access_expires_at=ends)  # type: ignore[arg-type]
        )
    async with connected(url, "ada-token") as ada:
        await _watch(ada)
        assert await _closed(ada) == (4403, "Forbidden")
        assert timedelta() <= clock.now() - ends < timedelta(seconds=1)


async def test_that_a_good_token_is_left_alone(url: str, town: Town) -> None:
    async with connected(url, "ada-token") as ada:
        await _watch(ada)
        async with transaction() as db:
            await sign_out(db, town.volt.id, "ben-token")
        await asyncio.sleep(0.3)
        await ada.send(type="ping")
        assert await ada.next() == {"type": "pong"}
