"""A grid finds the same watchers as looking at every box."""

from hypothesis import given, settings
from hypothesis import strategies as st

from emsp.graphql.live_map.cells import Cells
from emsp.stations.geo import Box

LONGITUDES = st.floats(-180, 180) | st.sampled_from([-180.0, -90.0, 0.0, 5.1, 179.999, 180.0])
LATITUDES = st.floats(-90, 90) | st.sampled_from([-90.0, 0.0, 52.1, 90.0])
PLACES = st.tuples(LONGITUDES, LATITUDES)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """Of any size, also of none, and also across the antimeridian."""
    west, south = draw(PLACES)
    width, height = draw(st.sampled_from([0.0, 0.001, 0.05, 1.0, 20.0, 200.0])), draw(st.sampled_from([0.0, 0.1, 90.0]))
    east = west + width if west + width <= 180 else west + width - 360
    return Box(west, south, east, min(90.0, south + height))


@given(st.lists(boxes(), max_size=12), st.lists(PLACES, max_size=8), st.data())
@settings(max_examples=150, deadline=None)
def test_that_the_grid_finds_whoever_has_the_place_in_the_box(
    watched: list[Box], places: list[tuple[float, float]], data: st.DataObject
) -> None:
    cells = Cells[int]()
    for number, box in enumerate(watched):
        cells.add(number, box)
    gone = data.draw(st.sets(st.sampled_from(range(len(watched))))) if watched else set()
    for number in gone:
        cells.remove(number, watched[number])
    corners = [(box.west, box.south) for box in watched] + [(box.east, box.north) for box in watched]
    for place in places + corners:
        expected = [number for number, box in enumerate(watched) if number not in gone and box.holds(*place)]
        assert sorted(cells.holding(*place)) == expected


def test_that_a_box_lies_in_few_cells_whatever_its_size() -> None:
    for width in (0.0001, 0.05, 0.3, 5.0, 60.0, 180.0, 360.0):
        cells = Cells[str]()
        cells.add("app", Box(-width / 2, -min(width / 2, 90), width / 2, min(width / 2, 90)))
        assert len(cells._parts) <= 4
        assert cells.holding(0, 0) == ["app"]


def test_that_nothing_is_left_of_whoever_left() -> None:
    cells = Cells[str]()
    cells.add("app", Box(170, -10, -170, 10))
    assert cells.holding(180, 0) == cells.holding(-175, 0) == ["app"]
    cells.remove("app", Box(170, -10, -170, 10))
    assert cells.holding(180, 0) == []
    assert cells._parts == {}
