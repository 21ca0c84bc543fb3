"""Killing the worker at any moment of a charge and starting it again ends in exactly one captured payment."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from emsp.demo.app_client import AppClient
from tests.stories.world import STOP, World, minor

Moment = Callable[[World, AppClient, str], Awaitable[None]]


async def _at_once(world: World, app: AppClient, session_id: str) -> None:
    """While the wish may not even have been looked at."""


def _in(state: str) -> Moment:
    async def reached(world: World, app: AppClient, session_id: str) -> None:
        deadline = time.monotonic() + 30
        while (await world.session(app, session_id))["state"] != state:
            assert time.monotonic() < deadline, f"{state} was not reached"
            await asyncio.sleep(0.02)

    return reached


def _while(path: str) -> Moment:
    """In the middle of a call to the card processor, which has been told to be slow there."""

    async def reached(world: World, app: AppClient, session_id: str) -> None:
        deadline = time.monotonic() + 60
        while any(path in fault["path"] for fault in world.waiting_faults()):
            assert time.monotonic() < deadline, f"{path} was not called"
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)

    return reached


START_MOMENTS: dict[str, tuple[Moment, str | None]] = {
    "at once": (_at_once, None),
    "while the hold is created": (_while("/v1/payment_intents"), "/v1/payment_intents"),
    "while the hold is confirmed": (_while("/confirm"), "/v1/payment_intents/*/confirm"),
    "when the command is sent": (_in("COMMAND_SENT"), None),
    "while it charges": (_in("CHARGING"), None),
}
END_MOMENTS: dict[str, tuple[Moment, str | None]] = {
    "when the stop is asked for": (_at_once, None),
    "when it is over": (_in("ENDED"), None),
    "while the payment is captured": (_while("/capture"), "/v1/payment_intents/*/capture"),
}


@pytest.mark.parametrize("moment", START_MOMENTS)
async def test_that_a_kill_during_the_start_ends_in_one_payment(world: World, moment: str) -> None:
    reached, slow = START_MOMENTS[moment]
    app = await world.driver()
    connector, quote = await world.priced_connector(app)
    before = len(world.payments())
    if slow:
        world.card_fault(slow, "slow", seconds=1.5)

    session = await world.start(app, quote, connectorId=connector["id"])
    await reached(world, app, session["id"])
    _kill_and_restart(world)
    await world.finish(app, session["id"], energy_wh=2000, timeout_s=90)

    await _ends_in_one_payment(world, app, session["id"], before)


@pytest.mark.parametrize("moment", END_MOMENTS)
async def test_that_a_kill_during_the_end_ends_in_one_payment(world: World, moment: str) -> None:
    reached, slow = END_MOMENTS[moment]
    app = await world.driver()
    connector, quote = await world.priced_connector(app)
    before = len(world.payments())

    session = await world.start(app, quote, connectorId=connector["id"])
    await world.wait(app, session["id"], "CHARGING", energy_wh=2000)
    if slow:
        world.card_fault(slow, "slow", seconds=1.5)
    await app.ask(STOP, id=session["id"])
    await reached(world, app, session["id"])
    _kill_and_restart(world)

    await _ends_in_one_payment(world, app, session["id"], before)


def _kill_and_restart(world: World) -> None:
    world.kill("work")
    world.processes.start("work", "work")


async def _ends_in_one_payment(world: World, app: AppClient, session_id: str, before: int) -> None:
    settled: dict[str, Any] = await world.wait(app, session_id, "SETTLED", timeout_s=90)
    captured = [payment for payment in world.payments()[before:] if payment["captured_minor"]]
    assert [payment["captured_minor"] for payment in captured] == [minor(settled["receipt"]["total"])]
    assert all(payment["held_minor"] == 0 for payment in world.payments()[before:])
    charges = [session for session in world.cpo_books()["sessions"] if session["id"]]
    assert len(charges) == len({session["authorization_reference"] for session in charges})
