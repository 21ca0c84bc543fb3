"""Seen from afar stations are clusters, seen from near they are themselves."""

import pytest

from emsp.db.engine import transaction
from emsp.errors import Invalid
from emsp.stations.asking import Cluster, Filter
from emsp.stations.availability import Availability, Freshness
from emsp.stations.clusters import clusters
from emsp.stations.geo import Box
from emsp.stations.tables import Station
from tests.stations.places import at, connector, evse, ids_of, partner, put, station

EUROPE = Box(-10, 35, 30, 60)


async def seen(zoom: int, box: Box = EUROPE, **wanted: bool) -> list[Cluster]:
    async with transaction() as db:
        return await clusters(db, box, zoom, Filter(**wanted), at=at(5))


async def test_that_neighbours_part_as_the_map_comes_closer(database: str) -> None:
    await put(
        await partner(),
        station("L1", evse("E1", connectors=[connector(max_power_w=22_000)]), evse("E2", "CHARGING", minutes=3)),
        station("L2", evse("E3", "UNKNOWN", minutes=4), longitude=4.92, latitude=52.39),
    )
    (together,) = await seen(5)
    assert (together.station_count, together.station_id, together.max_power_w) == (2, None, 22_000)
    assert (together.longitude, together.latitude) == pytest.approx((4.91, 52.38))
    assert together.availability == Availability(
        available=1, occupied=1, unknown=1, total=3, as_of=at(3), freshness=Freshness.LIVE
    )
    apart = await seen(14)
    assert [one.station_count for one in apart] == [1, 1]
    assert {one.station_id for one in apart} == set((await ids_of(Station)).values())


async def test_that_filters_and_the_box_hold_for_clusters_too(database: str) -> None:
    await put(await partner(), station("L1"), station("L2", evse(status="CHARGING")), station("L3", longitude=100.0))
    assert [one.station_count for one in await seen(3)] == [2]
    assert [one.station_count for one in await seen(3, available_now=True)] == [1]


async def test_that_a_station_without_power_or_at_the_pole_is_counted(database: str) -> None:
    await put(await partner(), station("L1", evse(connectors=[]), longitude=0.0, latitude=90.0))
    (pole,) = await seen(10, Box(-180, -90, 180, 90))
    assert (pole.station_count, pole.max_power_w, pole.latitude) == (1, None, 90)


async def test_that_a_zoom_that_cannot_be_is_refused(database: str) -> None:
    with pytest.raises(Invalid, match="zoom"):
        await seen(-1)
