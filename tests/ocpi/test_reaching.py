"""Which of many parties can be reached, asked at once: the same as asked one by one."""

from typing import Any

from sqlalchemy import event

from emsp.charging.ports import ToOperator
from emsp.db.engine import engine, transaction
from emsp.ocpi import routing
from emsp.ocpi.connections import PartyId
from emsp.ocpi.routing import CREDENTIALS, HUB, RouteFacts
from emsp.ocpi.send.commands import OcpiNetwork
from tests.ocpi.test_routing import connection


def party(party_id: str, status: str = routing.CONNECTED) -> RouteFacts:
    return RouteFacts(country_code="NL", party_id=party_id, status=status)


async def test_that_many_are_told_as_each_is(database: str) -> None:
    network = OcpiNetwork()
    async with transaction() as db:
        there, away, hub = (
            await connection(db, "There"),
            await connection(db, "Away"),
            await connection(db, "Hub", hub="NLHUB"),
        )
        await routing.learn(db, there, party("ONE"), CREDENTIALS)
        await routing.learn(db, away, party("TWO"), CREDENTIALS)
        await routing.learn(db, hub, party("OFF", routing.OFFLINE), HUB)
        await routing.learn(db, hub, party("ON1"), HUB)
        await routing.learn(db, away, party("SEC"), CREDENTIALS)
        await routing.learn(db, hub, party("SEC"), HUB)
        await routing.learn(db, there, party("FOR"), CREDENTIALS)
        await routing.forbid(db, there.id, PartyId("NL", "FOR"))
        away.state = "UNREGISTERED"
        await db.flush()
        asked = [
            ToOperator(partner_id=partner_id, country_code="nl", party_id=party_id)
            for partner_id in (there.partner_id, away.partner_id, hub.partner_id)
            for party_id in ("ONE", "TWO", "OFF", "ON1", "SEC", "FOR", "NEW")
        ]
        one_by_one = {
            each for each in asked if await network.reachable(db, each.partner_id, each.country_code, each.party_id)
        }
        assert await network.reachable_of(db, asked) == one_by_one
        assert 0 < len(one_by_one) < len(asked)

        seen: list[Any] = []

        def note(*call: Any) -> None:
            seen.append(call[2])

        event.listen(engine().sync_engine, "before_cursor_execute", note)
        try:
            assert await network.reachable_of(db, []) == set()
            await network.reachable_of(db, asked)
        finally:
            event.remove(engine().sync_engine, "before_cursor_execute", note)
        assert len(seen) <= 4
