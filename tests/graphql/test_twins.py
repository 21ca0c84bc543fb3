"""A charge point that two partners publish, as an app sees it: one pin, the freshest status, the price that it pays."""

from emsp import clock
from emsp.db.engine import transaction
from emsp.graphql import ids
from emsp.partners.tables import Partner
from emsp.pricing.tables import TariffRow
from emsp.stations.twins import match
from tests.graphql import rows
from tests.graphql.conftest import Api, Town

HERE = """
query {
  stations(where: {box: {west: 5.0, south: 52.0, east: 5.2, north: 52.2}}) {
    totalCount
    nodes {
      name
      availability { available occupied total }
      evses { label status connectors { id tariff { summary } indicativePrice { total { amount } } } }
    }
  }
}"""
QUOTE = """
mutation ($connector: ID!) {
  quoteCharge(input: {connectorId: $connector, energyWh: 10000}) { quote { total { amount } } errors { code } }
}"""
CHEAP = {
    "currency": "EUR",
    "elements": [{"components": [{"dimension": "ENERGY", "price": "0.10", "vat_percent": "0"}]}],
}


async def hub_publishes_it_too(town: Town) -> None:
    async with transaction() as db:
        hub = await rows.added(db, Partner(name="Hub"))
        station = await rows.station(db, hub.id, 7, party_id="HUB", longitude=town.station.longitude, name="At the hub")
        evse = await rows.evse(db, station, 1, "CHARGING")
        evse.evse_id, evse.evse_key = town.evse.evse_id, town.evse.evse_key
        await rows.connector(db, evse)
        named = {"country_code": "NL", "party_id": "HUB", "external_id": "T1", "external_key": "t1"}
        times = {"source_updated_at": clock.now(), "updated_at": clock.now()}
        await rows.added(db, TariffRow(partner_id=hub.id, currency="EUR", document=CHEAP, **named, **times))
    await match.match_all()


async def test_that_it_is_one_pin_with_the_freshest_status_and_the_price_that_is_paid(api: Api, town: Town) -> None:
    connector = ids.encode("Connector", town.connector.id)
    before = (await api.ask(HERE))["stations"]
    await hub_publishes_it_too(town)
    after = (await api.ask(HERE))["stations"]
    assert (before["totalCount"], after["totalCount"]) == (1, 1)
    (was,), (station,) = before["nodes"], after["nodes"]
    assert station["name"] == was["name"] == "Station 1"
    assert was["availability"] == {"available": 1, "occupied": 1, "total": 2}
    assert station["availability"] == {"available": 0, "occupied": 2, "total": 2}
    assert [evse["status"] for evse in station["evses"]] == ["OCCUPIED", "OCCUPIED"]
    (plug,) = station["evses"][0]["connectors"]
    assert (plug["id"], plug["indicativePrice"]["total"]["amount"]) == (connector, "2.00")
    assert plug["tariff"]["summary"] != was["evses"][0]["connectors"][0]["tariff"]["summary"]
    quoted = await api.ask(QUOTE, "ada-token", connector=connector)
    assert quoted["quoteCharge"] == {"quote": {"total": {"amount": "1.00"}}, "errors": []}
