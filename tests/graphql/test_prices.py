"""What charging costs, beside each connector and in the search: for this brand, this driver and this moment."""

from decimal import Decimal
from typing import Any

from sqlalchemy import event

from emsp.brands.tables import Brand
from emsp.db.engine import engine, transaction
from emsp.graphql import ids
from emsp.pricing.retail import plans
from emsp.pricing.retail.plan_terms import PlanTerms
from emsp.pricing.tables import TariffRow
from tests.graphql import rows
from tests.graphql.conftest import Api, Town

UTRECHT = {"box": {"west": 5.0, "south": 52.0, "east": 5.2, "north": 52.2}}
PRICES = """
query ($where: StationPlace!, $filter: StationFilter, $order: StationOrder, $first: Int, $after: String) {
  stations(where: $where, filter: $filter, orderBy: $order, first: $first, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      name
      indicativePrice { total { amount currency } pricePerKwh { amount currency per } missingReason }
      evses { connectors { indicativePrice {
        total { amount currency } pricePerKwh { amount per } taxKnown assumptions missingReason
      } } }
    }
  }
}"""
ONE = """
query ($id: ID!, $energy: Int!, $minutes: Int!) {
  node(id: $id) { ... on Connector {
    usual: indicativePrice { total { amount } missingReason }
    other: indicativePrice(energyWh: $energy, minutes: $minutes) { total { amount } pricePerKwh { amount } }
  } }
}"""


def at_most(amount: str, currency: str = "EUR") -> dict[str, Any]:
    return {"maxPricePerKwh": {"amount": amount, "currency": currency}}


async def names(api: Api, *, token: str | None = None, brand: str | None = None, **wanted: Any) -> list[str]:
    found = (await api.ask(PRICES, token, brand, where=UTRECHT, **wanted))["stations"]
    assert found["totalCount"] == len(found["nodes"])
    return [station["name"] for station in found["nodes"]]


async def add(town: Town, number: int, price: str | None, *, currency: str = "EUR", **facts: Any) -> None:
    """A station with one connector, and a tariff of its own."""
    async with transaction() as db:
        station = await rows.station(db, town.station.partner_id, number)
        await rows.connector(db, await rows.evse(db, station, 1), tariff_keys=[f"t{number}"], **facts)
        if price is None:
            return
        component = {"dimension": "ENERGY", "price": price, "vat_percent": "0"}
        document = {"currency": currency, "elements": [{"components": [component]}]}
        said = {"external_id": f"T{number}", "external_key": f"t{number}", "currency": currency, "document": document}
        owner = {"partner_id": town.station.partner_id, "country_code": "NL", "party_id": "ABC"}
        await rows.added(db, TariffRow(**owner, **said, source_updated_at=rows.JUNE, updated_at=rows.JUNE))


async def test_that_a_connector_and_its_station_have_an_indicative_price(api: Api, town: Town) -> None:
    async with transaction() as db:
        await rows.connector(db, town.evse, 2, tariff_keys=[])

    [station] = (await api.ask(PRICES, where=UTRECHT))["stations"]["nodes"]

    known, unknown = (connector["indicativePrice"] for connector in station["evses"][0]["connectors"])
    assert known["total"] == {"amount": "10.89", "currency": "EUR"}
    assert known["pricePerKwh"] == {"amount": "0.5445", "per": "KWH"}
    assert (known["taxKnown"], known["missingReason"]) == (True, None)
    assert any("11" in said for said in known["assumptions"])
    assert unknown == {
        "total": None,
        "pricePerKwh": None,
        "taxKnown": False,
        "assumptions": [],
        "missingReason": "NO_TARIFF_PUBLISHED",
    }
    assert station["indicativePrice"] == {
        "total": {"amount": "10.89", "currency": "EUR"},
        "pricePerKwh": {"amount": "0.5445", "currency": "EUR", "per": "KWH"},
        "missingReason": None,
    }


async def test_that_another_charge_has_another_price_and_none_is_refused(api: Api, town: Town) -> None:
    id_ = ids.encode("Connector", town.connector.id)

    node = (await api.ask(ONE, id=id_, energy=10_000, minutes=60))["node"]

    assert node["usual"] == {"total": {"amount": "10.89"}, "missingReason": None}
    assert node["other"] == {"total": {"amount": "5.45"}, "pricePerKwh": {"amount": "0.545"}}
    assert (await api.wrong(ONE, id=id_, energy=0, minutes=60))["extensions"]["field"] == "energyWh"
    assert (await api.wrong(ONE, id=id_, energy=1, minutes=0))["extensions"]["field"] == "minutes"


async def test_that_stations_are_found_and_sorted_by_price(api: Api, town: Town) -> None:
    await add(town, 2, "0.60")
    await add(town, 3, None)
    await add(town, 4, "0.20")
    await add(town, 5, "0")

    assert await names(api, order="PRICE") == ["Station 5", "Station 4", "Station 1", "Station 2", "Station 3"]
    assert await names(api, order="PRICE", filter=at_most("0.5445")) == ["Station 5", "Station 4", "Station 1"]
    assert await names(api, order="PRICE", filter=at_most("0")) == ["Station 5"]
    assert await names(api, filter=at_most("0.5444") | {"minPowerKw": 50}) == []
    assert (await api.wrong(PRICES, where=UTRECHT, filter=at_most("-1")))["extensions"]["field"] == (
        "filter.maxPricePerKwh.amount"
    )


async def test_that_clusters_hold_what_is_cheap_enough(api: Api, town: Town) -> None:
    await add(town, 2, "0.60")
    await add(town, 3, None)
    document = """query ($filter: StationFilter) {
      stationClusters(box: {west: 4, south: 51, east: 6, north: 53}, zoom: 3, filter: $filter) { stationCount }
    }"""
    assert (await api.ask(document))["stationClusters"] == [{"stationCount": 3}]
    assert (await api.ask(document, filter=at_most("0.60")))["stationClusters"] == [{"stationCount": 2}]
    assert (await api.ask(document, filter=at_most("0.10")))["stationClusters"] == []


async def test_that_another_currency_is_converted_and_an_unknown_one_never_matches(api: Api, town: Town) -> None:
    await add(town, 2, "1", currency="DKK")
    assert await names(api, order="PRICE") == ["Station 2", "Station 1"]
    assert await names(api, filter=at_most("0.20")) == ["Station 2"]
    assert await names(api, filter=at_most("1", "DKK")) == ["Station 2"]
    assert await names(api, order="PRICE", filter=at_most("9", "DKK")) == ["Station 2", "Station 1"]
    assert await names(api, filter=at_most("9", "KPW")) == []


async def test_that_brand_and_plan_have_prices_of_their_own(api: Api, town: Town) -> None:
    async with transaction() as db:
        stroom = await db.get_one(Brand, town.stroom.id)
        stroom.price_policy = {"markup_percent": "100"}
        half = PlanTerms(energy_discount_percent=Decimal(50))
        await plans.subscribe(db, await plans.add_plan(db, town.volt.id, "half", "Half", half), town.ada.id)

    assert await names(api, filter=at_most("0.30")) == []
    assert await names(api, filter=at_most("0.60")) == ["Station 1"]
    assert await names(api, token="ada-token", filter=at_most("0.30")) == ["Station 1"]
    assert await names(api, token="ben-token", filter=at_most("0.30")) == []
    assert await names(api, brand="stroom", filter=at_most("0.60")) == []
    assert await names(api, brand="stroom", token="zoe-token", filter=at_most("1.10")) == ["Station 1"]


async def test_that_prices_of_a_page_take_a_constant_number_of_statements(api: Api, town: Town) -> None:
    one = await _statements(api, first=1)
    for number in range(2, 30):
        await add(town, number, f"0.{number + 10}")
    many = await _statements(api, first=100)

    assert one == many
    assert len(many) == 14


async def test_that_pages_in_the_order_of_prices_follow_each_other(api: Api, town: Town) -> None:
    for number in range(2, 8):
        await add(town, number, f"0.{70 - number}" if number % 3 else None)
    whole = await names(api, order="PRICE")
    seen: list[str] = []
    after = None
    for _ in range(4):
        page = (await api.ask(PRICES, where=UTRECHT, order="PRICE", first=2, after=after))["stations"]
        seen += [station["name"] for station in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert seen == whole == [f"Station {number}" for number in (1, 7, 5, 4, 2, 3, 6)]


async def _statements(api: Api, first: int) -> list[str]:
    """The statements of a query in the order of prices, up to their values, in order of the alphabet."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement.partition(" IN (")[0])

    event.listen(engine().sync_engine, "before_cursor_execute", note)
    try:
        await api.ask(PRICES, where=UTRECHT, order="PRICE", filter=at_most("5"), first=first)
    finally:
        event.remove(engine().sync_engine, "before_cursor_execute", note)
    return sorted(seen)
