"""A hub with several operators behind it: who can be reached, what it passes on, and what staff ask over it."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from emsp.demo.app_client import AppClient
from emsp.demo.processes import DemoFailed
from tests.stories.conftest import empty_database
from tests.stories.world import World, made_world

PLACES = """
query ($text: String!) { searchPlaces(text: $text) { nodes { evses { evseId status capabilities } } } }"""


@pytest.fixture(scope="module", params=["2.2.1", "2.3.0"])
def hub(request: pytest.FixtureRequest, server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose only partner is a hub."""
    operator = ["--version", request.param, "--role", "hub", "--stations", "40"]
    folder = tmp_path_factory.mktemp("hub")
    with made_world(folder, empty_database(server_url), speed=60, operator=operator) as world:
        yield world


async def test_that_a_party_that_is_offline_is_not_asked_and_no_money_is_held(hub: World) -> None:
    app = await hub.driver()
    connector, quote = await hub.priced_connector(app)
    country_code, party_id = connector["evse"]["evseId"].split("*")[:2]
    payments_before, commands_before = len(hub.payments()), len(_commands(hub))

    await _set_status(hub, country_code, party_id, "OFFLINE")
    with pytest.raises(DemoFailed, match=r"NOT_CHARGEABLE.*cannot be reached at the moment; nothing was charged"):
        await hub.start(app, quote)
    assert len(hub.payments()) == payments_before
    assert len(_commands(hub)) == commands_before

    await _set_status(hub, country_code, party_id, "CONNECTED")
    started = await hub.start(app, quote)
    await hub.finish(app, started["id"], energy_wh=500)


async def test_that_a_status_that_the_hub_broadcasts_is_on_the_map(hub: World) -> None:
    app = await hub.driver(card=None)
    connector = await hub.connector(app)

    hub.set_status(connector, "OUTOFORDER")
    await _until(lambda: _status(app, connector["evse"]["evseId"]), "OUT_OF_SERVICE")
    hub.set_status(connector, "AVAILABLE")
    await _until(lambda: _status(app, connector["evse"]["evseId"]), "AVAILABLE")


async def test_that_drivers_tokens_are_broadcast_over_the_hub(hub: World) -> None:
    before = len(hub.cpo_books()["tokens"])
    await hub.driver(card=None)

    async def told() -> bool:
        return len(hub.cpo_books()["tokens"]) > before

    await _until(told, True)
    assert {(token["valid"], token["whitelist"]) for token in hub.cpo_books()["tokens"]} == {(True, "NEVER")}
    pushes = [request for request in _requests(hub) if "/tokens/" in request["path"] and request["method"] == "PUT"]
    assert {request["routing"]["to-party-id"] for request in pushes} == {"HUB"}


async def test_that_staff_reserve_over_the_hub_and_see_that_the_operator_gave_it_up(hub: World) -> None:
    app = await hub.driver(card=None, email="reserving@example.com")
    connector = await _reservable(hub, app)

    told = json.loads(_support(hub, "reserve", connector["evse"]["evseId"], "--driver", "reserving@example.com"))
    [reservation] = hub.cpo_books()["reservations"]
    assert "ACCEPTED" in json.dumps(told)
    await _until(lambda: _status(app, connector["evse"]["evseId"]), "RESERVED")

    hub.pull_lever("cancel-reservation", reservation_id=reservation["id"])
    await _until(lambda: _status(app, connector["evse"]["evseId"]), "AVAILABLE")


async def _reservable(hub: World, app: AppClient) -> dict[str, Any]:
    """A free connector of an EVSE that can be reserved, given to nobody else."""
    hub.free_connectors = hub.free_connectors or await hub._all_free(app)
    for connector in hub.free_connectors:
        if "RESERVABLE" in await _seen(app, connector["evse"]["evseId"], "capabilities"):
            hub.free_connectors.remove(connector)
            return connector
    raise AssertionError("nothing can be reserved")


def _support(hub: World, *words: str) -> str:
    return hub.processes.run("support", *words, "--json")


async def _status(app: AppClient, evse_id: str) -> Any:
    return await _seen(app, evse_id, "status")


async def _seen(app: AppClient, evse_id: str, field: str) -> Any:
    """What the app shows of an EVSE."""
    nodes = (await app.ask(PLACES, text=evse_id))["searchPlaces"]["nodes"]
    return next(evse[field] for node in nodes for evse in node["evses"] if evse["evseId"] == evse_id)


async def _until(look: Any, wanted: Any) -> None:
    for _ in range(100):
        if (found := await look()) == wanted:
            return
        await asyncio.sleep(0.3)
    assert found == wanted


async def _set_status(hub: World, country_code: str, party_id: str, status: str) -> None:
    """Tell the hub, and wait until we know."""
    hub.pull_lever("party-status", country_code=country_code, party_id=party_id, status=status)

    async def known() -> str:
        routes = json.loads(hub.processes.run("partners", "routes", "--json"))
        return next(str(route["status"]) for route in routes if route["party"] == f"{country_code}/{party_id}")

    await _until(known, status)


def _requests(hub: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = hub.cpo_books()["requests"]
    return found


def _commands(hub: World) -> list[dict[str, Any]]:
    return [request for request in _requests(hub) if "/commands/" in request["path"]]
