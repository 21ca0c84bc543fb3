"""What is to be doubted of what operators say, and what is not."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsp.stations.history.doubts import Doubt, Reason, Seen, Start, doubt
from tests.stations.places import NOON, at


def starts(*outcomes: bool, last: float = -10) -> tuple[Start, ...]:
    """Ten minutes apart, the last one shortly before noon."""
    return tuple(Start(at(last - 10 * n), worked) for n, worked in enumerate(reversed(outcomes)))


def free(*outcomes: bool, used_at: float | None = None) -> Seen:
    """A charge point that is said to be free."""
    return Seen("AVAILABLE", None if used_at is None else at(used_at), starts(*outcomes))


def test_that_three_failed_starts_in_a_row_are_a_doubt() -> None:
    assert doubt(free(True, False, False, False), NOON) == Doubt(Reason.FAILED_STARTS, 3, at(-30))
    assert doubt(free(False, False, False, False), NOON) == Doubt(Reason.FAILED_STARTS, 4, at(-40))


@pytest.mark.parametrize(
    "seen",
    [
        free(),
        free(False, False),
        free(False, False, False, True),
        free(False, True, False, False),
        free(False, False, False, used_at=-5),
        free(False, False, False, used_at=-20),
        Seen("CHARGING", None, starts(False, False, False)),
        Seen("OUTOFORDER", None, starts(False, False, False)),
        Seen("UNKNOWN", None, starts(False, False, False)),
    ],
)
def test_that_less_is_none(seen: Seen) -> None:
    assert doubt(seen, NOON) is None


def test_that_a_doubt_stays_until_somebody_charges_or_it_is_forgotten() -> None:
    before = Doubt(Reason.FAILED_STARTS, 3, at(-30))
    assert doubt(free(), NOON, before) == before
    assert doubt(free(False), NOON, before) == before
    assert doubt(free(True), NOON, before) is None
    assert doubt(free(used_at=-5), NOON, before) is None
    assert doubt(Seen("CHARGING"), NOON, before) is None
    assert doubt(free(), at(-30) + timedelta(days=7), before) == before
    assert doubt(free(), at(-30) + timedelta(days=7, seconds=1), before) is None


@given(st.lists(st.booleans(), max_size=8), st.booleans())
def test_that_one_start_that_works_ends_every_doubt(outcomes: list[bool], was_doubted: bool) -> None:
    before = Doubt(Reason.FAILED_STARTS, 3, at(-1000)) if was_doubted else None
    assert doubt(free(*outcomes, True), NOON, before) is None


@given(st.lists(st.booleans(), max_size=8), st.randoms(use_true_random=False))
def test_that_the_order_in_which_starts_are_told_does_not_matter(outcomes: list[bool], dice) -> None:  # type: ignore[no-untyped-def]
    seen = free(*outcomes)
    shuffled = list(seen.starts)
    dice.shuffle(shuffled)
    assert doubt(seen, NOON) == doubt(Seen(seen.status, None, tuple(shuffled)), NOON)
