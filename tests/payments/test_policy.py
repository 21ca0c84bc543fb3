"""How a brand's drivers pay, as it is written and as it is decided."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsp.errors import Invalid
from emsp.payments.policy import Flow, PaymentPolicy, flow_for, policy_of


def test_that_nothing_written_is_hold_and_capture() -> None:
    policy = policy_of({})

    assert policy == PaymentPolicy()
    assert (policy.flow, policy.retry_after_h, policy.charges_due_max) == (Flow.HOLD, (24, 72, 168), 0)
    assert msgspec.to_builtins(policy) == {}


def test_that_what_is_written_is_kept_in_one_spelling() -> None:
    written = {"flow": "AFTER", "flow_by_party": {"NL*ABC": "PREPAID"}, "retry_after_h": [1, 2]}

    assert msgspec.to_builtins(policy_of(written)) == {**written, "retry_after_h": (1, 2)}


@pytest.mark.parametrize(
    ("written", "field", "says"),
    [
        ({"flow": "CASH"}, "flow", "CASH"),
        ({"flow": "FLEET"}, "flow", "fleets pay for their own drivers"),
        ({"flow_by_party": {"NL*ABC": "CASH"}}, "flow_by_party", "CASH"),
        ({"flow_by_party": {"NL-ABC": "AFTER"}}, "flow_by_party.NL-ABC", "NL*ABC"),
        ({"flow_by_party": {"NL*ABC": "FLEET"}}, "flow_by_party.NL*ABC", "fleets"),
        ({"floww": "HOLD"}, "floww", "unknown field"),
        ({"after_paid_charges": -1}, "after_paid_charges", "0 or more"),
        ({"raise_at_percent": 0}, "raise_at_percent", "from 1 to 100"),
        ({"raise_by_percent": 0}, "raise_by_percent", "from 1"),
        ({"retry_after_h": [24, "soon"]}, "retry_after_h.1", "int"),
        ({"retry_after_h": [24, 24]}, "retry_after_h.1", "later than the one before"),
        ({"retry_after_h": [0]}, "retry_after_h.0", "later"),
        ({"charges_due_max": 1.5}, "charges_due_max", "int"),
        ({"open_sessions_max": 0}, "open_sessions_max", "1 or more"),
        ({"smallest_charge_minor": -1}, "smallest_charge_minor", "0 or more"),
        ({"top_up_smallest_minor": 0}, "top_up_smallest_minor", "1 or more"),
        ({"top_up_largest_minor": 1}, "top_up_largest_minor", "at least"),
        ([], "", "object"),
    ],
)
def test_that_what_is_wrong_is_named(written: object, field: str, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        policy_of(written)

    assert refused.value.field == field
    assert says in refused.value.message


@pytest.mark.parametrize(
    ("written", "paid", "due", "flow"),
    [
        ({}, 100, 0, Flow.HOLD),
        ({"after_paid_charges": 3}, 2, 0, Flow.HOLD),
        ({"after_paid_charges": 3}, 3, 0, Flow.AFTER),
        ({"after_paid_charges": 3}, 3, 1, Flow.HOLD),
        ({"flow": "PREPAID", "after_paid_charges": 3}, 3, 0, Flow.PREPAID),
        ({"after_paid_charges": 3, "flow_by_party": {"NL*ABC": "PREPAID"}}, 3, 0, Flow.PREPAID),
        ({"flow": "AFTER", "flow_by_party": {"NL*XYZ": "PREPAID"}}, 0, 0, Flow.AFTER),
        ({"flow": "AFTER", "flow_by_party": {"NL*ABC": "HOLD"}}, 0, 0, Flow.HOLD),
    ],
)
def test_that_the_operator_decides_before_trust_and_trust_before_the_default(
    written: dict[str, object], paid: int, due: int, flow: Flow
) -> None:
    assert flow_for(policy_of(written), party="NL*ABC", paid_charges=paid, due_charges=due) is flow


@given(smallest=st.integers(0, 10_000), currency=st.sampled_from(["EUR", "GBP", "HUF", "JPY", "SEK", "ISK"]))
def test_that_no_card_is_charged_less_than_the_processor_takes(smallest: int, currency: str) -> None:
    policy = PaymentPolicy(smallest_charge_minor=smallest)

    takes = {"EUR": 50, "GBP": 30, "HUF": 17_500, "JPY": 50, "SEK": 300}
    assert policy.smallest_minor(currency) == max(smallest, takes.get(currency, 0))
