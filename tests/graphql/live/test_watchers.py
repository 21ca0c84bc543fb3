"""Many watchers: a payload is made once, a slow app is told the newest only, whoever comes back sees all of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from emsp import clock, events
from emsp.db.engine import transaction
from emsp.graphql.live_map.hub import Hub
from emsp.graphql.live_map.renderings import Asked
from emsp.graphql.live_map.states import State
from emsp.graphql.live_map.subscriber import Subscriber
from emsp.graphql.loaders import Loaders
from emsp.graphql.schema import make_schema
from emsp.graphql.server import routes
from emsp.graphql.viewer import Asker, Context
from emsp.stations import log
from emsp.stations.availability import Availability
from emsp.stations.geo import Box
from emsp.stations.index import live
from emsp.stations.tables import Evse, Station
from tests.graphql import rows
from tests.graphql.conftest import Town
from tests.graphql.watching import UTRECHT, pin, served, set_status, watching

SCHEMA = make_schema(introspection=True)
PINS = """subscription ($box: BoxInput!) {
  stationAvailabilityChanged(box: $box) { station { name } availability { available occupied } }
}"""
PRICES = """subscription ($box: BoxInput!) {
  stationAvailabilityChanged(box: $box) { station { indicativePrice { missingReason } } }
}"""
FREE = {"station": {"name": "Station 1"}, "availability": {"available": 1, "occupied": 1}}
TAKEN = {"station": {"name": "Station 1"}, "availability": {"available": 0, "occupied": 2}}


class Apps:
    """Apps at a hub of their own, without sockets; `made` are the payloads that were made for them."""

    def __init__(self, town: Town) -> None:
        self.town, self.made, self.tasks = town, list[Any](), list[asyncio.Task[None]]()
        self.hub = Hub(SCHEMA._schema, self._encode)

    def _encode(self, payload: object) -> str:
        text = orjson.dumps(payload).decode()
        self.made.append(json.loads(text)["data"]["stationAvailabilityChanged"])
        return text

    async def watch(self, document: str = PINS, box: dict[str, float] = UTRECHT) -> "App":
        context = Context("request", {}, Loaders(remember=False))
        context.asker = Asker(self.town.volt, None, "en")
        asked = Asked(SCHEMA, document, {"box": box}, None)
        subscriber = await self.hub.subscriber(asked, context)
        assert subscriber
        app = App()
        self.tasks.append(asyncio.create_task(self._told(subscriber, app)))
        return app

    async def _told(self, subscriber: Subscriber, app: "App") -> None:
        async with self.hub.watching(subscriber):
            await subscriber.look_around()
            await subscriber.tell(app.send)

    async def leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


class App:
    """Keeps what it is told; takes nothing while it is `stuck`."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[Any] = asyncio.Queue()
        self.takes = asyncio.Event()
        self.takes.set()

    async def send(self, payload: str) -> None:
        await self.takes.wait()
        self.told.put_nowait(json.loads(payload)["data"]["stationAvailabilityChanged"])

    async def next(self) -> Any:
        return await asyncio.wait_for(self.told.get(), 10)


@pytest.fixture(params=["the database", "the index"])
async def apps(town: Town, request: pytest.FixtureRequest) -> AsyncIterator[Apps]:
    """With a process that has an index of the stations, and with one that has not."""
    if request.param == "the index":
        await live.start()
        await _until(lambda: live.current() is not None)
    made = Apps(town)
    yield made
    await made.leave()
    await live.stop()
    await events.wakes.close()


async def _until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("waited too long")


async def test_that_a_payload_is_made_once_for_all_who_asked_the_same(apps: Apps) -> None:
    watchers = [await apps.watch(box=UTRECHT | {"west": 5.0 + number / 1000}) for number in range(20)]
    assert [await app.next() for app in watchers] == [FREE] * 20
    assert apps.made == [FREE]

    await set_status(apps.town, "CHARGING")
    assert [await app.next() for app in watchers] == [TAKEN] * 20
    assert apps.made == [FREE, TAKEN]


async def test_that_stations_that_change_together_are_told_each_to_everybody(apps: Apps) -> None:
    async with transaction() as db:
        other = await rows.station(db, apps.town.station.partner_id, 2)
        evse = await rows.evse(db, other, 1)
        await log.note(db, [other.id], whole=True)
    await live.caught_up(0)
    watchers = [await apps.watch() for _ in range(3)]
    free = {"station": {"name": "Station 2"}, "availability": {"available": 1, "occupied": 0}}
    for app in watchers:
        assert _by_name([await app.next(), await app.next()]) == [FREE, free]

    async with transaction() as db:
        for stored in (await db.get_one(Evse, apps.town.evse.id), await db.get_one(Evse, evse.id)):
            stored.status, stored.status_as_of = "CHARGING", clock.now()
        ids = [apps.town.station.id or 0, other.id or 0]
        await log.note(db, ids, whole=False)
        await events.wake(db, "stations", [pin(apps.town), [other.id, other.longitude, other.latitude]])
    taken = free | {"availability": {"available": 0, "occupied": 1}}
    for app in watchers:
        assert _by_name([await app.next(), await app.next()]) == [TAKEN, taken]
    assert _by_name(apps.made) == [FREE, TAKEN, free, taken], "each is made once"


def _by_name(told: list[Any]) -> list[Any]:
    """As it was told, the stations one after the other."""
    return sorted(told, key=lambda one: str(one["station"]["name"]))


async def test_that_what_depends_on_who_asks_is_made_for_each(apps: Apps) -> None:
    watchers = [await apps.watch(PRICES) for _ in range(3)]
    assert [await app.next() for app in watchers] == [{"station": {"indicativePrice": {"missingReason": None}}}] * 3
    assert len(apps.made) == 3


async def test_that_only_boxes_that_hold_the_place_are_told(apps: Apps) -> None:
    here, there = await apps.watch(), await apps.watch(box={"west": 5.5, "south": 52.0, "east": 5.7, "north": 52.2})
    assert await here.next() == FREE
    await set_status(apps.town, "CHARGING")
    assert await here.next() == TAKEN
    await asyncio.sleep(0.1)
    assert there.told.empty()


async def test_that_a_slow_app_is_told_the_newest_and_nothing_in_between(apps: Apps) -> None:
    slow, quick = await apps.watch(), await apps.watch()
    assert [await slow.next(), await quick.next()] == [FREE, FREE]
    slow.takes.clear()
    for status in ("CHARGING", "AVAILABLE", "CHARGING", "AVAILABLE", "CHARGING"):
        await set_status(apps.town, status)
        await quick.next()
    slow.takes.set()
    told = [await slow.next()]  # it was just being told this when it stopped taking
    while told[-1] != TAKEN or not slow.told.empty():
        told.append(await slow.next())
    assert len(told) <= 2
    await asyncio.sleep(0.1)
    assert slow.told.empty()


async def test_that_stations_outside_the_brand_s_network_are_not_told_of(apps: Apps) -> None:
    async with transaction() as db:
        other = await rows.station(db, apps.town.station.partner_id, 2, party_id="XYZ")
        await rows.evse(db, other, 1)
        await log.note(db, [other.id], whole=True)
    await live.caught_up(0)
    apps.town.volt.network_policy = {"blocked_parties": ["NL*ABC"]}
    app = await apps.watch()
    assert await app.next() == {"station": {"name": "Station 2"}, "availability": {"available": 1, "occupied": 0}}
    await set_status(apps.town, "CHARGING")
    async with transaction() as db:
        added = await rows.station(db, apps.town.station.partner_id, 3, party_id="XYZ")
        await rows.evse(db, added, 1)
        await log.note(db, [added.id], whole=True)
        await events.wake(db, "stations", [[added.id, added.longitude, added.latitude]])
    assert (await app.next())["station"] == {"name": "Station 3"}
    await asyncio.sleep(0.1)
    assert app.told.empty()


async def test_that_whoever_left_costs_nothing(apps: Apps) -> None:
    app = await apps.watch()
    await app.next()
    assert len(apps.hub._subscribers) == len(apps.hub._renderings) == 1
    await apps.leave()
    del app
    apps.tasks.clear()
    assert (len(apps.hub._subscribers), apps.hub._cells._parts, apps.hub._tasks) == (0, {}, [])


async def test_that_whoever_comes_back_is_told_all_of_it_first(town: Town, database: str) -> None:
    async with served(routes()) as url:
        async with watching(url, PINS, {"box": UTRECHT}) as app:
            assert await app.seen("stationAvailabilityChanged") == FREE
        await set_status(town, "CHARGING")
        async with watching(url, PINS, {"box": UTRECHT}) as app:
            assert await app.seen("stationAvailabilityChanged") == TAKEN


async def test_that_an_app_may_stop_and_begin_again_over_one_socket(town: Town, database: str) -> None:
    async with served(routes()) as url, watching(url, PINS, {"box": UTRECHT}) as app:
        assert await app.seen("stationAvailabilityChanged") == FREE
        await app.send(type="complete", id="1")
        await set_status(town, "CHARGING")
        await app.send(type="subscribe", id="1", payload={"query": PINS, "variables": {"box": UTRECHT}})
        assert await app.seen("stationAvailabilityChanged") == TAKEN


class Waiting:
    """A subscriber without a hub, whose payloads are the ids of stations with what is free there."""

    is_shared = True

    def kept(self, state: State) -> str:
        return f"{state.station_id}: {state.counted.available}"


def state(station_id: int, available: int) -> State:
    return State(Station(id=station_id), Availability(available=available))


async def test_that_what_waits_is_bounded_by_the_stations_of_the_box() -> None:
    subscriber = Subscriber(Box(0, 0, 1, 1), Waiting())  # type: ignore[arg-type]
    for round_ in range(100):
        for station_id in (1, 2, 3):
            subscriber.offer(state(station_id, round_))
    assert len(subscriber._waiting) == 3
    assert await _sent(subscriber) == ["1: 99", "2: 99", "3: 99"]

    subscriber.offer(state(2, 5))
    subscriber.offer(replace(state(2, 99)))
    assert await _sent(subscriber) == [], "it is again as it was told last"


async def _sent(subscriber: Subscriber) -> list[str]:
    sent: list[str] = []

    async def send(payload: str) -> None:
        sent.append(payload)

    telling = asyncio.create_task(subscriber.tell(send))
    await asyncio.sleep(0.02)
    telling.cancel()
    return sent
