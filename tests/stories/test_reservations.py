"""A charge point kept free for a driver: used, given up, over, or taken back by its operator."""

import asyncio
import base64
import time
from typing import Any
from uuid import uuid4

from emsp.demo.app_client import AppClient
from tests.stories.world import World, place_of

RESERVE = """
mutation ($input: ReserveEvseInput!) {
  reserveEvse(input: $input) { reservation { id state expiresAt } errors { code message } }
}"""
CANCEL = "mutation ($id: ID!) { cancelReservation(reservationId: $id) { reservation { state } errors { code } } }"
SHOW = """
query ($id: ID!) {
  node(id: $id) { ... on Reservation { state stateReason stateAsOf expiresAt evse { status } station { name } } }
  viewer { reservations { id } }
}"""
CAPABILITIES = "query ($id: ID!) { node(id: $id) { ... on Evse { capabilities } } }"


async def reservable(world: World, app: AppClient, *, can: bool = True) -> dict[str, Any]:
    """A charge point of one's own that can be reserved, or cannot."""
    seen = []
    while True:
        connector = await world.connector(app)
        capabilities = (await app.ask(CAPABILITIES, id=connector["evse"]["id"]))["node"]["capabilities"]
        if ("RESERVABLE" in capabilities) == can:
            world.free_connectors[:0] = seen
            return connector
        seen.append(connector)


async def reserved(app: AppClient, connector: dict[str, Any], **wish: Any) -> dict[str, Any]:
    wanted = {"evseId": connector["evse"]["id"], "idempotencyKey": uuid4().hex, "minutes": 15} | wish
    answer: dict[str, Any] = (await app.post(RESERVE, input=wanted))["data"]["reserveEvse"]
    return answer


async def becomes(app: AppClient, reservation_id: str, state: str, timeout_s: float = 30) -> dict[str, Any]:
    """The reservation as soon as it is in a state."""
    deadline = time.monotonic() + timeout_s
    while True:
        found: dict[str, Any] = (await app.ask(SHOW, id=reservation_id))["node"]
        if found["state"] == state:
            return found
        assert time.monotonic() < deadline, f"still {found}"
        await asyncio.sleep(0.2)


def at_the_operator(world: World, reservation_id: str) -> str:
    """Where the operator has it."""
    key = base64.urlsafe_b64decode(reservation_id + "==").decode().partition(":")[2]
    return next(row["phase"] for row in world.cpo_books()["reservations"] if row["id"] == key)


async def test_that_a_reservation_is_kept_and_used(world: World) -> None:
    app = await world.driver()
    connector = await reservable(world, app)
    id_ = (await reserved(app, connector))["reservation"]["id"]
    kept = await becomes(app, id_, "CONFIRMED")
    assert kept["stateReason"].startswith("It is kept free for you until ")
    assert at_the_operator(world, id_) == "held"

    stranger = await world.driver()
    assert (await stranger.ask(SHOW, id=id_))["node"] is None
    assert (await stranger.post(CANCEL, id=id_))["data"]["cancelReservation"]["errors"] == [
        {"code": "RESERVATION_NOT_FOUND"}
    ]
    again = await reserved(app, connector)
    assert [error["code"] for error in again["errors"]] == ["ALREADY_RESERVED"]

    session = await world.start(app, await world.quote(app, connector), connectorId=connector["id"])
    await world.finish(app, session["id"], energy_wh=500)
    assert (await becomes(app, id_, "USED"))["stateReason"] == "You are charging."
    assert at_the_operator(world, id_) == "used", "the start came with the reservation's own token"


async def test_that_a_reservation_is_given_up_or_ends_by_itself(world: World) -> None:
    app = await world.driver()
    connector = await reservable(world, app)
    id_ = (await reserved(app, connector))["reservation"]["id"]
    await becomes(app, id_, "CONFIRMED")
    answer = (await app.ask(CANCEL, id=id_))["cancelReservation"]
    assert answer == {"reservation": {"state": "CANCELING"}, "errors": []}
    assert (await becomes(app, id_, "CANCELED"))["stateReason"] == "You cancelled it."
    assert at_the_operator(world, id_) == "over"

    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4))
    second = await reserved(app, connector, minutes=None, until=until)
    assert second["errors"] == []
    ended = await becomes(app, second["reservation"]["id"], "EXPIRED")
    assert ended["expiresAt"] == until
    assert (await app.ask(SHOW, id=id_))["viewer"]["reservations"][0] == {"id": second["reservation"]["id"]}


async def test_that_the_operator_takes_a_reservation_back(world: World) -> None:
    app = await world.driver()
    connector = await reservable(world, app)
    id_ = (await reserved(app, connector))["reservation"]["id"]
    await becomes(app, id_, "CONFIRMED")
    key = base64.urlsafe_b64decode(id_ + "==").decode().partition(":")[2]
    world.pull_lever("cancel-reservation", reservation_id=key)
    assert (await becomes(app, id_, "CANCELED"))["stateReason"] == "The operator cancelled the reservation."


async def test_that_what_cannot_be_reserved_is_refused(world: World) -> None:
    app = await world.driver()
    fixed = await reservable(world, app, can=False)
    assert [error["code"] for error in (await reserved(app, fixed))["errors"]] == ["RESERVATION_NOT_POSSIBLE"]
    connector = await reservable(world, app)
    world.behave(connector, start="reject")
    id_ = (await reserved(app, connector))["reservation"]["id"]
    assert (await becomes(app, id_, "REFUSED"))["stateReason"] == "The operator refused the reservation."
    assert place_of(connector)["location_id"] not in [row["id"] for row in world.cpo_books()["reservations"]]
