"""Shares with their intervals: the figures of the textbook, and what must hold for any."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsp.stations.history.share import share

COUNTS = st.integers(1, 10_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


@pytest.mark.parametrize(
    ("part", "of", "lowest", "highest"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (1, 29, 0.0061, 0.1718),  # Newcombe 1998, table I: 0.0061 to 0.1718
        (81, 263, 0.2553, 0.3662),  # and 0.2553 to 0.3662
    ],
)
def test_that_the_interval_is_wilsons(part: int, of: int, lowest: float, highest: float) -> None:
    found = share(part, of)
    assert (round(found.lowest, 4), round(found.highest, 4)) == (lowest, highest)
    assert (found.value, found.sample) == (part / of, of)


@given(COUNTS)
def test_that_a_share_lies_in_its_interval(counted: tuple[int, int]) -> None:
    found = share(*counted)
    assert 0 <= found.lowest <= found.value <= found.highest <= 1
    assert found.lowest < found.highest


@given(COUNTS)
def test_that_the_rest_is_its_mirror(counted: tuple[int, int]) -> None:
    part, of = counted
    found, rest = share(part, of), share(of - part, of)
    assert found.lowest == pytest.approx(1 - rest.highest, abs=1e-12)


@given(COUNTS, st.integers(2, 50))
def test_that_more_of_the_same_makes_it_surer(counted: tuple[int, int], times: int) -> None:
    part, of = counted
    few, many = share(part, of), share(part * times, of * times)
    assert many.highest - many.lowest < few.highest - few.lowest


@pytest.mark.parametrize(("part", "of"), [(0, 0), (-1, 5), (6, 5)])
def test_that_what_is_no_part_is_refused(part: int, of: int) -> None:
    with pytest.raises(ValueError, match="of"):
        share(part, of)
