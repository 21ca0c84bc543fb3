"""When an operator that tells nothing is asked, as a table."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsp.charging.lifecycle import State
from emsp.charging.watching.silence import Silent, asks_since_word, is_due, patience, wants_a_look

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
RULES = patience(plug_in_s=180, unconfirmed_s=300, command_s=30, silent_s=900, record_s=600)
WATCHED = sorted(RULES)


def silent(state: State, *, heard_s: int | None = None, asked_s: int | None = None, asks: int = 0) -> Silent:
    """A charge that has been in `state` since noon; the other times are in seconds after it."""
    times = [None if seconds is None else NOON + timedelta(seconds=seconds) for seconds in (heard_s, asked_s)]
    return Silent(state, NOON, times[0], times[1], asks)


@pytest.mark.parametrize(
    ("charge", "due_after_s"),
    [
        (silent(State.COMMAND_SENT), 60),
        (silent(State.AWAITING_PLUG), 120),
        (silent(State.START_UNCONFIRMED), 100),
        (silent(State.START_UNCONFIRMED, asked_s=100, asks=1), 200),
        (silent(State.CHARGING), 900),
        (silent(State.CHARGING, heard_s=600), 1500),
        (silent(State.CHARGING, heard_s=600, asked_s=1500, asks=1), 2400),
        (silent(State.CHARGING, heard_s=600, asked_s=2400, asks=2), 4200),
        (silent(State.CHARGING, heard_s=2500, asked_s=2400, asks=2), 3400),
        (silent(State.STOPPING), 180),
        (silent(State.ENDED), 600),
        (silent(State.ENDED, asked_s=600, asks=1), 3600),
        (silent(State.ENDED, asked_s=3600, asks=2), 6 * 3600),
        (silent(State.ENDED, asked_s=6 * 3600, asks=3), 24 * 3600),
        (silent(State.ENDED, asked_s=24 * 3600, asks=4), 48 * 3600),
        (silent(State.ENDED, asked_s=48 * 3600, asks=5), 72 * 3600),
        (silent(State.ENDED, heard_s=700, asked_s=600, asks=1), 3600),
        (silent(State.FAILED), 900),
    ],
    ids=lambda value: None if isinstance(value, int) else f"{value.state} asked {value.asks} times",
)
def test_when_the_operator_is_asked(charge: Silent, due_after_s: int) -> None:
    due_at = NOON + timedelta(seconds=due_after_s)
    assert not is_due(charge, RULES, due_at - timedelta(seconds=1))
    assert is_due(charge, RULES, due_at)


def test_that_nobody_asks_about_what_is_not_with_the_operator() -> None:
    for state in set(State) - set(RULES):
        assert not is_due(silent(state), RULES, NOON + timedelta(days=30))


def test_that_a_start_that_failed_is_asked_about_once() -> None:
    assert not is_due(silent(State.FAILED, asked_s=900, asks=1), RULES, NOON + timedelta(hours=9))


def test_that_a_clock_ahead_of_ours_does_not_keep_us_from_asking() -> None:
    ahead = silent(State.CHARGING, heard_s=10**6, asked_s=100, asks=1)
    assert not wants_a_look(ahead, RULES, NOON + timedelta(hours=1))
    assert is_due(silent(State.CHARGING, heard_s=3600), RULES, NOON + timedelta(seconds=3600 + 900))


def test_that_people_look_after_so_many_questions_in_vain() -> None:
    asked = [silent(State.ENDED, asked_s=600, asks=asks) for asks in (3, 4)]
    assert [wants_a_look(charge, RULES, NOON + timedelta(days=2)) for charge in asked] == [False, True]
    answered = silent(State.CHARGING, heard_s=700, asked_s=600, asks=9)
    assert not wants_a_look(answered, RULES, NOON + timedelta(hours=1))


def test_that_very_short_waits_ask_nobody_in_the_first_seconds() -> None:
    hasty = patience(plug_in_s=3, unconfirmed_s=3, command_s=1, silent_s=900, record_s=600)
    for state in (State.COMMAND_SENT, State.AWAITING_PLUG, State.START_UNCONFIRMED):
        assert not is_due(silent(state), hasty, NOON + timedelta(seconds=19))


@given(
    state=st.sampled_from(WATCHED),
    heard_s=st.none() | st.integers(0, 10**6),
    asks=st.integers(0, 20),
    asked_s=st.integers(0, 10**6),
    now_s=st.integers(0, 2 * 10**6),
)
@settings(max_examples=200, deadline=None)
def test_that_a_question_is_followed_by_a_pause(
    state: State, heard_s: int | None, asks: int, asked_s: int, now_s: int
) -> None:
    now = NOON + timedelta(seconds=now_s)
    charge = silent(state, heard_s=heard_s, asked_s=asked_s, asks=asks)
    counted = asks_since_word(charge, now)
    assert counted in (0, asks)
    just_asked = Silent(state, NOON, charge.heard_at, now, counted + 1)
    assert not is_due(just_asked, RULES, now + timedelta(seconds=19))
