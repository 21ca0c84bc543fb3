"""`emsp brands payments`: how a brand's drivers pay, at the command line."""

import pytest

from emsp.cli import brands
from tests.pricing.test_price_commands import ada, emsp, told

__all__ = ["ada"]


def test_that_a_policy_is_set_shown_and_taken_back(ada: None) -> None:
    assert told(brands, "payments", "volt")["flow"] == "HOLD"

    emsp(brands, "payments", "volt", "--set", '{"flow": "AFTER", "retry_after_h": [1, 2]}')

    shown = told(brands, "payments", "volt")
    assert (shown["flow"], shown["retry_after_h"], shown["raise_at_percent"]) == ("AFTER", [1, 2], 80)
    assert 'flow: "AFTER"' in emsp(brands, "payments", "volt").splitlines()
    assert told(brands, "payments", "volt", "--set", "{}")["flow"] == "HOLD"


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ('{"flow": "FLEET"}', "flow: must be HOLD, AFTER or PREPAID"),
        ('{"retry_after_h": [0]}', "retry_after_h.0"),
        ("{", "is not JSON"),
    ],
)
def test_that_what_is_wrong_is_named_and_nothing_is_set(ada: None, written: str, says: str) -> None:
    assert says in emsp(brands, "payments", "volt", "--set", written, status=2)
    assert told(brands, "payments", "volt")["flow"] == "HOLD"


def test_that_a_brand_that_is_not_there_is_said_to_be_missing(ada: None) -> None:
    assert "nobody" in emsp(brands, "payments", "nobody", status=1)
