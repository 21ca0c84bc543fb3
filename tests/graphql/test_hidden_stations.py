"""Where a brand does not let its drivers charge: looked up, it is not there; who charged there sees where it was."""

from typing import Any

import pytest

from emsp.db.engine import transaction
from emsp.graphql import ids
from tests.graphql.conftest import Api, Town

BY_ID = """query ($station: ID!, $evse: ID!, $connector: ID!) {
  station(id: $station) { name }
  nodes(ids: [$station, $evse, $connector]) { __typename }
}"""
WAS_THERE = """query ($session: ID!) {
  chargingSession(id: $session) {
    station { name evses { id } }
    connector { id evse { station { name } } }
    receipt { number }
    quote { connector { evse { station { name } } } }
  }
}"""
HIDES: list[dict[str, Any]] = [
    {"allowed_parties": ["NL*XYZ"]},
    {"blocked_parties": ["NL*ABC"]},
    {"blocked_countries": ["NL"]},
    {"max_power_w": 21_999},
]


async def looked_up(api: Api, town: Town, token: str | None = None, brand: str | None = None) -> list[str | None]:
    """The station's name, then what each of its parts is found as."""
    parts = (("Station", town.station), ("Evse", town.evse), ("Connector", town.connector))
    asked = {kind.lower(): ids.encode(kind, row.id) for kind, row in parts}
    found = await api.ask(BY_ID, token, brand, **asked)
    station = found["station"]
    return [station and station["name"], *(node and node["__typename"] for node in found["nodes"])]


@pytest.mark.parametrize("policy", HIDES)
async def test_that_it_looks_like_what_is_not_there(api: Api, town: Town, policy: dict[str, Any]) -> None:
    there = ["Station 1", "Station", "Evse", "Connector"]
    assert await looked_up(api, town) == there
    async with transaction() as db:
        (await db.get_one(type(town.volt), town.volt.id)).network_policy = policy
    assert await looked_up(api, town) == [None] * 4
    assert await looked_up(api, town, "ada-token") == [None] * 4, "also for who has charged there"
    assert await looked_up(api, town, brand="stroom") == there
    assert await looked_up(api, town, "zoe-token", "stroom") == there


async def test_that_what_is_within_the_limits_is_there(api: Api, town: Town) -> None:
    async with transaction() as db:
        policy = {"allowed_parties": ["NL*ABC"], "allowed_countries": ["NL"], "max_power_w": 22_000}
        (await db.get_one(type(town.volt), town.volt.id)).network_policy = policy
    assert (await looked_up(api, town))[0] == "Station 1"


async def test_that_a_charge_shows_where_it_was(api: Api, town: Town) -> None:
    before = await api.ask(WAS_THERE, "ada-token", session=ids.encode("ChargingSession", town.session.id))
    async with transaction() as db:
        (await db.get_one(type(town.volt), town.volt.id)).network_policy = {"blocked_parties": ["NL*ABC"]}
    after = await api.ask(WAS_THERE, "ada-token", session=ids.encode("ChargingSession", town.session.id))
    assert after == before
    assert after["chargingSession"]["connector"]["evse"]["station"]["name"] == "Station 1"
