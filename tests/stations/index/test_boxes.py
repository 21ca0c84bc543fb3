"""Which rows a box holds, and how few are looked at for that."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsp.stations.geo import Box
from emsp.stations.index import boxes, morton
from emsp.stations.index.columns import Segment
from tests.stations.index.segments import segment_at

EDGES_DEG = st.sampled_from([-180.0, -90.0, 0.0, 1e-9, 4.9, 5.0, 90.0, 180.0])
LONGITUDES = EDGES_DEG | st.floats(-180, 180)
LATITUDES = st.sampled_from([-90.0, -86.0, 0.0, 52.37, 85.05, 90.0]) | st.floats(-90, 90)
BOXES = st.builds(
    lambda west, east, *sides: Box(west, min(sides), east, max(sides)), LONGITUDES, LONGITUDES, LATITUDES, LATITUDES
)


@given(st.lists(st.tuples(LONGITUDES, LATITUDES), max_size=60), BOXES)
@settings(max_examples=100)
def test_that_a_box_holds_what_stands_in_it(places: list[tuple[float, float]], box: Box) -> None:
    segment = segment_at(places)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boxes, "ENOUGH", 2)  # all ways are gone for so few places, too
        patch.setattr(boxes, "CLOSE", 1)
        runs, rows = boxes.cover(segment, box), boxes.rows_in(segment, box)
    expected = [row for row in range(len(segment)) if box.holds(segment.longitude[row], segment.latitude[row])]
    assert rows.tolist() == expected
    assert all(first < end for first, end in runs)
    assert all(end < first for (_, end), (first, _) in pairwise(runs))


def test_that_a_street_on_a_coarse_line_of_the_map_is_a_street() -> None:
    """Around the middle of the map, where Morton order leaps from one quarter of the world to another."""
    dice = np.random.default_rng(1)
    street = dice.uniform(-0.01, 0.01, (200, 2))
    world = dice.uniform(-80, 80, (40_000, 2))
    segment = segment_at([*map(tuple, street.tolist()), *map(tuple, world.tolist())])
    box = Box(-0.01, -0.01, 0.01, 0.01)
    assert boxes.rows_in(segment, box).tolist() == np.flatnonzero(boxes.mask_of(segment, box)).tolist()
    assert 200 <= boxes.size(boxes.cover(segment, box)) <= 4 * boxes.ENOUGH


def test_that_one_spot_is_not_cut() -> None:
    segment = segment_at([(4.9, 52.37)] * 3_000)
    assert boxes.cover(segment, Box(4.9, 52.37, 4.9, 52.37)) == [(0, 3_000)]
    assert boxes.cover(segment, Box(5, 52, 6, 53)) == []
    assert boxes.cover(Segment.empty(), Box(-180, -90, 180, 90)) == []


@given(LONGITUDES, LATITUDES)
def test_that_the_square_of_a_place_has_it(longitude: float, latitude: float) -> None:
    west, south, east, north = boxes.square(Box(longitude, latitude, longitude, latitude))
    assert west <= int(morton.x_of(longitude)) <= east
    assert south <= int(morton.y_of(latitude)) <= north
