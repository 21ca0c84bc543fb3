"""Boxes and distances hold at the antimeridian and at the poles too."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsp.errors import Invalid
from emsp.stations.geo import EARTH_RADIUS_M, Box, around, cell_degrees, haversine_m

LONGITUDES = st.floats(-180, 180)
LATITUDES = st.floats(-90, 90)


def test_that_a_degree_of_a_meridian_is_111_km() -> None:
    assert haversine_m(5, 52, 5, 53) == pytest.approx(111_195, abs=1)


def test_that_the_antimeridian_is_no_distance() -> None:
    assert haversine_m(179.999, 0, -179.999, 0) == pytest.approx(222.4, abs=0.1)


def test_that_the_antipode_is_half_way_around() -> None:
    assert haversine_m(10, 20, -170, -20) == pytest.approx(math.pi * EARTH_RADIUS_M)


@given(LONGITUDES, LATITUDES, st.floats(0, 19_000_000), LONGITUDES, LATITUDES)
def test_that_the_box_around_a_circle_holds_all_of_it(
    longitude: float, latitude: float, radius_m: float, other_longitude: float, other_latitude: float
) -> None:
    if haversine_m(longitude, latitude, other_longitude, other_latitude) <= radius_m:
        assert around(longitude, latitude, radius_m).holds(other_longitude, other_latitude)


def test_that_a_box_over_the_antimeridian_has_two_parts() -> None:
    box = Box(170, -10, -170, 10)
    assert box.parts() == [Box(170, -10, 180, 10), Box(-180, -10, -170, 10)]
    assert (box.holds(175, 0), box.holds(-175, 0), box.holds(0, 0)) == (True, True, False)
    assert box.middle() == (180, 0)


@pytest.mark.parametrize(
    ("edges", "field"),
    [
        ((-181, 0, 0, 1), "box.west"),
        ((0, 0, math.nan, 1), "box.east"),
        ((0, -91, 1, 1), "box.south"),
        ((0, 0, 1, math.inf), "box.north"),
        ((0, 2, 1, 1), "box.south"),
    ],
)
def test_that_a_box_that_cannot_be_is_refused(edges: tuple[float, float, float, float], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        Box(*edges)
    assert refused.value.field == field


def test_that_cells_halve_with_every_zoom() -> None:
    assert [cell_degrees(zoom) for zoom in (0, 1, 10)] == [90, 45, 90 / 1024]
    with pytest.raises(Invalid, match="zoom"):
        cell_degrees(23)
