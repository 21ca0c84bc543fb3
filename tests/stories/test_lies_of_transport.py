"""Operators whose answers, pages, links, tokens and addresses are not as they should be: drivers see the same."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from emsp.demo.app_client import AppClient
from tests.stories.conftest import empty_database
from tests.stories.lies import Charge, Outcomes, about, books_are_even, emsp, every, tell
from tests.stories.twins import STATIONS, TARIFFS, TOKEN_A, Twin, connect, free_of, twin
from tests.stories.world import World, made_world, minor

pytestmark = pytest.mark.asyncio(loop_scope="module")
HONEST = "honest"
PAGES = (
    "endless-pages",
    "no-link",
    "relative-link",
    "wrong-link",
    "total-of-page",
    "object-for-list",
    "rate-limited",
    "server-errors",
    "html-error",
    "slow",
    "half-page",
    "rotating-totals",
)
CALLS = ("raw-token", "base64-newline", "token-b-early", "no-slash-join", "list-for-object")
CHARGED = (HONEST, "raw-token", "base64-newline", "no-slash-join", "list-for-object", "object-for-list", "slow")
CHANGED = "PT*{}*E000003*1"
AT_ONCE = 3


@dataclass
class Seen:
    """What came of one operator."""

    twin: Twin
    stations: list[dict[str, Any]]
    charge: Charge | None


@pytest.fixture(scope="module")
def liars(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world into which operators come that lie."""
    with made_world(tmp_path_factory.mktemp("liars"), empty_database(server_url), connect=False) as world:
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seen(liars: World, tmp_path_factory: pytest.TempPathFactory) -> Outcomes[Seen]:
    """Every operator comes, is pulled (twice if it fails), pushes a status, and serves a driver."""
    folder, app = tmp_path_factory.mktemp("twins"), AppClient(liars.api)

    async def told(number: int, lie: str) -> Seen:
        options = () if lie == HONEST else ("--lie", lie, "--seed", "7", "--slow-s", "0.5")
        async with twin(liars, folder, f"L{number:02d}", *options) as one:
            return await _seen(app, one, lie)

    lies = (HONEST, *PAGES, *CALLS)
    return await every({lie: told(number, lie) for number, lie in enumerate(lies)}, AT_ONCE)


async def _seen(app: AppClient, one: Twin, lie: str) -> Seen:
    if one.connected.status:
        await one.pull()
    stations = await one.catalogue(app)
    charge = await _charge(app, one) if lie in CHARGED else None
    one.lever("evse-status", location_id="SBX00003", evse_uid="SBX00003-1", status="BLOCKED")
    await one.becomes(app, CHANGED.format(one.name), "OCCUPIED")
    return Seen(one, stations, charge)


async def _charge(app: AppClient, one: Twin) -> Charge:
    connector, _ = free_of(await one.stations(app))
    driver = await one.world.driver()
    charge = Charge(one.world, driver, "", connector, {}, at=one.url)
    await (await charge.asked()).settled(300)
    await charge.closed()
    return charge


@about(*PAGES, *CALLS)
@pytest.mark.parametrize("lie", [*PAGES, *CALLS])
async def test_that_the_catalogue_is_the_one_of_the_honest_twin(seen: Outcomes[Seen], lie: str) -> None:
    honest, liar = seen[HONEST], seen[lie]

    assert honest.twin.connected.status == 0
    assert len(honest.stations) == STATIONS
    assert liar.stations == honest.stations
    last = [liar.twin.connected, *liar.twin.pulled][-1]
    assert last.status == 0, last.error
    rows = last.by_module
    assert [row["failure"] for row in rows.values()] == [None] * 4
    assert sum(row["apart"] for row in rows.values()) == 0


async def test_that_one_pull_is_enough_for_what_is_only_odd(seen: Outcomes[Seen]) -> None:
    for lie in {*PAGES, *CALLS} - {"server-errors", "html-error", "rate-limited", "half-page"}:
        assert seen[lie].twin.pulled == [], lie
        rows = seen[lie].twin.connected.by_module
        taken = {module: row["changed"] for module, row in rows.items()}
        assert taken == {"tariffs": TARIFFS, "locations": STATIONS, "sessions": 0, "cdrs": 0}, lie


async def test_that_a_pull_that_fails_says_why(seen: Outcomes[Seen]) -> None:
    for lie, why in (("server-errors", "500"), ("html-error", "502"), ("rate-limited", "429")):
        failed = [ended for ended in (seen[lie].twin.connected, *seen[lie].twin.pulled) if ended.status]
        for ended in failed:
            assert any(why in row["failure"] for row in ended.rows if row["failure"]), lie


@about("wrong-link")
async def test_that_no_other_host_is_called(liars: World, seen: Outcomes[Seen]) -> None:
    """The other host has no address: a call to it would have failed the pull."""
    assert seen["wrong-link"].twin.connected.status == 0
    assert "elsewhere.invalid" not in json.dumps(seen["wrong-link"].twin.connected.rows)


@about("raw-token", "base64-newline", "no-slash-join", "list-for-object", "object-for-list", "slow")
@pytest.mark.parametrize("lie", CHARGED)
async def test_that_a_driver_charges_and_pays_there(seen: Outcomes[Seen], lie: str) -> None:
    charge = seen[lie].charge
    assert charge is not None

    [payment], receipt = charge.payments(), charge.receipt
    assert payment["captured_minor"] == minor(receipt["total"]) == minor(receipt["paid"]) > 0
    assert payment["held_minor"] == 0
    assert receipt["verification"]["result"] in ("AGREES", "WITHIN_TOLERANCE")
    [session] = charge.operators
    assert charge.session["energyWh"] == round(Decimal(str(session["kwh"])) * 1000)
    assert session["remarks"] == []


@about("no-envelope")
async def test_that_an_error_without_an_envelope_is_told_in_a_line(liars: World, tmp_path: Path) -> None:
    app = AppClient(liars.api)
    async with twin(liars, tmp_path, "NEV", "--lie", "no-envelope") as one:
        wrong = await asyncio.to_thread(connect, liars, f"{one.url}/ocpi/versions", "wrong", "Wrong")

        assert wrong.status == 1
        assert "403" in wrong.error
        assert "Traceback" not in wrong.error
        assert len(await one.stations(app)) == STATIONS
        assert "Wrong" not in {row["name"] for row in emsp(liars, "partners", "list").rows}


@about("token-lost")
async def test_that_a_partner_that_lost_our_token_is_shown_and_healed_by_connecting_again(
    liars: World, tmp_path: Path
) -> None:
    app = AppClient(liars.api)
    async with twin(liars, tmp_path, "LST") as one:
        before = await one.stations(app)
        charge = await _charge(app, one)
        tell(liars, "token-lost", at=one.url)

        failed = await one.pull()

        assert failed.status == 1
        assert all("401" in row["failure"] for row in failed.rows)
        [status] = [row for row in emsp(liars, "partners", "status").rows if row["name"] == "LST"]
        assert all("401" in module["failure"] for module in status["modules"].values())
        assert _ids(await one.stations(app)) == _ids(before), "what is known is still shown"

        invitation = one.lever("invite", token=TOKEN_A)
        healed = await asyncio.to_thread(connect, liars, invitation["versions_url"], TOKEN_A, "LST")

        assert healed.status == 0, healed
        assert {module: row["failure"] for module, row in healed.by_module.items()} == dict.fromkeys(healed.by_module)
        partners = [row for row in emsp(liars, "partners", "list").rows if "PT LST" in row["parties"]]
        assert [(row["name"], row["state"]) for row in partners] == [("LST", "REGISTERED")]
        assert _ids(await one.stations(app)) == _ids(before), "stations stay the same ones"
        receipt = charge.receipt
        assert (await charge.look())["receipt"] == receipt, "what was charged there stays"
        assert len((await _charge(app, one)).payments()) == 1, "and drivers charge there again"


def _ids(stations: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    return [(station["id"], [evse["id"] for evse in station["evses"]]) for station in stations]


@pytest.mark.usefixtures("seen")
async def test_that_the_books_are_even(liars: World) -> None:
    assert books_are_even(liars)
