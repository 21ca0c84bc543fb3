"""Stations, sessions, records and answers that are spelled, dated or placed wrongly: drivers see what was meant."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from emsp.demo.app_client import AppClient
from tests.stories.conftest import empty_database
from tests.stories.lies import (
    Charge,
    Fleet,
    Outcomes,
    about,
    arrived,
    books_are_even,
    every,
    fleet,
    is_as_measured,
    is_on_the_bill_once,
    is_paid_once,
    tell,
)
from tests.stories.twins import STATIONS, Twin, free_of, twin
from tests.stories.world import World, made_world

pytestmark = pytest.mark.asyncio(loop_scope="module")
HONEST = "honest"
SPELLED = ("numbers-as-strings", "no-zone-timestamps", "nulls-everywhere", "swapped-coordinates", "other-case")
PULLED = (*SPELLED, "overlong-texts", "bumped-last-updated", "last-updated-backwards")
ANSWERED = ("result-message-object", "no-timeout-field", "results-as-lists")
CHARGED = (*SPELLED, *ANSWERED, "overlong-texts")
BY_A_FLEET = ("numbers-as-strings", "other-case", "overlong-texts")
AT_ONCE = 3
MOVING = """
subscription ($box: BoxInput!) { stationAvailabilityChanged(box: $box) { station { name } } }"""


@dataclass
class Seen:
    """What came of one operator: the catalogue after the first pull, and after a second one of everything."""

    twin: Twin
    first: list[dict[str, Any]]
    second: list[dict[str, Any]]


@pytest.fixture(scope="module")
def liars(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose operator spells things in its own way, and into which others come."""
    folder = tmp_path_factory.mktemp("liars")
    with made_world(folder, empty_database(server_url), speed=60, operator=("--stations", "240")) as world:
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seen(liars: World, tmp_path_factory: pytest.TempPathFactory) -> Outcomes[Seen]:
    """Every operator comes and is pulled, and pulled whole once more."""
    folder, app = tmp_path_factory.mktemp("twins"), AppClient(liars.api)

    async def told(number: int, lie: str) -> Seen:
        options = () if lie == HONEST else ("--lie", lie, "--seed", "7")
        async with twin(liars, folder, f"O{number:02d}", *options) as one:
            first = await one.catalogue(app)
            await one.pull("--full")
            return Seen(one, first, await one.catalogue(app))

    lies = (HONEST, *PULLED)
    return await every({lie: told(number, lie) for number, lie in enumerate(lies)}, AT_ONCE)


@about(*SPELLED, "bumped-last-updated", "last-updated-backwards")
@pytest.mark.parametrize("lie", [lie for lie in PULLED if lie != "overlong-texts"])
async def test_that_the_catalogue_is_the_one_of_the_honest_twin(seen: Outcomes[Seen], lie: str) -> None:
    honest, liar = seen[HONEST], seen[lie]

    assert len(honest.first) == STATIONS
    assert liar.first == liar.second == honest.first
    for ended in (liar.twin.connected, *liar.twin.pulled):
        assert ended.status == 0
        assert [row["apart"] for row in ended.rows] == [0] * 4


@about("swapped-coordinates")
async def test_that_the_pins_are_in_their_country(seen: Outcomes[Seen]) -> None:
    for station in seen["swapped-coordinates"].first:
        assert 38 < station["coordinates"]["latitude"] < 39
        assert -10 < station["coordinates"]["longitude"] < -9


@about("overlong-texts")
async def test_that_long_texts_cost_no_station(seen: Outcomes[Seen]) -> None:
    honest, liar = seen[HONEST].first, seen["overlong-texts"].first

    assert [row["apart"] for row in seen["overlong-texts"].twin.connected.rows] == [0] * 4
    assert len(liar) == STATIONS
    for meant, told in zip(honest, liar, strict=True):
        assert told["name"].startswith(meant["name"])
        assert told["address"]["street"].startswith(meant["address"]["street"])
        assert told["coordinates"] == meant["coordinates"]
        assert [evse["status"] for evse in told["evses"]] == [evse["status"] for evse in meant["evses"]]
        assert [_prices(evse) for evse in told["evses"]] == [_prices(evse) for evse in meant["evses"]]


def _prices(evse: dict[str, Any]) -> list[str]:
    return [connector["tariff"]["summary"] for connector in evse["connectors"]]


@about("other-case")
async def test_that_a_status_pushed_in_another_case_is_of_the_same_charge_point(liars: World, tmp_path: Path) -> None:
    app = AppClient(liars.api)
    async with twin(liars, tmp_path, "CAS", "--lie", "other-case") as one:
        before = await one.stations(app)
        one.lever("evse-status", location_id="SBX00003", evse_uid="SBX00003-1", status="BLOCKED")
        await one.becomes(app, "PT*CAS*E000003*1", "OCCUPIED")
        after = await one.stations(app)

    assert [evse_id for evse_id, evse in _evses(after).items() if evse != _evses(before)[evse_id]] == [
        "PT*CAS*E000003*1"
    ]


def _evses(stations: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {evse["evseId"]: evse for station in stations for evse in station["evses"]}


@about("bumped-last-updated")
async def test_that_a_new_date_on_an_old_thing_moves_nothing_on_the_map(liars: World, tmp_path: Path) -> None:
    app = AppClient(liars.api)
    async with twin(liars, tmp_path, "BMP", "--lie", "bumped-last-updated") as one:
        before = await one.stations(app)
        async with _moving(app) as moved:
            pulled = await one.pull()
            assert pulled.by_module["locations"]["seen"] == STATIONS
            one.lever("evse-status", location_id="SBX00003", evse_uid="SBX00003-1", status="BLOCKED")
            await one.becomes(app, "PT*BMP*E000003*1", "OCCUPIED")
            await _once(moved)
        after = await one.stations(app)

    assert set(moved) == {"Rua 03"}
    assert [station["id"] for station in after] == [station["id"] for station in before]


@about("last-updated-backwards")
async def test_that_the_newest_date_stays_when_dates_run_backwards(liars: World, tmp_path: Path) -> None:
    app = AppClient(liars.api)
    async with twin(liars, tmp_path, "BCK", "--lie", "last-updated-backwards") as one:
        before = await one.stations(app)
        change = {"location_id": "SBX00003", "name": "Older than it was", "push": False}
        one.lever("remote-change", **change)

        pulled = await one.pull("--full")

        assert (pulled.status, pulled.by_module["locations"]["older"]) == (0, 1)
        assert await one.stations(app) == before


@about("dropped-evses")
async def test_that_a_dropped_charge_point_is_gone_and_its_charge_is_paid(liars: World, tmp_path: Path) -> None:
    app = AppClient(liars.api)
    async with twin(liars, tmp_path, "DRP") as one:
        connector, evse = free_of(await one.stations(app))
        charge = Charge(liars, await liars.driver(), "", connector, {}, at=one.url)
        await (await charge.asked()).until("CHARGING", energy_wh=100)
        place = {"location_id": "SBX00001", "evse_uid": "SBX00001-1"}
        tell(liars, "dropped-evses", at=one.url, **place)

        pulled = await one.pull("--full")

        assert (pulled.status, pulled.by_module["locations"]["apart"]) == (0, 0)
        shown = [shown["evseId"] for station in await one.stations(app) for shown in station["evses"]]
        assert evse["evseId"] == "PT*DRP*E000001*1"
        assert evse["evseId"] not in shown
        assert len(shown) == STATIONS * 2 - 1
        await charge.settled(300)
        is_paid_once(charge)
        is_as_measured(charge)


@asynccontextmanager
async def _moving(app: AppClient) -> AsyncIterator[list[str]]:
    """The names of the stations around Lisbon that change meanwhile, as a map is told."""
    moved: list[str] = []

    async def listen() -> None:
        box = {"west": -9.3, "south": 38.6, "east": -9.0, "north": 38.9}
        async for value in app.follow(MOVING, box=box):
            moved.append(value["stationAvailabilityChanged"]["station"]["name"])

    listening = asyncio.create_task(listen())
    heard = -1
    while heard != len(moved) or not moved:
        heard = len(moved)
        await asyncio.sleep(2)
    moved.clear()
    try:
        yield moved
    finally:
        listening.cancel()


async def _once(moved: list[str]) -> None:
    for _ in range(100):
        if moved:
            return
        await asyncio.sleep(0.2)
    raise AssertionError("nothing was told to the map")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def payer(liars: World) -> Fleet:
    """Who pays for some of the charges."""
    return await fleet(liars)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def charges(liars: World, payer: Fleet) -> Outcomes[Charge]:
    """A charge for every lie that can be told of one, a few at a time."""
    made = {lie: await arrived(liars, lie, paid_by=payer if lie in BY_A_FLEET else None) for lie in CHARGED}

    async def through(one: Charge) -> Charge:
        return await (await (await one.asked()).settled()).closed()

    return await every({lie: through(one) for lie, one in made.items()}, AT_ONCE)


@about(*CHARGED)
@pytest.mark.parametrize("lie", CHARGED)
async def test_that_a_charge_is_paid_once(charges: Outcomes[Charge], payer: Fleet, lie: str) -> None:
    made = charges[lie]

    assert made.receipt["verification"]["result"] in ("AGREES", "WITHIN_TOLERANCE")
    assert "START_UNCONFIRMED" not in made.seen
    assert [session["remarks"] for session in made.operators] == [[]]
    is_as_measured(made)
    if lie in BY_A_FLEET:
        await is_on_the_bill_once(made, payer)
    else:
        is_paid_once(made)


@pytest.mark.usefixtures("charges")
async def test_that_the_books_are_even(liars: World) -> None:
    assert books_are_even(liars)
