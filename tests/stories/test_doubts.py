"""An operator's feed says that a charge point is free. Whoever tries it finds otherwise, and the map says so."""

import json
import time
from typing import Any

from emsp.demo.app_client import AppClient
from tests.stories.world import STOP, World

SHOWN = """
query ($id: ID!) {
  station(id: $id) {
    availability { available occupied total }
    occupancy { since }
    reliability { since }
    evses { id status doubt { reason } }
  }
}"""


async def shown(app: AppClient, connector: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The station, and the charge point of the connector."""
    station = (await app.ask(SHOWN, id=connector["station"]["id"]))["station"]
    return station, next(evse for evse in station["evses"] if evse["id"] == connector["evse"]["id"])


def learn(world: World) -> dict[str, int]:
    """Let us look at what was seen, which is otherwise done every so often."""
    return {row["what"]: row["number"] for row in json.loads(world.processes.run("stations", "learn", "--json"))}


async def test_that_a_feed_is_not_believed_against_what_drivers_find(world: World) -> None:
    app = await world.driver()
    connector, quote = await world.priced_connector(app, by_energy=True)
    world.behave(connector, start="reject")
    for number in range(3):
        session = await world.start(app, quote, connectorId=connector["id"])
        await world.wait(app, session["id"], "FAILED")
        if number == 1:
            learn(world)
            _, evse = await shown(app, connector)
            assert (evse["status"], evse["doubt"]) == ("AVAILABLE", None), "two are no row yet"

    learn(world)
    _, evse = await shown(app, connector)
    assert (evse["status"], evse["doubt"]) == ("AVAILABLE", {"reason": "FAILED_STARTS"}), "the operator's word stays"

    world.behave(connector, start="ok")
    session = await world.start(app, quote, connectorId=connector["id"])
    await world.wait(app, session["id"], "CHARGING", energy_wh=100)
    world.set_status(connector, "AVAILABLE")
    deadline = time.monotonic() + 20
    while (await shown(app, connector))[1]["status"] != "OCCUPIED" or learn(world)["in use by a driver of ours"] == 0:
        assert time.monotonic() < deadline, "the map still says what the feed says"
    station, evse = await shown(app, connector)
    assert (evse["status"], evse["doubt"]) == ("OCCUPIED", None), "somebody charges there"
    assert station["availability"]["occupied"] >= 1
    assert (station["occupancy"], station["reliability"]) == (None, None), "too little was seen to say"
    await app.ask(STOP, id=session["id"])
