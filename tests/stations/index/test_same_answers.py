"""On random stations, an index answers to the letter what PostgreSQL answers."""

import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from emsp.db.engine import transaction
from emsp.stations import by_sql
from emsp.stations.asking import Along, Cluster, Filter, Ids, Near, Network, Order, Page, Place
from emsp.stations.clusters import clusters as clusters_by_sql
from emsp.stations.facts import StationFacts
from emsp.stations.geo import Box
from emsp.stations.index import query
from emsp.stations.index.clusters import clusters
from emsp.stations.index.kept import StationIndex
from emsp.stations.tables import Evse, Operator, Station
from emsp.stations.twins.tables import EvseTwin, StationTwin
from tests.stations.index.segments import index_of_database
from tests.stations.places import at, connector, evse, ids_of, partner, put, station
from tests.stations.prices import prices

STANDARDS = ("IEC_62196_T2", "IEC_62196_T2_COMBO", "CHADEMO")
STATUSES = ("AVAILABLE", "CHARGING", "UNKNOWN", "OUTOFORDER", "RESERVED", "REMOVED")
CAPABILITIES = ("REMOTE_START_STOP_CAPABLE", "RESERVABLE", "RFID_READER", "CREDIT_CARD_PAYABLE", "PED_TERMINAL", "NEW")
PLUG_AND_CHARGE = ("ISO_15118_2_PLUG_AND_CHARGE", "ISO_15118_20_PLUG_AND_CHARGE")
FACILITIES = ("HOTEL", "WIFI", "CAFE")
PRICES = prices(free="0", cheap="0.35", dear="0.7123")
TARIFFS = ("free", "cheap", "dear", "unheard of", None)
PARTIES = (("NL", "ABC"), ("NL", "DEF"), ("DE", "ABC"))
OPERATORS = ("Volt & Co", "Fast", None)
TUESDAYS = {"regular_hours": [{"weekday": 2, "period_begin": "08:00", "period_end": "18:00"}]}
LUNCH = {"period_begin": "2026-06-02T11:59:30Z", "period_end": "2026-06-02T12:00:30Z"}
HOURS = (None, TUESDAYS, {"twentyfourseven": True, "exceptional_closings": [LUNCH]}, {})
STATIONS = 400
SPOTS = [(4.9, 52.37), (180.0, -17.0), (-180.0, 60.0), (0.0, 0.0), (13.4, 90.0), (-70.0, -90.0)]
ZOOMS = (0, 2, 4, 6, 9, 12, 17, 22)


def some_place(dice: random.Random) -> tuple[float, float]:
    """Anywhere: many in one country, in one town, at one spot, the odd one at an edge of the map."""
    chance = dice.random()
    if chance < 0.15:
        return dice.choice(SPOTS)
    if chance < 0.3:
        return dice.choice([-180.0, 180.0, 179.9, -179.9, 0.0]), dice.uniform(-90, 90)
    if chance < 0.6:
        return round(dice.gauss(4.9, 0.05), 4), round(dice.gauss(52.37, 0.03), 4)
    if chance < 0.85:
        return dice.uniform(3, 8), dice.uniform(50, 54)
    return dice.uniform(-180, 180), dice.uniform(-90, 90)


def some(dice: random.Random, words: tuple[str, ...], most: int = 3) -> list[str]:
    return dice.sample(words, dice.randrange(most))


def some_station(dice: random.Random, number: int) -> StationFacts:
    longitude, latitude = some_place(dice)
    country_code, party_id = dice.choice(PARTIES)
    evses = [
        evse(
            f"E{number}{place}",
            dice.choice(STATUSES),
            dice.choice([0, 1, -60, -2000]),
            capabilities=some(dice, CAPABILITIES),
            accessible=dice.choice([True, False, None]),
            connectors=[
                connector(
                    str(c),
                    standard=dice.choice(STANDARDS),
                    max_power_w=dice.choice([None, 11_000, 50_000, 150_000]),
                    tariff_ids=[tariff for tariff in [dice.choice(TARIFFS)] if tariff],
                    capabilities=some(dice, PLUG_AND_CHARGE, 2),
                )
                for c in range(dice.randrange(3))
            ],
        )
        for place in range(dice.randrange(1, 4))
    ]
    return station(
        str(number),
        longitude=longitude,
        latitude=latitude,
        country_code=country_code,
        party_id=party_id,
        country=dice.choice(["NLD", "BEL", None]),
        evses=evses,
        publish=dice.random() < 0.95,
        operator_name=dice.choice(OPERATORS),
        facilities=some(dice, FACILITIES),
        opening_hours=dice.choice(HOURS),
        twenty_four_seven=dice.choice([None, True]),
    )


def some_network(dice: random.Random) -> Network:
    return Network(
        allowed_parties=tuple(some(dice, ("NL*ABC", "DE*ABC"), 2)),
        blocked_parties=tuple(some(dice, ("NL*DEF",), 2)),
        allowed_countries=dice.choice([(), ("NL", "NLD", "BE", "BEL")]),
        blocked_countries=dice.choice([(), ("BEL",), ("DE", "DEU")]),
        max_power_w=dice.choice([None, 50_000]),
    )


def some_filter(dice: random.Random, operators: tuple[int, ...]) -> Filter:
    def now_and_then() -> bool:
        return dice.random() < 0.12

    return Filter(
        available_now=dice.random() < 0.3,
        standards=tuple(some(dice, STANDARDS)) if dice.random() < 0.4 else (),
        min_power_w=dice.choice([None, None, None, 0, 11_000, 20_000]),
        operator_ids=tuple(dice.sample(operators, 1)) if now_and_then() else (),
        open_now=now_and_then(),
        open_24h=now_and_then(),
        facilities=tuple(some(dice, FACILITIES)) if now_and_then() else (),
        remote_start=now_and_then(),
        reservable=now_and_then(),
        accessible=now_and_then(),
        plug_and_charge=now_and_then(),
        ad_hoc_payment=now_and_then(),
        network=some_network(dice) if now_and_then() else None,
        max_price_per_kwh=Decimal(dice.choice(["0", "0.35", "0.8"])) if now_and_then() else None,
    )


def some_box(dice: random.Random) -> Box:
    chance = dice.random()
    if chance < 0.1:
        return Box(-180, -90, 180, 90)
    if chance < 0.2:
        longitude, latitude = dice.choice(SPOTS)
        return Box(longitude, latitude, longitude, latitude)
    if chance < 0.5:
        return Box(dice.uniform(4.7, 4.9), dice.uniform(52.3, 52.37), dice.uniform(4.9, 5.1), dice.uniform(52.37, 52.5))
    south, north = sorted((dice.uniform(-90, 90), dice.uniform(-90, 90)))
    return Box(dice.uniform(-180, 180), south, dice.uniform(-180, 180), north)


def some_route(dice: random.Random) -> Along:
    chance = dice.random()
    if chance < 0.3:
        return Along(((179.0, -17.5), (-179.5, -16.5), (180.0, -17.0)), dice.choice([5_000, 50_000]))
    points = [some_place(dice) for _ in range(1 if chance < 0.4 else 2)]
    longitude, latitude = points[-1]
    for _ in range(dice.randrange(20)):
        longitude, latitude = (
            (longitude + dice.uniform(-0.2, 0.3) + 180) % 360 - 180,
            latitude + dice.uniform(-0.1, 0.1),
        )
        points.append((longitude, min(90.0, max(-90.0, latitude))))
    return Along(tuple(points), dice.choice([0, 500, 5_000, 50_000]))


def anywhere(dice: random.Random, ids: list[int]) -> Place:
    chance = dice.random()
    if chance < 0.4:
        return some_box(dice)
    if chance < 0.75:
        return Near(*some_place(dice), radius_m=dice.choice([None, None, 0.0, 2_000.0, 20_000.0, 3_000_000.0]))
    if chance < 0.9:
        return some_route(dice)
    return Ids(tuple(dice.choices([*ids, 0, 10**9], k=dice.randrange(60))))


def shown(page: Page) -> dict[str, Any]:
    """All of a page."""
    return {
        "ids": [row.id for row in page.stations],
        "distances_m": list(page.distances_m),
        "on_route": list(page.on_route),
        "cursors": list(page.cursors),
        "total_count": page.total_count,
        "has_next": page.has_next,
    }


async def publish_twice(dice: random.Random) -> None:
    """Some stations are not shown, as another one stands for them, and their charge points for those of that one."""
    async with transaction() as db:
        evses = defaultdict[int, list[int]](list)
        for row in await db.scalars(select(Evse)):
            evses[row.station_id].append(row.id or 0)
        twins = dice.sample(sorted(evses), 80)
        for twin, pin in zip(twins[:40], twins[40:], strict=True):
            db.add(StationTwin(station_id=twin, pin_id=pin, decided_at=at(0)))
            for evse_id in evses[twin]:
                values = {"pin_evse_id": dice.choice(evses[pin]), "matched_by": "PLACE", "confidence_percent": 90}
                db.add(EvseTwin(evse_id=evse_id, decided_at=at(0), **values))


World = tuple[random.Random, StationIndex, tuple[int, ...], list[int]]


@pytest.fixture(params=[1, 2])
async def world(request: pytest.FixtureRequest, database: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """Stations in PostgreSQL and in an index of three segments; few count as many, so that all ways are gone."""
    for module in ("boxes", "query", "clusters"):
        monkeypatch.setattr(f"emsp.stations.index.{module}.FEW", request.param * 40)
    monkeypatch.setattr("emsp.stations.index.orders.AT_HAND", 20)
    monkeypatch.setattr("emsp.stations.index.pyramid.ROWS_A_SQUARE", request.param * 2)
    monkeypatch.setattr("emsp.stations.index.pyramid.SQUARES", 1)
    monkeypatch.setattr("emsp.stations.index.pyramid.AT_ONCE", 7)
    dice = random.Random(request.param)  # seeded: the same world every time
    await put(await partner(), *(some_station(dice, number) for number in range(STATIONS)))
    await publish_twice(dice)
    operators = tuple((await ids_of(Operator)).values())
    return dice, await index_of_database(dice), operators, list((await ids_of(Station)).values())


async def test_that_every_page_is_the_same(world: World) -> None:
    """Pages are walked to the end by both, each going on with the other's cursor."""
    dice, index, operators, ids = world
    for _ in range(40):
        place, wanted, order = anywhere(dice, ids), some_filter(dice, operators), dice.choice(list(Order))
        first, after, moment = dice.choice([0, 1, 7, 40, 100]), None, at(dice.choice([0, 0.01, 30, 1000]))
        for _ in range(12):
            page = await query.find(index, place, wanted, order, first, after, at=moment, prices=PRICES)
            async with transaction() as db:
                expected = await by_sql.find(db, place, wanted, order, first, after, at=moment, prices=PRICES)
            assert shown(page) == shown(expected), (place, wanted, order, first, after)
            if not page.has_next or not first:
                break
            after = dice.choice([page, expected]).cursors[-1]


def known(found: list[Cluster]) -> list[tuple[Any, ...]]:
    """Clusters as they compare: middles are sums in another order."""
    return [
        (
            pytest.approx(one.latitude, abs=1e-7),
            pytest.approx(one.longitude, abs=1e-7),
            one.station_count,
            one.availability,
            one.max_power_w,
            one.station_id,
        )
        for one in found
    ]


async def test_that_clusters_are_the_same_at_every_zoom(world: World) -> None:
    dice, index, operators, _ = world
    for zoom in ZOOMS * 4:
        box, wanted = some_box(dice), some_filter(dice, operators)
        found = await clusters(index, box, zoom, wanted, at=at(5), prices=PRICES)
        async with transaction() as db:
            expected = await clusters_by_sql(db, box, zoom, wanted, at=at(5), prices=PRICES)
        assert [
            (one.latitude, one.longitude, one.station_count, one.availability, one.max_power_w, one.station_id)
            for one in found
        ] == known(expected), (box, zoom, wanted)
