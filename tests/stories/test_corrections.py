"""An operator corrects what it asked: the receipt says so line by line, and the money goes back to the card."""

import asyncio
from typing import Any

from emsp.demo import documents
from emsp.demo.app_client import AppClient
from tests.stories.corrections import corrected_session
from tests.stories.world import World, minor, place_of

NODE = "query ($id: ID!) { node(id: $id) { id ... on Receipt { number total { amount } } } }"


async def charged(world: World) -> tuple[AppClient, dict[str, Any], str, dict[str, Any]]:
    """A driver, their settled session, the operator's id of it, and the payment in the card processor's books."""
    app = await world.driver()
    connector, quote = await world.priced_connector(app, by_energy=True)
    before = len(world.payments())
    session = await world.start(app, quote, connectorId=connector["id"])
    settled = await world.finish(app, session["id"], energy_wh=5000)
    place = place_of(connector)
    [theirs] = [one for one in world.cpo_books()["sessions"] if all(one[name] == place[name] for name in place)]
    while theirs["phase"] != "closed":
        await asyncio.sleep(0.2)
        [theirs] = [one for one in world.cpo_books()["sessions"] if one["id"] == theirs["id"]]
    return app, settled, theirs["id"], world.payments()[before]


def payment(world: World, known: dict[str, Any]) -> dict[str, Any]:
    """The payment as it stands now."""
    return next(one for one in world.payments() if one["id"] == known["id"])


async def points(app: AppClient) -> int:
    found: int = (await app.ask(documents.POINTS))["viewer"]["loyalty"]["pointsBalance"]
    return found


async def test_that_a_smaller_record_after_a_credit_gives_the_difference_back(world: World) -> None:
    app, settled, session_id, paid = await charged(world)
    world.pull_lever("correct-cdr", session_id=session_id, how="replace", factor="0.5")

    corrected = await corrected_session(app, settled["id"])
    receipt = corrected["receipt"]
    [correction] = receipt["corrections"]
    assert (receipt["id"], receipt["lines"][0]["amount"]) == (
        settled["receipt"]["id"],
        settled["receipt"]["lines"][0]["amount"],
    )
    back = [line for line in correction["lines"] if line["takenBack"]]
    assert [minor(line["amount"]) for line in back] == [-minor(line["amount"]) for line in receipt["lines"]]
    assert sum(minor(line["amount"]) for line in correction["lines"]) == minor(correction["total"]) < 0
    assert minor(correction["net"]) + sum(minor(tax["tax"]) for tax in correction["taxes"]) == (
        minor(correction["total"])
    )
    assert minor(receipt["totalAfterCorrections"]) == minor(receipt["total"]) + minor(correction["total"])
    assert corrected["costSoFar"] == receipt["totalAfterCorrections"] == correction["totalAfterCorrections"]
    assert (correction["corrects"], correction["corrections"]) == ({"id": receipt["id"]}, [])
    assert correction["number"] != receipt["number"]
    assert correction["verification"]["result"] in ("AGREES", "WITHIN_TOLERANCE")
    assert (corrected["state"], corrected["energyWh"] * 2 <= settled["energyWh"]) == ("SETTLED", True)
    assert await points(app) == corrected["energyWh"] // 1000

    now = payment(world, paid)
    assert now["captured_minor"] == minor(receipt["total"])
    assert now["captured_minor"] - now["refunded_minor"] == minor(receipt["totalAfterCorrections"])


async def test_that_a_credit_gives_everything_back_and_nobody_else_sees_it(world: World) -> None:
    app, settled, session_id, paid = await charged(world)
    world.pull_lever("correct-cdr", session_id=session_id, how="credit")

    corrected = await corrected_session(app, settled["id"])
    [correction] = corrected["receipt"]["corrections"]
    assert all(line["takenBack"] for line in correction["lines"])
    assert minor(correction["total"]) == -minor(corrected["receipt"]["total"])
    assert correction["verification"] == {"result": "NOT_CHECKABLE", "reason": "CREDITED"}
    assert minor(corrected["costSoFar"]) == 0
    now = payment(world, paid)
    assert now["refunded_minor"] == now["captured_minor"] > 0
    assert (corrected["state"], await points(app)) == ("SETTLED", 0)

    stranger = await world.driver(card=None)
    assert (await app.ask(NODE, id=correction["id"]))["node"]["number"] == correction["number"]
    assert (await stranger.ask(NODE, id=correction["id"]))["node"] is None


async def test_that_more_energy_afterwards_costs_the_driver_nothing(world: World) -> None:
    app, settled, session_id, paid = await charged(world)
    world.pull_lever("correct-cdr", session_id=session_id, how="change", factor="1.2")
    world.pull_lever("correct-cdr", session_id=session_id, how="second", factor="1.3")

    told = "The operator sent another record of this charge."
    for _ in range(200):
        session = await corrected_session(app, settled["id"], corrections=0)
        if told in [line["text"] for line in session["timeline"]]:
            break
        await asyncio.sleep(0.3)
    await asyncio.sleep(1)
    session = await corrected_session(app, settled["id"], corrections=0)
    assert session["receipt"]["corrections"] == []
    assert session["costSoFar"]["amount"] == settled["receipt"]["total"]["amount"]
    assert payment(world, paid)["captured_minor"] == minor(settled["receipt"]["total"])
    assert any(line["text"].endswith("your receipt is unchanged.") for line in session["timeline"])
