"""A start that is refused, times out or is never plugged in releases the hold and says why."""

import asyncio

import pytest

from tests.stories.world import STOP, World


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("reject", "refused"),
        ("refuse", "refused"),
        ("evse_occupied", "occupied"),
        ("never_plug", "No car was plugged in"),
        ("timeout_result", "never confirmed"),
    ],
)
async def test_that_it_ends_failed_with_the_hold_released(world: World, behaviour: str, reason: str) -> None:
    app = await world.driver()
    connector, quote = await world.priced_connector(app)
    world.behave(connector, start=behaviour)
    before = len(world.payments())

    session = await world.start(app, quote, connectorId=connector["id"])
    failed = await world.wait(app, session["id"], "FAILED")

    assert reason in failed["stateReason"]
    assert failed["receipt"] is None
    payment = await _once_released(world, before)
    assert payment["captured_minor"] == 0
    assert payment["held_minor"] == 0


async def test_that_a_start_after_a_timeout_is_taken_up_and_billed_once(world: World) -> None:
    app = await world.driver()
    connector, quote = await world.priced_connector(app)
    world.behave(connector, start="late")
    before = len(world.payments())

    session = await world.start(app, quote, connectorId=connector["id"])
    settled = await world.finish(app, session["id"], energy_wh=2000)

    texts = " ".join(line["text"] for line in settled["timeline"])
    assert "late start is still taken up" in texts
    assert len(world.payments()) == before + 1


async def test_that_a_declined_card_never_reaches_the_operator(world: World) -> None:
    app = await world.driver(card="pm_card_chargeCustomerFail")
    connector, quote = await world.priced_connector(app)
    sessions_before = len(world.cpo_books()["sessions"])

    session = await world.start(app, quote, connectorId=connector["id"])
    failed = await world.wait(app, session["id"], "FAILED")

    assert "not authorised" in failed["stateReason"]
    assert len(world.cpo_books()["sessions"]) == sessions_before


async def test_that_a_stop_that_is_refused_leaves_the_charge_running_and_says_so(world: World) -> None:
    app = await world.driver()
    connector, quote = await world.priced_connector(app)
    world.behave(connector, stop="reject")

    session = await world.start(app, quote, connectorId=connector["id"])
    await world.wait(app, session["id"], "CHARGING")
    await app.ask(STOP, id=session["id"])
    await asyncio.sleep(1.5)
    running = await world.session(app, session["id"])

    assert running["state"] == "CHARGING"
    assert "unplug" in running["stateReason"] or "refused" in running["stateReason"]
    world.behave(connector, stop="ok")
    await app.ask(STOP, id=session["id"])
    await world.wait(app, session["id"], "SETTLED")


async def _once_released(world: World, before: int) -> dict[str, int]:
    for _ in range(50):
        [payment] = world.payments()[before:]
        if payment["status"] == "canceled":
            return payment
        await asyncio.sleep(0.2)
    raise AssertionError(f"the hold is not released: {payment}")
