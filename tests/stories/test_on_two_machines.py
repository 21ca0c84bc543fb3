"""Two APIs and two workers on one database: it does not matter which of them a driver reaches, or which one dies."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from emsp.demo import documents
from emsp.demo.app_client import AppClient
from tests.stories.world import START, STOP, World, free_port, minor

ORDER = ["REQUESTED", "COMMAND_SENT", "AWAITING_PLUG", "CHARGING", "STOPPING", "ENDED", "SETTLED"]
WORKERS = ("work", "work2")


@pytest.fixture(scope="module")
def other_api(world: World) -> Iterator[str]:
    """Where the second machine answers; it has a worker of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    world.processes.start("serve2", "serve", "--port", str(port))
    world.processes.start("work2", "work")
    world.processes.wait_until_ready("serve2", f"{url}/readyz")
    yield url
    world.kill("serve2")
    world.kill("work2")


async def test_that_a_charge_started_at_one_is_watched_and_stopped_at_the_other(world: World, other_api: str) -> None:
    here = await world.driver()
    there = AppClient(other_api, token=here.token)
    connector, quote = await world.priced_connector(here)
    before = len(world.payments())

    session = await world.start(here, quote, connectorId=connector["id"])
    seen = await _watched_until_settled(there, session["id"], stop_at=there)

    assert seen == [state for state in ORDER if state in seen]
    assert {"CHARGING", "ENDED", "SETTLED"} <= set(seen)
    settled = await world.session(here, session["id"])
    assert settled == await world.session(there, session["id"])
    assert [event["text"] for event in settled["timeline"]] == list(
        dict.fromkeys(event["text"] for event in settled["timeline"])
    )
    _is_paid_once(world, before, settled)


async def test_that_clicking_at_both_at_once_starts_one_charge(world: World, other_api: str) -> None:
    here = await world.driver()
    there = AppClient(other_api, token=here.token)
    connector, quote = await world.priced_connector(here)
    before, charges_before = len(world.payments()), len(world.cpo_books()["sessions"])
    wish = {"quoteId": quote["id"], "connectorId": connector["id"], "idempotencyKey": uuid4().hex}

    answers = await asyncio.gather(*(app.ask(START, input=wish) for app in (here, there, here, there)))

    [session_id] = {answer["startCharging"]["session"]["id"] for answer in answers}
    settled = await world.finish(there, session_id, energy_wh=500)
    _is_paid_once(world, before, settled)
    assert len(world.cpo_books()["sessions"]) == charges_before + 1


@pytest.mark.parametrize("victim", WORKERS)
async def test_that_a_worker_killed_in_mid_charge_is_not_noticed(world: World, other_api: str, victim: str) -> None:
    here = await world.driver()
    there = AppClient(other_api, token=here.token)
    connector, quote = await world.priced_connector(here)
    before = len(world.payments())

    session = await world.start(here, quote, connectorId=connector["id"])
    await world.wait(here, session["id"], "CHARGING")
    world.kill(victim)
    try:
        seen = await _watched_until_settled(there, session["id"], stop_at=here)
    finally:
        world.processes.start(victim, "work")

    assert seen == [state for state in ORDER if state in seen]
    assert seen[0] == "CHARGING"
    _is_paid_once(world, before, await world.session(there, session["id"]))


async def _watched_until_settled(watcher: AppClient, session_id: str, *, stop_at: AppClient) -> list[str]:
    """The states that were seen, each as often as it was entered; the charge is stopped after 2 kWh."""
    seen: list[str] = []
    async with asyncio.timeout(60):
        async for value in watcher.follow(documents.WATCH, id=session_id):
            changed = value["chargingSessionChanged"]
            seen += [changed["state"]] if changed["state"] != (seen or [""])[-1] else []
            if changed["state"] == "CHARGING" and changed["energyWh"] > 2000:
                await stop_at.ask(STOP, id=session_id)
    assert seen[-1] == "SETTLED"
    return seen


def _is_paid_once(world: World, before: int, settled: dict[str, Any]) -> None:
    [payment] = world.payments()[before:]
    assert payment["status"] == "succeeded"
    assert payment["captured_minor"] == minor(settled["receipt"]["total"]) == minor(settled["receipt"]["paid"])
    assert payment["held_minor"] == 0
