"""The checker is worth nothing unless it can say no: each violation is planted in books that agree, and is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.books import Books, Entry
from tests.chaos.checker import INVARIANTS, check
from tests.chaos.made_up import (
    ANNA,
    ANNAS,
    BERT,
    FAILED,
    SELLER,
    agreeing,
    intent,
    record,
    session,
    told,
    written,
)

DRIVER = f"driver:{ANNA}"
Plant = Callable[[Books], Books]


def test_that_books_that_agree_pass_every_invariant() -> None:
    verdicts = check(agreeing())

    assert [one.name for one in verdicts] == list(INVARIANTS)
    assert {one.name: one.found.violations for one in verdicts if not one.holds} == {}
    assert all(one.found.looked_at > 0 for one in verdicts)


def more(*entries: Entry) -> Plant:
    """More entries in the ledger."""
    return lambda books: replace(books, ledger=[*books.ledger, *entries])


def without(event: str, reference: str) -> Plant:
    """A transaction less in the ledger."""
    return lambda books: replace(
        books, ledger=[entry for entry in books.ledger if (entry.event, entry.reference) != (event, reference)]
    )


def paying(*intents: dict[str, Any]) -> Plant:
    """More payments in the card processor's books."""
    return lambda books: replace(books, intents=[*books.intents, *intents])


def other(name: str, **facts: int) -> Plant:
    """Another figure in one of the card processor's payments."""
    return lambda books: replace(
        books, intents=[{**one, **(facts if one["id"] == name else {})} for one in books.intents]
    )


def charging(phase: str, of: str, cost: str = "4.00") -> Plant:
    """One more session of the operator with a record."""
    more_of_it = session("S9", of, phase)
    return lambda books: replace(
        books, sessions=[*books.sessions, more_of_it], records=[*books.records, record("S9-CDR", more_of_it, cost)]
    )


def knowing(**states: str) -> Plant:
    """A driver was told something else."""
    return lambda books: replace(books, told=told(**states))


BILLED_AGAIN = written(90, "charge_billed", "receipt-x", (DRIVER, 605), ("revenue", -500), ("tax", -105))
PAID_AGAIN = written(91, "hold_captured", "receipt-x", ("processor_clearing", 605), (DRIVER, -605))
BOUGHT_AGAIN = written(92, "energy_bought", "record-x", ("energy_cost", 400), (SELLER, -400))
CASES: dict[str, tuple[Plant, dict[str, list[str]]]] = {
    "a delivered charge that nobody billed": (
        without("charge_billed", "receipt-f"),
        {"delivered is billed": ["0 bills", "1 delivered"]},
    ),
    "a charge that was billed and paid twice, and the processor knows of one payment": (
        more(*BILLED_AGAIN, *PAID_AGAIN),
        {
            "none billed twice": [DRIVER, "receipt-a, receipt-x", FAILED],
            "ledger as the card processor": [ANNA, "booked 1210, taken 605", "pi_anna"],
        },
    ),
    "a start that was told to have failed, billed": (
        more(*BILLED_AGAIN),
        {"none billed twice": [DRIVER, FAILED], "paid, or told to be due": [DRIVER, "605 EUR"]},
    ),
    "an entry without its other side": (
        more(Entry(93, "charge_billed", "receipt-b", "revenue", "EUR", -1)),
        {"ledger balances": ["transaction 93, charge_billed receipt-b: -1 EUR", "currency EUR: -1"]},
    ),
    "two entries that balance in sum but not each by itself": (
        more(Entry(94, "a", "r", "tax", "EUR", 5), Entry(95, "b", "r", "tax", "EUR", -5)),
        {"ledger balances": ["transaction 94, a r: 5 EUR", "transaction 95, b r: -5 EUR"]},
    ),
    "a second capture that the ledger knows nothing of": (
        paying(intent("pi_again", "cus_a", authorised=605, captured=605)),
        {"ledger as the card processor": [ANNA, "booked 605, taken 1210", "pi_again"]},
    ),
    "a capture that the ledger counts twice": (
        more(*PAID_AGAIN),
        {
            "ledger as the card processor": ["booked 1210, taken 605"],
            "paid, or told to be due": [DRIVER, "-605 EUR"],
        },
    ),
    "a refund that the ledger knows nothing of": (
        other("pi_anna", refunded_minor=605),
        {"ledger as the card processor": [ANNA, "booked 605, taken 0"]},
    ),
    "more captured than was held": (
        other("pi_anna", authorised_minor=604),
        {"captured at most the hold": ["pi_anna: captured 605 of 604"]},
    ),
    "more given back than was captured": (
        other("pi_failed", refunded_minor=1),
        {
            "captured at most the hold": ["pi_failed: captured 0 of 5000, given back 1"],
            "ledger as the card processor": ["booked 605, taken 604"],
        },
    ),
    "a hold that nobody lets go of": (
        other("pi_failed", held_minor=5000),
        {"no hold left": ["pi_failed: 5000 eur", ANNA]},
    ),
    "money of nobody's customer": (
        paying(intent("pi_stray", "cus_x", authorised=9, captured=9, held=9)),
        {"no hold left": ["pi_stray"], "ledger as the card processor": ["driver nobody: booked 0, taken 9"]},
    ),
    "energy that was booked twice": (
        more(*BOUGHT_AGAIN),
        {"ledger as the operator": [SELLER, "records ask 1450, claimed 100, owed 1750"]},
    ),
    "energy that was not booked": (
        without("energy_bought", "record-a"),
        {"ledger as the operator": [SELLER, "owed 950", "S1-CDR"]},
    ),
    "a bill that nobody paid, settled": (
        lambda books: paying()(without("hold_captured", "receipt-a")(books)),
        {
            "paid, or told to be due": [DRIVER, "605 EUR", "SETTLED"],
            "ledger as the card processor": ["booked 0, taken 605"],
        },
    ),
    "a start that led to two charges": (
        charging("closed", ANNAS),
        {"one charge a start": ["S9", "led to 2"], "ledger as the operator": ["records ask 1850"]},
    ),
    "a charge that no driver started": (
        charging("closed", BERT, cost="0"),
        {"one charge a start": ["S9", "no start that a driver knows"]},
    ),
    "an operator that has not said all": (charging("ended", FAILED, cost="0"), {"everything said": ["S9", "ended"]}),
    "webhooks that never arrived": (
        lambda books: replace(books, webhooks={"pending": 2, "delivered": 1, "given_up": 1}),
        {"everything said": ["2 pending", "1 given_up"]},
    ),
    "a charge that never ends": (knowing(annas="STOPPING"), {"everything over": [ANNAS, "STOPPING"]}),
    "a charge that is looked at for ever": (knowing(annas="IN_REVIEW"), {"everything over": [ANNAS, "IN_REVIEW"]}),
}


@pytest.mark.parametrize("case", CASES)
def test_that_a_planted_violation_is_named_and_nothing_else_is(case: str) -> None:
    plant, expected = CASES[case]

    violated = {one.name: " | ".join(one.found.violations) for one in check(plant(agreeing())) if not one.holds}

    assert list(violated) == [name for name in INVARIANTS if name in expected]
    for name, told_of in expected.items():
        assert [part for part in told_of if part not in violated[name]] == []


def test_that_a_driver_who_was_told_may_owe() -> None:
    owing = without("hold_captured", "receipt-a")(
        other("pi_anna", captured_minor=0)(knowing(annas="PAYMENT_DUE")(agreeing()))
    )

    assert [one.name for one in check(owing) if not one.holds] == []


def test_that_a_hold_of_a_charge_that_still_runs_is_no_violation() -> None:
    running = other("pi_failed", held_minor=5000)(knowing(annas="CHARGING")(agreeing()))

    assert [one.name for one in check(running) if not one.holds] == ["everything over"]
