"""Stations as an app finds and shows them."""

from typing import Any

from sqlalchemy import event

from emsp.db.engine import engine, transaction
from emsp.graphql import ids
from tests.graphql import rows
from tests.graphql.conftest import Api, Town

UTRECHT = {"box": {"west": 5.0, "south": 52.0, "east": 5.2, "north": 52.2}}

MAP = """
query ($where: StationPlace!, $filter: StationFilter, $first: Int) {
  stations(where: $where, filter: $filter, first: $first) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage endCursor }
    edges { cursor node { id } }
    nodes {
      id name distanceM timeZone openNow facilities updatedAt
      coordinates { latitude longitude }
      address { street postalCode city country }
      operator { id name website }
      availability { available occupied reserved outOfService unknown total asOf freshness }
      openingHours { twentyFourSeven regular { weekday opensAt closesAt } }
      evses {
        id evseId label status statusAsOf capabilities
        connectors {
          id standard format powerType maxPowerKw priceMissingReason
          tariff {
            id currency summary taxIncluded missingReason
            elements { text components { dimension price { amount per } } }
          }
          evse { id station { id } }
        }
      }
    }
  }
}"""


async def test_that_a_station_is_shown_with_its_availability_and_price(api: Api, town: Town) -> None:
    found = (await api.ask(MAP, where=UTRECHT))["stations"]

    [station] = found["nodes"]
    assert found["totalCount"] == 1
    assert station["id"] == ids.encode("Station", town.station.id)
    assert station["address"] == {
        "street": "Oudegracht 1",
        "postalCode": "3511 AB",
        "city": "Utrecht",
        "country": "NLD",
    }
    assert station["operator"]["name"] == "Operator 1"
    counts = {name: count for name, count in station["availability"].items() if isinstance(count, int)}
    assert counts == {"available": 1, "occupied": 1, "reserved": 0, "outOfService": 0, "unknown": 0, "total": 2}
    assert station["availability"]["freshness"] == "LIVE"
    assert station["openNow"] is True
    assert [evse["status"] for evse in station["evses"]] == ["AVAILABLE", "OCCUPIED"]
    assert station["evses"][0]["capabilities"] == ["REMOTE_START_STOP_CAPABLE", "UNKNOWN"]
    [connector] = station["evses"][0]["connectors"]
    assert connector["standard"] == "IEC_62196_T2"
    assert connector["maxPowerKw"] == 22.0
    assert connector["tariff"]["elements"][0]["components"] == [
        {"dimension": "ENERGY", "price": {"amount": "0.45", "per": "KWH"}}
    ]
    assert connector["tariff"]["summary"].startswith("€0.5445 per kWh")
    assert connector["priceMissingReason"] is None


async def test_that_a_connector_without_a_tariff_says_why_and_is_not_free(api: Api, town: Town) -> None:
    async with transaction() as db:
        await rows.connector(db, town.evse, 2, tariff_keys=[])
        await rows.connector(db, town.evse, 3, tariff_keys=["unheard-of"])

    [station] = (await api.ask(MAP, where=UTRECHT))["stations"]["nodes"]

    connectors = station["evses"][0]["connectors"]
    assert [connector["priceMissingReason"] for connector in connectors] == [
        None,
        "NO_TARIFF_PUBLISHED",
        "TARIFF_UNKNOWN",
    ]
    assert [connector["tariff"] is None for connector in connectors] == [False, True, True]


async def test_that_a_map_query_is_a_constant_number_of_statements(api: Api, town: Town) -> None:
    one = await _statements(api, first=1)
    await _add_stations(town, 40)

    many = await _statements(api, first=100)

    assert one == many
    assert len(many) <= 14


async def test_that_pages_follow_each_other_without_gaps(api: Api, town: Town) -> None:
    await _add_stations(town, 6)
    document = """query ($after: String) {
      stations(where: {box: {west: 5, south: 52, east: 5.2, north: 52.2}}, first: 3, after: $after) {
        totalCount pageInfo { hasNextPage endCursor } nodes { name }
      }
    }"""
    seen: list[str] = []
    after, pages = None, 0
    while pages < 5:
        page = (await api.ask(document, after=after))["stations"]
        seen += [station["name"] for station in page["nodes"]]
        after, pages = page["pageInfo"]["endCursor"], pages + 1
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert pages == 3
    assert sorted(seen) == [f"Station {number}" for number in range(1, 8)]


async def test_that_the_nearest_comes_first_with_its_distance(api: Api, town: Town) -> None:
    await _add_stations(town, 3)
    near = {"near": {"latitude": 52.09, "longitude": 5.13}}

    found = (await api.ask(MAP, where=near))["stations"]["nodes"]

    assert (found[0]["name"], found[0]["distanceM"]) == ("Station 3", 0)
    assert 600 < found[1]["distanceM"] < 800


async def test_that_filters_narrow_the_search(api: Api, town: Town) -> None:
    async def count(**wanted: Any) -> int:
        return int((await api.ask(MAP, where=UTRECHT, filter=wanted))["stations"]["totalCount"])

    operator = ids.encode("Operator", town.station.operator_id)
    assert await count(availableNow=True, standards=["IEC_62196_T2"], minPowerKw=22) == 1
    assert await count(minPowerKw=22.5) == 0
    assert await count(standards=["CHADEMO"]) == 0
    assert await count(operators=[operator]) == 1
    assert await count(operators=["bogus"]) == 0
    assert await count(operators=[]) == 1
    assert await count(reservable=True) == 0
    assert await count(remoteStart=True, openNow=True, open24h=True) == 1
    assert await count(facilities=["WIFI"]) == 0


async def test_that_what_is_not_stated_does_not_pass_a_filter(api: Api, town: Town) -> None:
    async def count(**wanted: Any) -> int:
        return int((await api.ask(MAP, where=UTRECHT, filter=wanted))["stations"]["totalCount"])

    wishes = ("accessible", "plugAndCharge", "adHocPayment")
    assert [await count(**{wish: True}) for wish in wishes] == [0, 0, 0]
    assert [await count(**{wish: False}) for wish in wishes] == [1, 1, 1]
    async with transaction() as db:
        stated = await rows.station(db, town.station.partner_id, 5)
        evse = await rows.evse(db, stated, 1, accessible=True)
        evse.capabilities = ["CONTACTLESS_CARD_SUPPORT"]
        await rows.connector(db, evse, capabilities=["ISO_15118_20_PLUG_AND_CHARGE"])
    assert [await count(**{wish: True}) for wish in wishes] == [1, 1, 1]
    assert await count(**dict.fromkeys(wishes, True)) == 1


async def test_that_stations_along_a_route_come_as_one_passes_them(api: Api, town: Town) -> None:
    """Stations 1 to 4 stand on a line to the east; the route goes west, from behind the third."""
    await _add_stations(town, 3)
    document = """query ($where: StationPlace!) {
      stations(where: $where) { totalCount nodes { name alongM detourM distanceM } }
    }"""
    path = [{"latitude": 52.09, "longitude": 5.135}, {"latitude": 52.09, "longitude": 5.0}]

    found = (await api.ask(document, where={"along": {"path": path, "corridorM": 100}}))["stations"]
    beside = [{**point, "latitude": 52.095} for point in path]
    wide = (await api.ask(document, where={"along": {"path": beside, "corridorM": 1000}}))["stations"]["nodes"]
    near = (await api.ask(document, where=UTRECHT))["stations"]["nodes"]

    assert [station["name"] for station in found["nodes"]] == ["Station 3", "Station 2", "Station 1"]
    assert [station["alongM"] for station in found["nodes"]] == [342, 1025, 1708]
    assert {station["detourM"] for station in found["nodes"]} == {0}
    assert {station["distanceM"] for station in found["nodes"]} == {None}
    assert [station["detourM"] for station in wide] == [1305, 1112, 1112, 1112]  # the first stands before its beginning
    assert {(station["alongM"], station["detourM"]) for station in near} == {(None, None)}


async def test_that_a_route_that_cannot_be_is_refused_by_the_name_of_its_field(api: Api, town: Town) -> None:
    path = [{"latitude": 52.09, "longitude": 5.135}]
    for along, field in (
        ({"path": [], "corridorM": 100}, "along.path"),
        ({"path": path, "corridorM": -1}, "along.corridorM"),
        ({"path": [{"latitude": 91.0, "longitude": 0.0}], "corridorM": 1}, "along.path"),
    ):
        assert (await api.wrong(MAP, where={"along": along}))["extensions"]["field"] == field


async def test_that_a_brand_shows_only_where_its_drivers_may_charge(api: Api, town: Town) -> None:
    document = """{
      stations(where: {box: {west: 5, south: 52, east: 5.2, north: 52.2}}) { totalCount }
      stationClusters(box: {west: 5, south: 52, east: 5.2, north: 52.2}, zoom: 3) { stationCount }
      searchPlaces(text: "utrecht") { totalCount }
    }"""

    async def seen(**policy: Any) -> list[int]:
        async with transaction() as db:
            (await db.get_one(type(town.volt), town.volt.id)).network_policy = policy
        data = await api.ask(document)
        clusters = sum(cluster["stationCount"] for cluster in data["stationClusters"])
        return [data["stations"]["totalCount"], clusters, data["searchPlaces"]["totalCount"]]

    assert await seen() == [1, 1, 1]
    for hides in (
        {"allowed_parties": ["NL*XYZ"]},
        {"blocked_parties": ["NL*ABC"]},
        {"allowed_countries": ["DE"]},
        {"blocked_countries": ["NL"]},
        {"max_power_w": 21_999},
    ):
        assert await seen(**hides) == [0, 0, 0], hides
    shows = {"allowed_parties": ["NL*ABC"], "allowed_countries": ["NL"], "max_power_w": 22_000}
    assert await seen(**shows) == [1, 1, 1]
    assert (await api.ask(document, brand="stroom"))["stations"]["totalCount"] == 1


async def test_that_a_station_is_found_by_its_id_by_words_and_by_the_id_on_the_pole(api: Api, town: Town) -> None:
    id_ = ids.encode("Station", town.station.id)
    document = """query ($id: ID!, $text: String!) {
      station(id: $id) { id }
      node(id: $id) { __typename id }
      places: searchPlaces(text: "utrecht") { totalCount nodes { id } }
      poles: searchPlaces(text: $text) { nodes { id } }
      stations(where: {ids: [$id, "bogus"]}) { nodes { id distanceM } }
    }"""

    data = await api.ask(document, id=id_, text=town.evse.evse_id)

    assert data["station"] == {"id": id_}
    assert data["node"] == {"__typename": "Station", "id": id_}
    assert data["places"] == {"totalCount": 1, "nodes": [{"id": id_}]}
    assert data["poles"] == {"nodes": [{"id": id_}]}
    assert data["stations"] == {"nodes": [{"id": id_, "distanceM": None}]}


async def test_that_a_cluster_of_one_is_the_station_and_totals_are_honest(api: Api, town: Town) -> None:
    await _add_stations(town, 4)
    document = """query ($zoom: Int!) {
      stationClusters(box: {west: 4, south: 51, east: 6, north: 53}, zoom: $zoom) {
        stationCount maxPowerKw availability { available total } station { name availability { total } }
      }
    }"""

    far = (await api.ask(document, zoom=3))["stationClusters"]
    near = (await api.ask(document, zoom=22))["stationClusters"]

    assert [cluster["stationCount"] for cluster in far] == [5]
    assert far[0]["station"] is None
    assert far[0]["availability"] == {"available": 5, "total": 6}
    assert len(near) == 5
    assert all(cluster["station"]["availability"]["total"] == cluster["availability"]["total"] for cluster in near)


async def test_that_a_hidden_station_is_nowhere(api: Api, town: Town) -> None:
    async with transaction() as db:
        (await db.get_one(type(town.station), town.station.id)).shown = False
    things = {
        "a": ids.encode("Station", town.station.id),
        "b": ids.encode("Evse", town.evse.id),
        "c": ids.encode("Connector", town.connector.id),
    }

    data = await api.ask(
        "query ($a: ID!, $b: ID!, $c: ID!) { station(id: $a) { id } nodes(ids: [$a, $b, $c]) { id } }", **things
    )

    assert data == {"station": None, "nodes": [None, None, None]}


async def test_that_nonsense_is_refused_by_the_name_of_its_field(api: Api, town: Town) -> None:
    box = {"box": {"west": 5.0, "south": 95.0, "east": 5.2, "north": 96.0}}
    assert (await api.wrong(MAP, where=box))["extensions"]["field"] == "box.south"
    assert (await api.wrong(MAP, where=UTRECHT, first=101))["extensions"]["field"] == "first"
    assert (await api.wrong(MAP, where=UTRECHT, first=-1))["extensions"]["code"] == "INVALID_INPUT"
    both = UTRECHT | {"ids": []}
    assert "exactly one" in (await api.wrong(MAP, where=both))["message"].lower()
    many = {"ids": [ids.encode("Station", number) for number in range(101)]}
    assert (await api.wrong(MAP, where=many))["extensions"]["field"] == "where.ids"


async def _statements(api: Api, first: int) -> list[str]:
    """The statements that a map query takes, up to their values, in order of the alphabet."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement.partition(" IN (")[0])

    event.listen(engine().sync_engine, "before_cursor_execute", note)
    try:
        await api.ask(MAP, where=UTRECHT, first=first)
    finally:
        event.remove(engine().sync_engine, "before_cursor_execute", note)
    return sorted(seen)


async def _add_stations(town: Town, count: int) -> None:
    async with transaction() as db:
        for number in range(2, 2 + count):
            station = await rows.station(db, town.station.partner_id, number)
            await rows.connector(db, await rows.evse(db, station, 1))
