"""A charge of ours is one more word of the operator: the newest counts, and in the end its own stands again."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from emsp.stations.history.override import Kept, Word, is_over, runs
from tests.stations.places import at

FREE = Word("AVAILABLE", at(0))


def ours(minutes: float) -> Word:
    return Word("CHARGING", at(minutes))


def test_that_a_charge_outdoes_what_is_older_and_gives_it_back() -> None:
    word, kept = runs(FREE, None, at(5), at(6))
    assert (word, kept) == (ours(5), Kept(FREE, at(5)))
    word, kept = runs(word, kept, at(20), at(21))
    assert (word, kept) == (ours(20), Kept(FREE, at(20)))
    assert is_over(word, kept) == FREE


def test_that_what_the_operator_says_later_stands() -> None:
    later = Word("OUTOFORDER", at(9))
    _, kept = runs(FREE, None, at(5), at(6))
    assert runs(later, kept, at(5), at(10)) == (later, Kept(later, at(5)))
    assert is_over(later, kept) == later


def test_that_a_feed_that_never_noticed_is_not_believed_about_the_end() -> None:
    _, kept = runs(FREE, None, at(5), at(6))
    again = Word("AVAILABLE", at(60))
    word, kept = runs(again, kept, at(5), at(61))
    assert (word, kept) == (ours(60), Kept(FREE, at(60)))
    word, kept = runs(Word("AVAILABLE", at(120)), kept, at(5), at(121))
    assert word == ours(120)
    assert is_over(word, kept) == FREE


def test_that_a_feed_that_noticed_is_believed() -> None:
    noticed = Word("CHARGING", at(6))
    _, kept = runs(FREE, None, at(5), at(6))
    word, kept = runs(noticed, kept, at(5), at(7))
    assert (word, kept.said) == (noticed, noticed)
    free_again = Word("AVAILABLE", at(40))
    assert runs(free_again, kept, at(35), at(41))[0] == free_again
    assert is_over(free_again, kept) == free_again


def test_that_a_charge_of_which_nobody_tells_any_more_outdoes_nothing_new() -> None:
    _, kept = runs(FREE, None, at(5), at(6))
    again = Word("AVAILABLE", at(13 * 60))
    assert runs(again, kept, at(5), at(13 * 60))[0] == again


def test_that_it_keeps_to_itself_once_it_was_outdone() -> None:
    newer = Word("AVAILABLE", at(9))
    word, kept = runs(newer, None, at(5), at(10))
    assert word == newer
    assert runs(word, kept, at(5), at(11)) == (word, kept)


WORDS = st.builds(
    Word, st.sampled_from(["AVAILABLE", "CHARGING", "BLOCKED", "OUTOFORDER", "UNKNOWN"]), st.integers(0, 60).map(at)
)


@given(WORDS, st.lists(st.integers(0, 60).map(at), min_size=1, max_size=5))
def test_that_a_feed_that_says_nothing_more_has_its_word_back_in_the_end(said: Word, heard: list[datetime]) -> None:
    stands, kept = said, None
    for heard_at in sorted(heard):
        stands, kept = runs(stands, kept, heard_at, at(61))
        assert stands.as_of >= said.as_of
    assert kept is not None
    assert is_over(stands, kept) == said


@given(WORDS, WORDS, st.integers(0, 60).map(at))
def test_that_looking_twice_changes_nothing(first: Word, second: Word, heard_at: datetime) -> None:
    _, kept = runs(first, None, heard_at, at(61))
    once = runs(second, kept, heard_at, at(61))
    assert runs(*once, heard_at, at(61)) == once
