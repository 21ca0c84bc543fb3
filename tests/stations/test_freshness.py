"""The word of a party that tells at once holds longer, as long as the party is heard."""

from datetime import timedelta

import pytest

from emsp.stations.freshness import Freshness, Usual, freshness
from tests.stations.places import NOON, at


def usual(p95_s: int = 60, sample: int = 20, heard: float = -5) -> Usual:
    return Usual(median_s=10, p95_s=p95_s, sample=sample, heard_at=at(heard))


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(hours=24), Freshness.LIVE),
        (timedelta(hours=24, seconds=1), Freshness.RECENT),
        (timedelta(days=7), Freshness.RECENT),
        (timedelta(days=7, seconds=1), Freshness.STALE),
    ],
)
def test_that_the_word_of_a_prompt_party_holds(age: timedelta, expected: Freshness) -> None:
    assert freshness(NOON - age, NOON, usual()) is expected
    assert freshness(NOON - age, NOON, usual(p95_s=900, heard=-120)) is expected


@pytest.mark.parametrize("party", [usual(p95_s=901), usual(sample=19), usual(heard=-121), None])
def test_that_it_does_not_of_a_slow_one_one_not_known_or_one_not_heard(party: Usual | None) -> None:
    ages = {timedelta(minutes=15): "LIVE", timedelta(minutes=16): "RECENT", timedelta(hours=25): "STALE"}
    assert {age: freshness(NOON - age, NOON, party).value for age in ages} == ages


def test_that_nothing_known_is_not_known_of_anybody() -> None:
    assert freshness(None, NOON, usual()) is Freshness.UNKNOWN
