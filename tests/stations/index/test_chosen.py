"""Stations of a page, read by columns and as objects, whichever segments they stand in."""

from emsp.stations.index.chosen import Chosen, Records
from emsp.stations.index.columns import Segment
from tests.stations.index.segments import segment_at

ONE = segment_at([(3, 50), (1, 50), (2, 50)], first_id=1)
OTHER = segment_at([(7, 51)], first_id=10)


def _at(segment: Segment, longitude: float) -> tuple[Segment, int]:
    return segment, segment.longitude.tolist().index(longitude)


def test_columns_come_in_the_order_of_the_page() -> None:
    page = Records.at([_at(ONE, 2), _at(OTHER, 7), _at(ONE, 3)])
    assert len(page) == 3
    assert page.ids == page.column("id") == [3, 10, 1]
    assert page.column("longitude") == [2.0, 7.0, 3.0]
    assert page.versions == [0, 0, 0]
    assert page.counts() == [[0, 0, 0, 0, 1, 1]] * 3
    assert [texts.name for texts in page.texts()] == ["Station 3", "Station 10", "Station 1"]


def test_objects_are_made_of_those_that_are_looked_at() -> None:
    page = Records.at([_at(ONE, 2), _at(OTHER, 7), _at(ONE, 3)])
    assert [record.id for record in page] == [3, 10, 1]
    assert [record.id for record in page[1:]] == [10, 1]
    assert [record.id for record in page[::-1]] == [1, 10, 3]
    assert (page[1].name, page[-1].longitude) == ("Station 10", 3.0)
    assert [record.id for record in page.read([2, 0])] == [1, 3]


def test_parts_of_a_page_are_told_with_their_places() -> None:
    page = Records.at([_at(ONE, 2), _at(OTHER, 7), _at(ONE, 3)])
    told = [(list(places), chosen.column("id")) for places, chosen in page.among([1, 2])]
    assert told == [([2], [1]), ([1], [10])]
    assert [list(places) for places, _ in page.among([0, 1, 2])] == [[0, 2], [1]]
    assert page.among([]) == []


def test_a_page_of_nothing() -> None:
    page = Records([], [])
    assert (list(page), page.ids, page.versions, page.texts()) == ([], [], [], [])
    assert Chosen(ONE, []).records() == []
