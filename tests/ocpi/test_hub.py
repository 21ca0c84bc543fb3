"""Parties behind a hub: told by pushes and lists, called while they are connected, and nobody else's to tell."""

from typing import Any

import msgspec
import pytest

from emsp.db.engine import transaction
from emsp.errors import EmspError, PartnerFailed
from emsp.ocpi import routing
from emsp.ocpi.connections import PartyId
from emsp.ocpi.serve.hub import take_in_client_info
from tests.ocpi import people
from tests.ocpi.askable import a_driver
from tests.ocpi.people import Cpo, values

ROUTES = "SELECT country_code, party_id, role, status, allowed FROM ocpi_route WHERE source = 'HUB' ORDER BY 1, 2"
DE_ONE = PartyId("DE", "ONE")


def info(**members: Any) -> dict[str, Any]:
    return {
        "country_code": "DE",
        "party_id": "ONE",
        "role": "CPO",
        "status": "CONNECTED",
        "last_updated": "2026-06-01T10:00:00Z",
        **members,
    }


@pytest.fixture
async def hub(cpo: Cpo) -> Cpo:
    """The CPO NL ABC as a hub."""
    async with transaction() as db:
        db.add(cpo.connection)
        cpo.connection.hub_party = "NLABC"
    return cpo


async def reached(party: PartyId, hub: Cpo) -> str:
    """The name of the connection over which a party is called."""
    async with transaction() as db:
        return (await routing.peer_for(db, hub.connection.partner_id, party)).name


async def test_a_hub_tells_of_a_party_and_is_then_the_way_to_it(hub: Cpo) -> None:
    assert await hub.says("PUT", "/locations/DE/ONE/LOC1", people.location(country_code="DE", party_id="ONE")) == (
        404,
        2001,
    )
    answer = await hub.send("PUT", "/hubclientinfo/de/one", info(), **{"OCPI-to-party-id": "EMP"})

    assert (answer.status_code, answer.json()["status_code"]) == (200, 1000)
    assert not [name for name in answer.headers if name.lower().startswith("ocpi-")], "it is not routed"
    assert await values(ROUTES) == [("DE", "ONE", "CPO", "CONNECTED", True)]
    assert await reached(DE_ONE, hub) == "ABC Charging"
    assert await hub.gets("/hubclientinfo/DE/ONE") == info()
    location = people.location(country_code="DE", party_id="ONE")
    assert await hub.says("PUT", "/locations/DE/ONE/LOC1", location) == (201, 1000)


@pytest.mark.parametrize("status", ["OFFLINE", "PLANNED", "SUSPENDED"])
async def test_a_party_that_is_not_connected_is_not_called(hub: Cpo, status: str) -> None:
    await hub.says("PUT", "/hubclientinfo/DE/ONE", info())
    later = info(status=status.lower(), last_updated="2026-06-01T11:00:00Z")
    assert await hub.says("PUT", "/hubclientinfo/DE/ONE", later) == (200, 1000)

    with pytest.raises(PartnerFailed, match=f"DE ONE cannot be reached now .{status}."):
        await reached(DE_ONE, hub)


async def test_what_is_older_than_what_is_known_is_ignored(hub: Cpo) -> None:
    await hub.says("PUT", "/hubclientinfo/DE/ONE", info())
    older = info(status="SUSPENDED", last_updated="2026-06-01T09:59:59Z")
    assert await hub.says("PUT", "/hubclientinfo/DE/ONE", older) == (200, 1000)
    assert await values(ROUTES) == [("DE", "ONE", "CPO", "CONNECTED", True)]


async def test_only_a_hub_tells_of_others(rival: Cpo, hub: Cpo) -> None:
    assert await rival.says("PUT", "/hubclientinfo/DE/ONE", info()) == (200, 2001)
    assert await rival.says("GET", "/hubclientinfo/DE/ONE") == (200, 2001)
    assert await values(ROUTES) == []


@pytest.mark.parametrize(
    ("body", "answered"),
    [
        (info(status="ONLINE"), (200, 2001)),
        (info(party_id="TWO"), (200, 2001)),
        (info(party_id="TOOLONG"), (200, 2001)),
        ({"party_id": "ONE"}, (200, 2001)),
        ([], (200, 2001)),
        (b"{", (200, 2001)),
        (b"", (200, 2001)),
    ],
)
async def test_what_makes_no_sense_is_refused(hub: Cpo, body: Any, answered: tuple[int, int]) -> None:
    assert await hub.says("PUT", "/hubclientinfo/DE/ONE", body) == answered
    assert await values(ROUTES) == []


async def test_other_paths_and_methods_are_not_there(hub: Cpo) -> None:
    assert await hub.says("PUT", "/hubclientinfo/DE", info()) == (404, 2000)
    assert await hub.says("GET", "/hubclientinfo/DE/ONE") == (404, 2001)
    assert await hub.says("DELETE", "/hubclientinfo/DE/ONE") == (405, 2000)
    hub.version = "2.1.1"
    assert await hub.says("PUT", "/hubclientinfo/DE/ONE", info()) == (404, 2000)


async def test_our_own_parties_and_the_hub_itself_are_no_news(hub: Cpo) -> None:
    await a_driver("stroom", "bob", roaming_country_code="BE", roaming_party_id="STR")
    for party in (("NL", "EMP"), ("BE", "STR"), ("NL", "ABC")):
        own = info(country_code=party[0], party_id=party[1], role="EMSP")
        assert await hub.says("PUT", f"/hubclientinfo/{'/'.join(party)}", own) == (200, 1000)
    assert await values(ROUTES) == []


async def test_of_a_party_with_two_roles_the_operator_counts(hub: Cpo) -> None:
    provider = info(role="EMSP", status="OFFLINE", last_updated="2026-06-01T12:00:00Z")
    await hub.says("PUT", "/hubclientinfo/DE/ONE", provider)
    assert await values(ROUTES) == [("DE", "ONE", "EMSP", "OFFLINE", True)]
    await hub.says("PUT", "/hubclientinfo/DE/ONE", info())
    await hub.says("PUT", "/hubclientinfo/DE/ONE", provider)
    assert await values(ROUTES) == [("DE", "ONE", "CPO", "CONNECTED", True)]


async def test_a_party_that_is_connected_directly_stays_so(hub: Cpo, rival: Cpo) -> None:
    await hub.says("PUT", "/hubclientinfo/NL/XYZ", info(country_code="NL", party_id="XYZ"))
    assert await values(ROUTES) == [("NL", "XYZ", "CPO", "CONNECTED", False)]
    async with transaction() as db:
        peer = await routing.peer_for(db, rival.connection.partner_id, PartyId("NL", "XYZ"))
    assert peer.id == rival.connection.id


async def test_a_list_is_taken_in_one_by_one(hub: Cpo, rival: Cpo) -> None:
    bodies = [info(), info(), info(party_id="TWO", status="?"), info(party_id="EMP", country_code="NL"), []]
    encoded = [msgspec.json.encode(body) for body in bodies]
    async with transaction() as db:
        applied = await take_in_client_info(db, hub.connection, encoded)
        with pytest.raises(EmspError, match="only a hub"):
            await take_in_client_info(db, rival.connection, encoded)

    assert (applied.changed, applied.unchanged, applied.older) == (1, 2, 0)
    assert set(applied.reasons) == {"3", "5"}
    assert applied.reasons["3"].startswith("status: '?' is not one of")
    assert await values(ROUTES) == [("DE", "ONE", "CPO", "CONNECTED", True)]
