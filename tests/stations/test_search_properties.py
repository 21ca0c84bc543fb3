"""On random stations, every answer equals the one that plain Python gives."""

import random
from decimal import Decimal

import pytest

from emsp.db.engine import transaction
from emsp.stations import search
from emsp.stations.asking import Filter, Near, Order
from emsp.stations.clusters import clusters
from emsp.stations.facts import ConnectorFacts, StationFacts
from emsp.stations.geo import Box, haversine_m
from tests.stations.places import connector, evse, partner, put, station
from tests.stations.prices import prices

STANDARDS = ("IEC_62196_T2", "IEC_62196_T2_COMBO", "CHADEMO")
STATUSES = ("AVAILABLE", "CHARGING", "UNKNOWN", "OUTOFORDER", "REMOVED")
PER_KWH = {"free": "0", "cheap": "0.35", "dear": "0.7123"}
TARIFFS = (*PER_KWH, "unheard of", None)
PRICES = prices(**PER_KWH)
STATIONS = 400


def some_place(dice: random.Random) -> tuple[float, float]:
    """Anywhere, the odd one at the edge of the map, many close to each other."""
    if dice.random() < 0.1:
        return dice.choice([-180.0, 180.0, 179.999, -179.999]), dice.choice([-90.0, 0.0, 90.0, 52.0])
    if dice.random() < 0.5:
        return dice.uniform(4, 6), dice.uniform(51, 53)
    return dice.uniform(-180, 180), dice.uniform(-90, 90)


def some_station(dice: random.Random, number: int) -> StationFacts:
    longitude, latitude = some_place(dice)
    evses = [
        evse(
            f"E{position}",
            dice.choice(STATUSES),
            connectors=[
                connector(
                    str(c),
                    standard=dice.choice(STANDARDS),
                    max_power_w=dice.choice([None, 11_000, 50_000]),
                    tariff_ids=[tariff for tariff in [dice.choice(TARIFFS)] if tariff],
                )
                for c in range(dice.randrange(3))
            ],
        )
        for position in range(dice.randrange(4))
    ]
    return station(str(number), longitude=longitude, latitude=latitude, evses=evses, publish=dice.random() < 0.9)


def some_filter(dice: random.Random) -> Filter:
    return Filter(
        available_now=dice.random() < 0.4,
        standards=tuple(dice.sample(STANDARDS, dice.randrange(3))),
        min_power_w=dice.choice([None, None, 11_000, 20_000]),
        max_price_per_kwh=dice.choice([None, None, None, Decimal(0), Decimal("0.35"), Decimal("0.8")]),
    )


def some_box(dice: random.Random) -> Box:
    if dice.random() < 0.5:
        return Box(dice.uniform(4, 5), dice.uniform(51, 52), dice.uniform(5, 6), dice.uniform(52, 53))
    south, north = sorted((dice.uniform(-90, 90), dice.uniform(-90, 90)))
    return Box(dice.uniform(-180, 180), south, dice.uniform(-180, 180), north)


def per_kwh(facts: ConnectorFacts) -> Decimal | None:
    return next((Decimal(PER_KWH[id_]) for id_ in facts.tariff_ids if id_ in PER_KWH), None)


def fitting(facts: StationFacts, wanted: Filter) -> list[ConnectorFacts]:
    """Its connectors that have all that is asked of one."""
    return [
        connector
        for evse in facts.evses
        if evse.status == "AVAILABLE" or (evse.status != "REMOVED" and not wanted.available_now)
        for connector in evse.connectors
        if (not wanted.standards or connector.standard in wanted.standards)
        and (wanted.min_power_w is None or (connector.max_power_w or 0) >= wanted.min_power_w)
        and (wanted.max_price_per_kwh is None or is_cheap(per_kwh(connector), wanted.max_price_per_kwh))
    ]


def is_cheap(price: Decimal | None, limit: Decimal) -> bool:
    return price is not None and price <= limit


def passes(facts: StationFacts, wanted: Filter) -> bool:
    there = [evse for evse in facts.evses if evse.status != "REMOVED"]
    if not facts.publish or not there:
        return False
    if wanted.standards or wanted.min_power_w is not None or wanted.max_price_per_kwh is not None:
        return bool(fitting(facts, wanted))
    return any(not wanted.available_now or evse.status == "AVAILABLE" for evse in there)


def price_rank(facts: StationFacts, wanted: Filter) -> Decimal:
    known = (per_kwh(connector) for connector in fitting(facts, wanted))
    return min((price for price in known if price is not None), default=Decimal("Infinity"))


@pytest.fixture(params=[1, 2, 3])
async def world(request: pytest.FixtureRequest, database: str) -> tuple[random.Random, list[StationFacts]]:
    dice = random.Random(request.param)  # seeded: the same world every time
    stations = [some_station(dice, number) for number in range(STATIONS)]
    await put(await partner(), *stations)
    return dice, stations


World = tuple[random.Random, list[StationFacts]]


async def test_that_boxes_are_as_plain_python_has_them(world: World) -> None:
    dice, stations = world
    for _ in range(25):
        box, wanted = some_box(dice), some_filter(dice)
        expected = {f.external_id for f in stations if box.holds(f.longitude, f.latitude) and passes(f, wanted)}
        async with transaction() as db:
            page = await search.find(db, box, wanted, dice.choice(list(Order)), 100, prices=PRICES)
        found = {row.external_id for row in page.stations}
        assert page.total_count == len(expected)
        assert found == expected if len(expected) <= 100 else found < expected


async def test_that_the_nearest_are_as_plain_python_has_them(world: World) -> None:
    dice, stations = world
    for _ in range(25):
        near = Near(*some_place(dice), radius_m=dice.choice([None, None, 20_000.0, 3_000_000.0]))
        wanted = some_filter(dice)
        distances = {
            f.external_id: haversine_m(near.longitude, near.latitude, f.longitude, f.latitude)
            for f in stations
            if passes(f, wanted)
        }
        within = {id_: far for id_, far in distances.items() if near.radius_m is None or far <= near.radius_m}
        async with transaction() as db:
            page = await search.find(db, near, wanted, Order.DISTANCE, 30, prices=PRICES)
        assert page.total_count == len(within)
        nearest = sorted(within.values())[:30]
        assert [within[row.external_id] for row in page.stations] == pytest.approx(nearest, abs=0.01)
        assert page.distances_m == pytest.approx(nearest, abs=0.6)


async def test_that_the_cheapest_are_as_plain_python_has_them(world: World) -> None:
    dice, stations = world
    for _ in range(15):
        box, wanted = some_box(dice), some_filter(dice)
        middle = box.middle()
        inside = [f for f in stations if box.holds(f.longitude, f.latitude) and passes(f, wanted)]
        expected = sorted(
            (price_rank(f, wanted), haversine_m(*middle, f.longitude, f.latitude), f.external_id) for f in inside
        )
        async with transaction() as db:
            page = await search.find(db, box, wanted, Order.PRICE, 100, prices=PRICES)
        assert page.total_count == len(expected)
        ranks = {f.external_id: price_rank(f, wanted) for f in inside}
        assert [ranks[row.external_id] for row in page.stations] == [rank for rank, _, _ in expected[:100]]
        assert page.distances_m == pytest.approx([far for _, far, _ in expected[:100]], abs=0.6)


async def test_that_clusters_leave_nobody_out(world: World) -> None:
    dice, stations = world
    for zoom in (0, 3, 8, 14, 22):
        box, wanted = some_box(dice), some_filter(dice)
        inside = [f for f in stations if box.holds(f.longitude, f.latitude) and passes(f, wanted)]
        async with transaction() as db:
            found = await clusters(db, box, zoom, wanted, prices=PRICES)
        statuses = [evse.status for f in inside for evse in f.evses if evse.status != "REMOVED"]
        assert sum(cluster.station_count for cluster in found) == len(inside)
        assert sum(cluster.availability.total for cluster in found) == len(statuses)
        assert sum(cluster.availability.available for cluster in found) == statuses.count("AVAILABLE")
        assert sum(cluster.availability.unknown for cluster in found) == statuses.count("UNKNOWN")
        assert all((cluster.station_id is None) == (cluster.station_count > 1) for cluster in found)
