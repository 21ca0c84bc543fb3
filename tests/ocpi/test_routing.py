"""Parties, and the connections over which they are reached."""

import pytest

from emsp import vault
from emsp.db.engine import Db, transaction
from emsp.errors import PartnerFailed, Refused
from emsp.ocpi import routing
from emsp.ocpi.connections import PartyId
from emsp.ocpi.routing import CREDENTIALS, HUB, RouteFacts
from emsp.ocpi.tables import Connection
from emsp.partners.parties import ensure_partner

ABC = PartyId("NL", "ABC")
FACTS = RouteFacts(country_code="NL", party_id="ABC", name="ABC Charging")


async def connection(db: Db, name: str, *, hub: str | None = None) -> Connection:
    """A registered connection that reaches nobody yet."""
    partner = await ensure_partner(db, name)
    made = Connection(
        partner_id=partner.id,
        state="REGISTERED",
        hub_party=hub,
        token_out_sealed=vault.seal("theirs"),
        endpoints=[],
        roles=[{"role": "CPO", "country_code": "NL", "party_id": "ABC", "name": name}],
    )
    db.add(made)
    await db.flush()
    return made


async def test_a_party_has_one_owner_however_many_ways_lead_to_it(database: str) -> None:
    async with transaction() as db:
        direct, hub = await connection(db, "ABC"), await connection(db, "Hub", hub="NLHUB")
        await routing.take_roles(db, direct, [FACTS])
        await routing.learn(db, hub, FACTS, HUB)

        assert await routing.owner(db, direct.id, ABC) == direct.partner_id
        assert await routing.owner(db, hub.id, ABC) is None, "a second way is not used before it is allowed"
        await routing.allow(db, hub.id, ABC)
        assert await routing.owner(db, hub.id, ABC) == direct.partner_id
        assert (await routing.peer_for(db, direct.partner_id, ABC)).id == direct.id


async def test_the_preferred_way_is_taken_and_another_one_when_that_is_down(database: str) -> None:
    async with transaction() as db:
        direct, hub = await connection(db, "ABC"), await connection(db, "Hub", hub="NLHUB")
        await routing.take_roles(db, direct, [FACTS])
        await routing.learn(db, hub, FACTS, HUB)
        await routing.prefer(db, hub.id, ABC)
        assert (await routing.peer_for(db, direct.partner_id, ABC)).id == hub.id

        offline = RouteFacts(country_code="NL", party_id="ABC", status=routing.OFFLINE)
        await routing.learn(db, hub, offline, HUB)
        assert (await routing.peer_for(db, direct.partner_id, ABC)).id == direct.id

        direct.state = "UNREGISTERED"
        await db.flush()
        with pytest.raises(PartnerFailed, match=r"NL ABC cannot be reached now \(OFFLINE\)"):
            await routing.peer_for(db, direct.partner_id, ABC)


async def test_a_direct_partner_may_not_take_anothers_party_but_one_that_only_a_hub_named(database: str) -> None:
    async with transaction() as db:
        hub, direct, thief = (
            await connection(db, "Hub", hub="NLHUB"),
            await connection(db, "ABC"),
            await connection(db, "Thief"),
        )
        await routing.learn(db, hub, FACTS, HUB)
        await routing.take_roles(db, direct, [FACTS])
        with pytest.raises(Refused, match="CPO NL ABC is already connected as a party of another partner"):
            await routing.take_roles(db, thief, [FACTS])

        assert await routing.owner(db, direct.id, ABC) == hub.partner_id, "who it belongs to does not change"


async def test_roles_that_are_no_longer_named_are_dropped_and_agreed_ones_stay(database: str) -> None:
    other = PartyId("NL", "OTH")
    async with transaction() as db:
        direct = await connection(db, "ABC")
        await routing.take_roles(db, direct, [FACTS, RouteFacts(country_code="NL", party_id="OLD")])
        await routing.allow(db, direct.id, other)
        await routing.take_roles(db, direct, [FACTS])

        found = {(route.party_id, route.source) for route, _ in await routing.routes(db)}
        assert found == {("ABC", CREDENTIALS), ("OTH", routing.AGREEMENT)}
        await routing.forbid(db, direct.id, other)
        assert await routing.owners(db, direct.id, [ABC, other]) == {ABC: direct.partner_id}


@pytest.mark.parametrize("text", ["NL/ABC", "nl*abc", "NL-ABC", "nlabc"])
def test_a_party_is_read_however_it_is_written(text: str) -> None:
    assert PartyId.parse(text) == ABC
