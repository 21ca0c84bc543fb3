"""A driver finds a station, charges and pays."""

import asyncio
from decimal import Decimal
from uuid import uuid4

from emsp.demo import documents
from tests.stories.world import START, STOP, World, minor


async def test_that_a_charge_is_paid_once_and_exactly_as_the_receipt_says(world: World) -> None:
    app = await world.driver()
    connector, quote = await world.priced_connector(app)
    before = len(world.payments())

    session = await world.start(app, quote, connectorId=connector["id"])
    assert session["state"] == "REQUESTED"
    settled = await world.finish(app, session["id"], energy_wh=5000)

    receipt = settled["receipt"]
    [payment] = world.payments()[before:]
    assert payment["status"] == "succeeded"
    assert payment["captured_minor"] == minor(receipt["total"]) == minor(receipt["paid"])
    assert payment["held_minor"] == 0
    assert payment["captured_minor"] + payment["released_minor"] == payment["authorised_minor"]
    assert sum(minor(line["amount"]) for line in receipt["lines"]) == minor(receipt["total"])
    assert minor(receipt["net"]) + sum(minor(tax["tax"]) for tax in receipt["taxes"]) == minor(receipt["total"])
    assert receipt["verification"]["result"] in ("AGREES", "WITHIN_TOLERANCE")
    assert settled["energyWh"] >= 5000
    points = (await app.ask(documents.POINTS))["viewer"]["loyalty"]["pointsBalance"]
    assert points == settled["energyWh"] // 1000


async def test_that_a_double_clicked_start_gives_one_session_and_one_hold(world: World) -> None:
    app = await world.driver()
    connector, quote = await world.priced_connector(app)
    before = len(world.payments())
    wish = {"quoteId": quote["id"], "connectorId": connector["id"], "idempotencyKey": uuid4().hex}

    answers = await asyncio.gather(*(app.ask(START, input=wish) for _ in range(5)))

    ids = {answer["startCharging"]["session"]["id"] for answer in answers}
    assert len(ids) == 1
    await world.finish(app, ids.pop())
    assert len(world.payments()) == before + 1


async def test_that_a_second_start_with_another_key_is_refused_while_the_first_is_open(world: World) -> None:
    app = await world.driver()
    connector, quote = await world.priced_connector(app)
    first = await world.start(app, quote, connectorId=connector["id"])

    answer = await app.try_(START, input={"quoteId": quote["id"], "idempotencyKey": uuid4().hex})

    assert answer["startCharging"]["session"] is None
    assert [error["code"] for error in answer["startCharging"]["errors"]] == ["ALREADY_CHARGING"]
    await world.finish(app, first["id"])


async def test_that_a_subscriber_sees_the_state_at_once_and_every_change_until_it_is_settled(world: World) -> None:
    app = await world.driver()
    connector, quote = await world.priced_connector(app)
    session = await world.start(app, quote, connectorId=connector["id"])
    seen: list[str] = []

    async with asyncio.timeout(60):
        async for value in app.follow(documents.WATCH, id=session["id"]):
            changed = value["chargingSessionChanged"]
            if changed["state"] not in seen:
                seen.append(changed["state"])
            if changed["state"] == "CHARGING" and changed["energyWh"] > 2000 and "STOPPING" not in seen:
                await app.ask(STOP, id=session["id"])

    assert seen[-1] == "SETTLED"
    order = ["REQUESTED", "COMMAND_SENT", "AWAITING_PLUG", "CHARGING", "STOPPING", "ENDED", "SETTLED"]
    assert seen == [state for state in order if state in seen]
    assert "CHARGING" in seen


async def test_that_charging_on_past_the_hold_is_paid_by_a_raised_hold_or_by_the_same_card(world: World) -> None:
    app = await world.driver()
    connector, _ = await world.priced_connector(app)
    small = await world.quote(app, connector, energy_wh=1000)
    before = len(world.payments())

    session = await world.start(app, small, connectorId=connector["id"])
    settled = await world.finish(app, session["id"], energy_wh=15_000)

    payments = world.payments()[before:]
    assert sum(payment["captured_minor"] for payment in payments) == minor(settled["receipt"]["total"])
    assert minor(settled["receipt"]["paid"]) == minor(settled["receipt"]["total"])
    assert payments[0]["captured_minor"] <= payments[0]["authorised_minor"]


async def test_that_a_record_sent_twice_is_billed_once(world: World) -> None:
    app = await world.driver()
    connector, quote = await world.priced_connector(app)
    world.behave(connector, cdr="twice")
    before = len(world.payments())

    session = await world.start(app, quote, connectorId=connector["id"])
    settled = await world.finish(app, session["id"], energy_wh=3000)

    await asyncio.sleep(1)
    again = await world.session(app, session["id"])
    assert again["receipt"] == settled["receipt"]
    assert [payment["captured_minor"] for payment in world.payments()[before:]] == [minor(settled["receipt"]["total"])]


async def test_that_the_bill_is_what_the_quoted_tariff_gives_for_the_measured_energy(world: World) -> None:
    app = await world.driver()
    connector, quote = await world.priced_connector(app)

    session = await world.start(app, quote, connectorId=connector["id"])
    settled = await world.finish(app, session["id"], energy_wh=8000)

    assert settled["energyWh"] < 60_000
    assert Decimal(settled["receipt"]["total"]["amount"]) <= Decimal(quote["worstCase"]["amount"])
    assert settled["costSoFar"]["amount"] == settled["receipt"]["total"]["amount"]
