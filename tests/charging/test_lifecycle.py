"""The published table of states: what it promises to apps."""

from emsp.charging.lifecycle import FINAL, MEANING, OPEN, STARTING, State, after, before


def test_that_every_state_has_a_sentence() -> None:
    assert set(MEANING) == set(State)


def test_that_final_states_lead_nowhere_and_all_others_somewhere() -> None:
    assert {state for state in State if not after(state)} == set(FINAL)


def test_that_every_state_but_the_first_can_be_reached() -> None:
    assert [state for state in State if not before(state)] == [State.REQUESTED]


def test_that_a_failed_start_is_never_billed() -> None:
    assert State.SETTLED not in after(State.FAILED)
    assert State.FAILED not in after(State.ENDED)


def test_that_a_start_may_still_fail_from_wherever_it_waits() -> None:
    assert set(STARTING) < set(before(State.FAILED)) <= {*OPEN, State.IN_REVIEW}
