"""Watchers who share their payloads are told, byte for byte, what strawberry's own handler would tell them."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
import websockets
from starlette.routing import BaseRoute, WebSocketRoute
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler

from emsp.db.engine import transaction
from emsp.graphql.live_map.documents import Documents
from emsp.graphql.schema import make_schema
from emsp.graphql.server import Door, routes
from tests.graphql import rows
from tests.graphql.conftest import Town
from tests.graphql.watching import UTRECHT, Watcher, connected, served, set_status

PUBLIC = """fragment Place on Station { id name operator { name } coordinates { latitude longitude } openNow }
subscription Pins($box: BoxInput!, $short: Boolean = false) {
  pin: stationAvailabilityChanged(box: $box) {
    __typename
    at: station { ...Place evses @skip(if: $short) { evseId status capabilities connectors { standard maxPowerKw } } }
    availability { available occupied reserved outOfService unknown total asOf freshness }
  }
}
query Else { brand { name } }"""
PRICED = """subscription ($box: BoxInput!) {
  stationAvailabilityChanged(box: $box) {
    availability { available } station { evses { connectors { tariff { summary } indicativePrice { missingReason } } } }
  }
}"""
IN_PARTS = """subscription ($west: Float!) {
  stationAvailabilityChanged(box: {west: $west, south: 52, east: 5.2, north: 52.2}) { station { name } }
}"""
ONLY = "subscription { stationAvailabilityChanged(box: {west: 5, south: 52, east: 5.2, north: 52.2}) { %s } }"
ASKED: dict[str, dict[str, Any]] = {
    "shared": {"query": PUBLIC, "variables": {"box": UTRECHT}, "operationName": "Pins"},
    "shared, with another variable": {
        "query": PUBLIC,
        "variables": {"box": UTRECHT, "short": True, "nobody": "asked"},
        "operationName": "Pins",
    },
    "not shared": {"query": PRICED, "variables": {"box": UTRECHT}},
    "a box of variables": {"query": IN_PARTS, "variables": {"west": 5.0}},
    "a box of ints": {"query": ONLY % "station { name }"},
    "a fragment at the root": {
        "query": (ONLY % "station { name }").replace("{", "{ ...All } fragment All on Subscription {", 1)
    },
    "another operation": {"query": PUBLIC, "variables": {"box": UTRECHT}, "operationName": "Else"},
    "no such operation": {"query": PUBLIC, "variables": {"box": UTRECHT}, "operationName": "Nope"},
    "a field that is not there": {"query": ONLY % "price"},
    "no fields": {"query": ONLY % ""},
    "no text": {"query": ""},
    "a list": {"query": [PUBLIC]},
    "a list for a name": {"query": PUBLIC, "variables": {"box": UTRECHT}, "operationName": ["Pins"]},
    "a list of variables": {"query": PUBLIC, "variables": ["box"], "operationName": "Pins"},
    "no box": {"query": PUBLIC, "operationName": "Pins"},
    "half a box": {"query": PUBLIC, "variables": {"box": {"west": 5.0}}, "operationName": "Pins"},
    "a box upside down": {"query": PUBLIC, "variables": {"box": UTRECHT | {"north": 50.0}}, "operationName": "Pins"},
    "too deep": {"query": ONLY % ("station { evses { " * 9 + "id" + " } }" * 9)},
    "two at once": {
        "query": "subscription { a: stationAvailabilityChanged(box: {}) { station { id } } b: __typename }"
    },
    "skipped": {"query": (ONLY % "station { id }").replace(") {", ") @skip(if: true) {")},
}
STATIONS = 2
REQUEST_ID = re.compile(r'"requestId":"[^"]*"')


class Plain(Door):
    """The API with strawberry's own handler."""

    graphql_transport_ws_handler_class = BaseGraphQLTransportWSHandler  # type: ignore[assignment]


def plain_routes() -> list[BaseRoute]:
    door = Plain(
        make_schema(introspection=True),
        graphql_ide=None,
        subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
        connection_init_wait_timeout=timedelta(seconds=10),
        allowed_origins=["*"],
    )
    return [WebSocketRoute("/graphql", door)]


@pytest.fixture
async def urls(database: str) -> AsyncIterator[tuple[str, str]]:
    """Where the API answers, and where strawberry's own handler does."""
    async with served(routes()) as ours, served(plain_routes()) as plain:
        yield ours, plain


@pytest.mark.parametrize("name", ASKED)
async def test_that_nobody_can_tell_the_difference(urls: tuple[str, str], town: Town, name: str) -> None:
    async with transaction() as db:
        other = await rows.station(db, town.station.partner_id, 2)
        await rows.evse(db, other, 1)
    async with AsyncExitStack() as stack:
        apps = [await stack.enter_async_context(connected(url, "ada-token")) for url in urls]
        for app in apps:
            await app.send(type="subscribe", id='an "id" of ours', payload=ASKED[name])
        ours, plain = [await _told(app, STATIONS) for app in apps]
        assert ours == plain
        if len(ours) == STATIONS and "complete" not in ours[-1]:
            await set_status(town, "CHARGING")
            ours, plain = [await _told(app, 1) for app in apps]
            assert ours == plain
        ours, plain = [await _told(app, 1, within_s=0.2) for app in apps]
        assert ours == plain
        assert not any('"next"' in text for text in ours)


async def test_that_a_box_with_too_many_stations_is_refused_alike(urls: tuple[str, str], town: Town) -> None:
    async with transaction() as db:
        for number in range(2, 1003):
            at = await rows.station(db, town.station.partner_id, number, longitude=5.1, operator_id=None)
            await rows.evse(db, at, 1)
    async with AsyncExitStack() as stack:
        apps = [await stack.enter_async_context(connected(url)) for url in urls]
        for app in apps:
            await app.send(type="subscribe", id="1", payload=ASKED["shared"])
        ours, plain = [await _told(app, 1) for app in apps]
    assert ours == plain
    assert "at most 1000 can be watched" in ours[0]


async def _told(app: Watcher, most: int, within_s: float = 10) -> list[str]:
    """So many values, or fewer when it ends before."""
    told: list[str] = []
    while len(told) < most and not any('"complete"' in text or '"error' in text for text in told):
        try:
            told.append(REQUEST_ID.sub("", await app.text(within_s)))
        except (TimeoutError, websockets.ConnectionClosed) as over:
            return [*told, str(over)] if str(over) else told
    return told


def test_that_what_is_public_is_shared() -> None:
    """A safety net for the tests above, which would also pass if nothing were."""
    read = Documents(make_schema(introspection=True)._schema)
    shared, priced = read.watched(PUBLIC, "Pins"), read.watched(PRICED, None)
    assert shared
    assert (shared.public, shared.variables) == (True, {"short"})
    assert priced
    assert not priced.public
    assert read.watched(PUBLIC, "Else") is None
