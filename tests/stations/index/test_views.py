"""What is kept of a filter stays true while statuses change, and stations come and go."""

import random

import pytest
from sqlalchemy import update
from sqlmodel import col

from emsp.db.engine import transaction
from emsp.stations import by_sql
from emsp.stations.asking import Filter, Near, Network, Order
from emsp.stations.clusters import clusters as clusters_by_sql
from emsp.stations.geo import Box
from emsp.stations.index import codes, query, views
from emsp.stations.index.clusters import clusters
from emsp.stations.index.kept import EvseStatus, StationIndex
from emsp.stations.index.records import EPOCH
from emsp.stations.tables import Evse, Station
from tests.stations.index.segments import index_of_database
from tests.stations.places import at, connector, evse, partner, put, rows, station

FREE, FAST = Filter(available_now=True), Filter(available_now=True, min_power_w=50_000)
FILTERS = (Filter(), FREE, FAST, Filter(available_now=True, network=Network(blocked_parties=("NL*DEF",))))
EUROPE, TOWN = Box(-10, 35, 30, 60), Box(4.8, 52.3, 5.0, 52.45)


@pytest.fixture
async def index(database: str, monkeypatch: pytest.MonkeyPatch) -> StationIndex:
    """One with squares of few stations, all of it looked at by views."""
    for module in ("boxes", "query", "clusters"):
        monkeypatch.setattr(f"emsp.stations.index.{module}.FEW", 10)
    monkeypatch.setattr("emsp.stations.index.pyramid.ROWS_A_SQUARE", 2)
    monkeypatch.setattr("emsp.stations.index.pyramid.SQUARES", 1)
    monkeypatch.setattr("emsp.stations.index.pyramid.AT_ONCE", 7)
    dice = random.Random(3)
    powers = [11_000, 50_000]
    reports = [
        station(
            f"L{number}",
            *(evse(f"E{e}", connectors=[connector(max_power_w=dice.choice(powers))]) for e in range(3)),
            longitude=dice.uniform(3, 7),
            latitude=dice.uniform(51, 53.5),
            party_id=dice.choice(["ABC", "DEF"]),
        )
        for number in range(150)
    ]
    await put(await partner(), *reports)
    return await index_of_database()


async def changed(index: StationIndex, dice: random.Random, minutes: int) -> None:
    """A few charge points have another status, in PostgreSQL as in the index."""
    for row in dice.sample(await rows(Evse), 5):
        status, moment = dice.choice(["AVAILABLE", "CHARGING", "UNKNOWN"]), at(minutes)
        async with transaction() as db:
            await db.execute(update(Evse).where(col(Evse.id) == row.id).values(status=status, status_as_of=moment))
        us = round((moment - EPOCH).total_seconds() * 1_000_000)
        index.set_statuses([EvseStatus(row.id, row.station_id, codes.STATUSES[status], us, us)])


async def test_that_views_follow_statuses(index: StationIndex) -> None:
    dice = random.Random(4)
    for minute in range(12):
        for wanted in FILTERS:
            async with transaction() as db:
                for box, zoom in ((EUROPE, 1), (EUROPE, 4), (Box(3.5, 51.5, 5.5, 53), 6), (TOWN, 3)):
                    expected = await clusters_by_sql(db, box, zoom, wanted, at=at(minute))
                    found = await clusters(index, box, zoom, wanted, at=at(minute))
                    assert [one.availability for one in found] == [one.availability for one in expected]
                    assert [one.station_count for one in found] == [one.station_count for one in expected]
                nearest = await by_sql.find(db, Near(5, 52), wanted, Order.DISTANCE, 10, at=at(minute))
            page = await query.find(index, Near(5, 52), wanted, Order.DISTANCE, 10, None, at=at(minute))
            assert [row.id for row in page.stations] == [row.id for row in nearest.stations]
            assert page.total_count == nearest.total_count
        await changed(index, dice, minute)


async def test_that_a_station_that_was_replaced_is_not_counted(index: StationIndex) -> None:
    (segment,) = index.segments
    assert sum(one.station_count for one in await clusters(index, EUROPE, 2, FREE, at=at(0))) == 150
    gone = [row.id or 0 for row in await rows(Station)][:7]
    there = segment.rows_of(gone)
    segment.alive[there] = False
    views.touched(segment, there)
    assert sum(one.station_count for one in await clusters(index, EUROPE, 2, FREE, at=at(0))) == 143
    page = await query.find(index, Near(5, 52), Filter(), Order.DISTANCE, 100, None, at=at(0))
    assert page.total_count == 143
    assert not {row.id for row in page.stations} & set(gone)


async def test_that_few_views_are_kept(index: StationIndex) -> None:
    (segment,) = index.segments
    for power_w in range(0, 50_000, 1000):
        views.of(segment).of(Filter(min_power_w=power_w), at(0))
    assert views.of(segment).at_hand(Filter(min_power_w=0), at(0)) is None
    assert views.of(segment).at_hand(Filter(min_power_w=49_000), at(0)) is not None
