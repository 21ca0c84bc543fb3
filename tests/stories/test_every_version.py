"""The whole way of a charge in every version of OCPI: registered by either side, direct and through a hub."""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from emsp.demo.app_client import AppClient
from tests.stories.conftest import empty_database
from tests.stories.corrections import corrected_session
from tests.stories.world import World, made_world, minor

ALL_WAYS = "EMSP_TEST_ALL_WAYS"
AT_EACH_RUN = (("2.1.1", "cpo", "we"), ("2.3.0", "cpo", "they"))
"""Each world is half a minute; the others run where the variable is set. 2.2.1 and hubs have stories of their own."""


def _marks(*way: str) -> list[pytest.MarkDecorator]:
    left_out = way not in AT_EACH_RUN and not os.environ.get(ALL_WAYS)
    return [pytest.mark.skipif(left_out, reason=f"{ALL_WAYS} is not set")]


WAYS = [
    pytest.param(version, role, begins, id=f"{version}-{role}-{begins}-begin", marks=_marks(version, role, begins))
    for version in ("2.1.1", "2.2.1", "2.3.0")
    for role in ("cpo", "hub")
    for begins in ("we", "they")
    if (version, role) != ("2.1.1", "hub")
]


@pytest.mark.parametrize(("version", "role", "begins"), WAYS)
async def test_a_driver_charges_and_pays(server_url: str, tmp_path: Path, version: str, role: str, begins: str) -> None:
    operator = ["--version", version, "--role", role, "--stations", "24"]
    database = empty_database(server_url)
    with made_world(tmp_path, database, speed=60, invite=begins == "they", operator=operator) as world:
        app, settled = await _charge_and_pay(world)
        _said_as_the_version_asks(_requests(world), version, role)
        if (role, begins) == ("cpo", "we"):
            await _credited_and_replaced(world, app, settled)
        assert json.loads(world.processes.run("partners", "inbox", "CPO", "--json")) == []


async def _credited_and_replaced(world: World, app: AppClient, settled: dict[str, Any]) -> None:
    """The operator takes its record back and sends one of half the energy: the driver gets half the money back."""
    [charge] = world.cpo_books()["sessions"]
    world.pull_lever("correct-cdr", session_id=charge["id"], how="replace", factor="0.5")

    corrected = await corrected_session(app, settled["id"])
    receipt, [payment] = corrected["receipt"], world.payments()
    [correction] = receipt["corrections"]
    assert 0 < minor(receipt["totalAfterCorrections"]) < minor(receipt["total"])
    assert minor(receipt["total"]) + minor(correction["total"]) == minor(receipt["totalAfterCorrections"])
    assert payment["refunded_minor"] == -minor(correction["paid"]) == -minor(correction["total"])
    assert receipt["total"]["amount"] == settled["receipt"]["total"]["amount"]


async def _charge_and_pay(world: World) -> tuple[AppClient, dict[str, Any]]:
    """Start on a quote, watch, stop, and look at the receipt and at everybody's books."""
    app = await world.driver()
    connector, quote = await world.priced_connector(app)
    session = await world.start(app, quote, connectorId=connector["id"])
    settled = await world.finish(app, session["id"], energy_wh=2000)

    receipt, [payment], [charge] = settled["receipt"], world.payments(), world.cpo_books()["sessions"]
    assert payment["captured_minor"] == minor(receipt["total"]) == minor(receipt["paid"])
    assert payment["held_minor"] == 0
    assert receipt["verification"]["result"] in ("AGREES", "WITHIN_TOLERANCE"), (receipt, world.cpo_books()["cdrs"])
    assert settled["energyWh"] == round(float(charge["kwh"]) * 1000)
    assert [line["text"] for line in settled["timeline"] if "late start" in line["text"]] == []
    assert charge["remarks"] == []
    assert len(world.cpo_books()["cdrs"]) == 1
    return app, settled


def _requests(world: World) -> list[dict[str, Any]]:
    """What we sent to the operator since its registration."""
    return list(httpx.get(f"{world.cpo}/sandbox/books").json()["requests"])


def _said_as_the_version_asks(requests: list[dict[str, Any]], version: str, role: str) -> None:
    """Tokens raw in 2.1.1 and base64 later; from 2.2 on each message says from whom to whom, but for configuration."""
    commands = [request for request in requests if "/commands/" in request["path"]]
    lists = [request for request in requests if request["method"] == "GET" and "/locations" in request["path"]]
    configuration = [request for request in requests if "hubclientinfo" in request["path"]]

    assert {request["version"] for request in commands} == {version}
    assert [request["path"].rpartition("/")[2] for request in commands] == ["START_SESSION", "STOP_SESSION"]
    assert {request["authorization"] for request in commands} == {"raw" if version == "2.1.1" else "base64"}
    assert all(request["routing"] == {} for request in configuration)
    assert bool(configuration) == (role == "hub")
    if version == "2.1.1":
        assert all(request["routing"] == {} for request in requests)
        return
    parties = {(r["routing"]["to-country-code"], r["routing"]["to-party-id"]) for r in commands}
    assert ("NL", "HUB") not in parties
    assert len(parties) == 1
    assert {(r["routing"]["from-country-code"], r["routing"]["from-party-id"]) for r in commands} == {("NL", "EMP")}
    if role == "hub":
        assert {r["routing"]["to-party-id"] for r in lists} == {"HUB"}
