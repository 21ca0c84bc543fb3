"""The pins of the map change colour by themselves, and say the same as a search."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import pytest

from emsp.demo.app_client import AppClient
from tests.stories.world import World, free_port

COUNTS = """
fragment Counts on Availability { available occupied reserved outOfService unknown total asOf freshness }"""
PLACE = f"""{COUNTS}
query ($id: ID!) {{ station(id: $id) {{ coordinates {{ latitude longitude }} availability {{ ...Counts }} }} }}"""
LIVE = f"""{COUNTS}
subscription ($box: BoxInput!) {{
  stationAvailabilityChanged(box: $box) {{ station {{ id evses {{ id status }} }} availability {{ ...Counts }} }}
}}"""
IN_BOX = f"""{COUNTS}
query ($box: BoxInput!, $filter: StationFilter) {{
  stations(where: {{box: $box}}, filter: $filter, first: 100) {{
    totalCount nodes {{ id availability {{ ...Counts }} }}
  }}
}}"""
SPREAD = 0.05
Counts = dict[str, Any]
Events = asyncio.Queue[dict[str, Any]]


async def test_that_the_map_shows_what_is_and_then_what_changes_within_it(world: World) -> None:
    app = AppClient(world.api)
    inside, outside = await _two_far_apart(world, app)
    station_id = inside["station"]["id"]
    away = await _place(app, outside["station"]["id"])
    box = _around((await _place(app, station_id))["coordinates"])

    async with _watching(app, box) as events:
        shown = await _shown_at_first(events)
        assert shown == await _found(app, box)
        assert shown[station_id]["available"] >= 1
        assert outside["station"]["id"] not in shown

        world.set_status(outside, "OUTOFORDER")
        await _until_changed(app, outside["station"]["id"], away)
        pushed_at = datetime.now(UTC)
        world.set_status(inside, "CHARGING")
        event = await _next(events)
        await asyncio.sleep(1)
        assert events.empty(), "one change is told once"

    assert event["station"]["id"] == station_id, "what is outside the box is nobody's business here"
    assert _status(event["station"], inside) == "OCCUPIED"
    told = event["availability"]
    assert _numbers(told) == _numbers(shown[station_id]) | {
        "available": shown[station_id]["available"] - 1,
        "occupied": shown[station_id]["occupied"] + 1,
    }
    assert told["freshness"] == "LIVE"
    assert _moment(told["asOf"]) > _moment(shown[station_id]["asOf"])
    assert abs(_moment(told["asOf"]) - pushed_at) < timedelta(seconds=10)
    assert await _found(app, box) == shown | {station_id: told}
    _free_again(world, inside, outside)


async def test_that_a_station_with_nothing_free_leaves_the_search_for_free_ones_and_comes_back(world: World) -> None:
    app = AppClient(world.api)
    connector = await _only_one_free(world, app)
    box = _around((await _place(app, connector["station"]["id"]))["coordinates"])
    free = {"availableNow": True}
    async with _watching(app, box) as events:
        await _shown_at_first(events)
        before = set(await _found(app, box, free))

        world.set_status(connector, "OUTOFORDER")
        gone = await _next(events)
        without = set(await _found(app, box, free))
        world.set_status(connector, "AVAILABLE")
        back = await _next(events)

    assert (gone["availability"]["available"], back["availability"]["available"]) == (0, 1)
    assert without == before - {connector["station"]["id"]}
    assert set(await _found(app, box, free)) == before
    world.free_connectors.append(connector)


async def test_that_two_watchers_see_the_same(world: World) -> None:
    app = AppClient(world.api)
    connector = await world.connector(app)
    box = _around((await _place(app, connector["station"]["id"]))["coordinates"])
    async with _watching(app, box) as one, _watching(app, box) as other:
        first, second = await _shown_at_first(one), await _shown_at_first(other)
        world.set_status(connector, "RESERVED")
        told = [await _next(one), await _next(other)]

    assert first == second
    assert told[0] == told[1]
    assert told[0]["availability"]["reserved"] == first[connector["station"]["id"]]["reserved"] + 1
    _free_again(world, connector)


@pytest.fixture
def other_api(world: World) -> Iterator[str]:
    """Where another machine answers, with two processes behind one port."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    world.processes.start("serve2", "serve", "--port", str(port), "--workers", "2")
    world.processes.wait_until_ready("serve2", f"{url}/readyz")
    yield url
    world.kill("serve2")


async def test_that_all_processes_show_the_same_after_a_patch_at_one(
    world: World, other_api: str, record_property: Callable[[str, object], None]
) -> None:
    here, there = AppClient(world.api), AppClient(other_api)
    connector = await world.connector(here)
    station_id = connector["station"]["id"]
    box = _around((await _place(here, station_id))["coordinates"])
    delays_s: list[float] = []
    async with _watching(here, box) as one, _watching(there, box) as two, _watching(there, box) as three:
        apps = (one, two, three)
        for app in apps:
            await _shown_at_first(app)
        for status in ("CHARGING", "AVAILABLE") * 6:
            asked_at = time.monotonic()
            told = [asyncio.create_task(_timed(app, asked_at)) for app in apps]
            await asyncio.to_thread(world.set_status, connector, status)
            (first, *others) = await asyncio.gather(*told)
            assert all(event == first[1] for _, event in others)
            delays_s += [delay_s for delay_s, _ in (first, *others)]
            found = [(await _found(app, box))[station_id] for app in (here, there)]
            assert found[0] == found[1] == first[1]["availability"]
    _free_again(world, connector)

    figures = f"usual {median(delays_s) * 1000:.0f} ms, longest {max(delays_s) * 1000:.0f} ms of {len(delays_s)}"
    record_property("table", f"from a status at the operator to three apps at three processes: {figures}")


async def _timed(events: Events, since: float) -> tuple[float, Counts]:
    """How long it took until the next event, and that event."""
    event = await _next(events)
    return time.monotonic() - since, event


async def _two_far_apart(world: World, app: AppClient) -> tuple[Counts, Counts]:
    """A free connector in one country, and one in another."""
    one = await world.connector(app)
    country = one["evse"]["evseId"][:2]
    other = next(other for other in world.free_connectors if not other["evse"]["evseId"].startswith(country))
    world.free_connectors.remove(other)
    return one, other


async def _only_one_free(world: World, app: AppClient) -> Counts:
    """The only free charge point of its station."""
    world.free_connectors.append(await world.connector(app))
    for connector in world.free_connectors:
        free = [evse for evse in connector["station"]["evses"] if evse["status"] == "AVAILABLE"]
        if len(free) == 1:
            world.free_connectors.remove(connector)
            return connector
    raise AssertionError("every station has more than one free")


async def _place(app: AppClient, station_id: str) -> Counts:
    station: Counts = (await app.ask(PLACE, id=station_id))["station"]
    return station


def _around(at: dict[str, float]) -> dict[str, float]:
    west, south = at["longitude"] - SPREAD, at["latitude"] - SPREAD
    return {"west": west, "south": south, "east": west + 2 * SPREAD, "north": south + 2 * SPREAD}


@asynccontextmanager
async def _watching(app: AppClient, box: dict[str, float]) -> AsyncIterator[Events]:
    """What a subscriber of the box is told, as it comes."""
    events: Events = asyncio.Queue()

    async def listen() -> None:
        async for value in app.follow(LIVE, box=box):
            events.put_nowait(value["stationAvailabilityChanged"])

    listening = asyncio.create_task(listen())
    try:
        yield events
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def _next(events: Events, within_s: float = 10) -> Counts:
    return await asyncio.wait_for(events.get(), within_s)


async def _shown_at_first(events: Events) -> dict[str, Counts]:
    """What a map knows when nothing more has come for a moment, by station."""
    shown: dict[str, Counts] = {}
    with suppress(TimeoutError):
        while True:
            event = await _next(events, within_s=1 if shown else 10)
            shown[event["station"]["id"]] = event["availability"]
    return shown


async def _found(app: AppClient, box: dict[str, float], only: dict[str, Any] | None = None) -> dict[str, Counts]:
    found = (await app.ask(IN_BOX, box=box, filter=only))["stations"]
    assert found["totalCount"] == len(found["nodes"])
    return {station["id"]: station["availability"] for station in found["nodes"]}


async def _until_changed(app: AppClient, station_id: str, before: Counts) -> None:
    for _ in range(100):
        if await _place(app, station_id) != before:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the change did not arrive")


def _status(station: dict[str, Any], connector: dict[str, Any]) -> str:
    return next(str(evse["status"]) for evse in station["evses"] if evse["id"] == connector["evse"]["id"])


def _numbers(counts: Counts) -> dict[str, int]:
    return {name: count for name, count in counts.items() if isinstance(count, int)}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _free_again(world: World, *connectors: dict[str, Any]) -> None:
    for connector in connectors:
        world.set_status(connector, "AVAILABLE")
        world.free_connectors.append(connector)
