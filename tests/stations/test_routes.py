"""A route in legs: as long as the path was, no farther off it than the corridor allows, the short way round."""

from math import hypot

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsp.errors import Invalid
from emsp.stations.asking import PATH_MAX, Along
from emsp.stations.geo import haversine_m
from emsp.stations.routes import LEG_MAX_M, STRAIGHTENED, legs, off_m, pieces, turned

UTRECHT, ARNHEM = (5.12, 52.09), (5.91, 51.98)
points = st.tuples(st.floats(4, 6), st.floats(51, 53))


def test_that_a_long_way_is_parted_into_legs_that_are_flat_enough() -> None:
    route = legs([UTRECHT, ARNHEM], 1000)
    assert len(route) == 3
    assert [leg.begins_m for leg in route] == pytest.approx([0, 18_475, 36_950], abs=100)
    assert sum(leg.length_m for leg in route) == pytest.approx(haversine_m(*UTRECHT, *ARNHEM))


def test_that_a_place_beside_the_middle_is_as_far_off_as_it_is() -> None:
    middle = ((UTRECHT[0] + ARNHEM[0]) / 2, (UTRECHT[1] + ARNHEM[1]) / 2)
    nearest = min(off_m(leg, *middle) for leg in legs([UTRECHT, ARNHEM], 1000))
    assert nearest == pytest.approx(0, abs=1)
    north = min(off_m(leg, middle[0], middle[1] + 0.01) for leg in legs([UTRECHT, ARNHEM], 1000))
    assert north == pytest.approx(1088, abs=10)


def test_that_the_antimeridian_is_crossed_and_not_gone_round() -> None:
    assert (turned(359), turned(-359), turned(180), turned(10)) == (-1, 1, -180, 10)
    route = legs([(179.95, -17.0), (-179.95, -17.0)], 1000)
    assert sum(leg.length_m for leg in route) < LEG_MAX_M
    assert min(off_m(leg, 180.0, -17.0) for leg in route) < 1


def test_that_one_point_is_a_route_of_no_length() -> None:
    ((box, (leg,)),) = pieces((UTRECHT,), 500.0)
    assert leg.length_m == 0
    assert box.holds(*UTRECHT)
    assert off_m(leg, UTRECHT[0], UTRECHT[1] + 0.001) == pytest.approx(111, abs=1)


@settings(max_examples=40, deadline=None)
@given(st.lists(points, min_size=2, max_size=30), st.floats(100, 50_000))
def test_that_no_point_of_the_path_is_far_off_its_legs(path: list[tuple[float, float]], corridor_m: float) -> None:
    route = legs(path, corridor_m)
    whole_m = sum(haversine_m(*path[number], *path[number + 1]) for number in range(len(path) - 1))
    assert sum(leg.length_m for leg in route) == pytest.approx(whole_m, abs=0.01)
    for point in path:
        assert min(off_m(leg, *point) for leg in route) <= corridor_m / STRAIGHTENED * 1.05 + 50
    for box, some in pieces(tuple(path), corridor_m):
        for leg in some:
            assert box.holds(leg.longitude, leg.latitude)
            assert hypot(leg.east_m, leg.north_m) <= LEG_MAX_M * 1.01


@pytest.mark.parametrize(
    ("path", "corridor_m", "field"),
    [
        ((), 100, "along.path"),
        (((0.0, 0.0),) * (PATH_MAX + 1), 100, "along.path"),
        (((0.0, 91.0),), 100, "along.path"),
        (((float("nan"), 0.0),), 100, "along.path"),
        (((0.0, 0.0),), -1, "along.corridorM"),
        (((0.0, 0.0),), 50_001, "along.corridorM"),
    ],
)
def test_that_a_route_that_cannot_be_is_refused(
    path: tuple[tuple[float, float], ...], corridor_m: float, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        Along(path, corridor_m)
    assert refused.value.field == field
