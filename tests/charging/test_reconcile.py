"""Our books against the processor's: honest ones agree, and each thing planted is found by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from emsp.charging.reconcile.compare import (
    MEANING,
    Intent,
    Kind,
    Loose,
    Ours,
    Payment,
    Refunded,
    Repaid,
    Theirs,
    compare,
    counted,
    summed,
)


@dataclass
class Books:
    """Both sides of the same payments, to be spoilt one place at a time."""

    payments: list[Payment]
    refunds: list[Refunded]
    intents: list[Intent]
    repaid: list[Repaid]
    loose: list[Loose]

    def found(self) -> dict[str, int]:
        return counted(compare(Ours(payments=self.payments, refunds=self.refunds, loose=self.loose), self.theirs()))

    def theirs(self) -> Theirs:
        return Theirs(intents=self.intents, refunds=self.repaid)


def honest() -> Books:
    """A captured hold, a charge, a hold of a running charge, one that was given back, and a refund."""
    captured = Payment(what="HOLD", id="h1", processor_id="pi_1", currency="EUR", taken_minor=1200, booked_minor=1200)
    charged = Payment(what="CHARGE", id="c1", processor_id="pi_2", currency="EUR", taken_minor=300, booked_minor=300)
    running = Payment(what="HOLD", id="h2", processor_id="pi_3", currency="EUR", is_held=True)
    released = Payment(what="HOLD", id="h3", processor_id="pi_4", currency="CHF")
    refund = Refunded(id="r1", processor_id="re_1", currency="EUR", amount_minor=200, is_done=True, booked_minor=200)
    return Books(
        [captured, charged, running, released],
        [refund],
        [
            Intent(id="pi_1", status="SUCCEEDED", currency="EUR", captured_minor=1200, reference="hold-h1"),
            Intent(id="pi_2", status="SUCCEEDED", currency="EUR", captured_minor=300, reference="charge-c1"),
            Intent(id="pi_3", status="REQUIRES_CAPTURE", currency="EUR", captured_minor=0, reference="hold-h2"),
            Intent(id="pi_4", status="CANCELED", currency="CHF", captured_minor=0, reference="hold-h3"),
        ],
        [Repaid(id="re_1", status="SUCCEEDED", currency="EUR", amount_minor=200)],
        [],
    )


def test_that_books_which_agree_have_no_difference() -> None:
    assert honest().found() == {}


def _unknown_payment(books: Books) -> None:
    books.intents.append(Intent(id="pi_9", status="SUCCEEDED", currency="EUR", captured_minor=5, reference=None))


def _second_payment(books: Books) -> None:
    books.intents.append(replace(books.intents[1], id="pi_9"))


def _forgotten_payment(books: Books) -> None:
    del books.intents[1]


def _taken_unseen(books: Books) -> None:
    books.payments[3] = replace(books.payments[3], currency="EUR")
    books.intents[3] = replace(books.intents[3], currency="EUR", status="SUCCEEDED", captured_minor=40)


def _never_taken(books: Books) -> None:
    books.intents[1] = replace(books.intents[1], status="REQUIRES_PAYMENT_METHOD", captured_minor=0)


def _other_amount(books: Books) -> None:
    books.intents[0] = replace(books.intents[0], captured_minor=1201)


def _other_currency(books: Books) -> None:
    books.intents[0] = replace(books.intents[0], currency="CHF")


def _hold_left(books: Books) -> None:
    books.payments[2] = replace(books.payments[2], is_needed=False)


def _hold_gone(books: Books) -> None:
    books.intents[2] = replace(books.intents[2], status="CANCELED")


def _not_booked(books: Books) -> None:
    books.payments[0] = replace(books.payments[0], booked_minor=0)


def _booked_twice(books: Books) -> None:
    books.payments[0] = replace(books.payments[0], booked_minor=2400)


def _invented(books: Books) -> None:
    books.loose.append(Loose(event="rest_charged", reference="nobody", currency="EUR", amount_minor=7))


def _unknown_refund(books: Books) -> None:
    books.repaid.append(Repaid(id="re_9", status="PENDING", currency="EUR", amount_minor=1))


def _forgotten_refund(books: Books) -> None:
    books.repaid.clear()


def _failed_refund(books: Books) -> None:
    books.repaid[0] = replace(books.repaid[0], status="FAILED")


def _unbooked_refund(books: Books) -> None:
    books.refunds[0] = replace(books.refunds[0], booked_minor=0)


PLANTED: dict[Kind, Callable[[Books], None]] = {
    Kind.PAYMENT_UNKNOWN: _unknown_payment,
    Kind.PAYMENT_TWICE: _second_payment,
    Kind.PAYMENT_MISSING: _forgotten_payment,
    Kind.TAKEN_NOT_KNOWN: _taken_unseen,
    Kind.NOT_TAKEN: _never_taken,
    Kind.AMOUNT_DIFFERS: _other_amount,
    Kind.CURRENCY_DIFFERS: _other_currency,
    Kind.HOLD_LEFT: _hold_left,
    Kind.HOLD_GONE: _hold_gone,
    Kind.NOT_BOOKED: _not_booked,
    Kind.BOOKED_DIFFERS: _booked_twice,
    Kind.BOOKED_WITHOUT_PAYMENT: _invented,
    Kind.REFUND_UNKNOWN: _unknown_refund,
    Kind.REFUND_MISSING: _forgotten_refund,
    Kind.REFUND_DIFFERS: _failed_refund,
    Kind.REFUND_NOT_BOOKED: _unbooked_refund,
}


@pytest.mark.parametrize("kind", PLANTED, ids=str)
def test_that_what_is_planted_is_found_and_nothing_else(kind: Kind) -> None:
    books = honest()
    PLANTED[kind](books)
    assert books.found() == {kind: 1}


def test_that_sums_are_compared() -> None:
    ours = Ours(clearing={"EUR": 1300, "CHF": 5}, imbalance={"EUR": 1})
    found = compare(ours, Theirs(balance={"EUR": 1301, "CHF": 5}))
    assert [(one.kind, one.subject, one.ours, one.theirs) for one in found] == [
        (Kind.BOOKS_UNBALANCED, "EUR", "1 EUR", "0 EUR"),
        (Kind.CLEARING_DIFFERS, "EUR", "1300 EUR", "1301 EUR"),
    ]
    assert {*PLANTED, Kind.BOOKS_UNBALANCED, Kind.CLEARING_DIFFERS} == set(Kind) == set(MEANING)


def test_that_what_is_under_way_is_no_difference_yet() -> None:
    books = honest()
    books.payments[1] = replace(books.payments[1], taken_minor=0, booked_minor=0, is_under_way=True)
    books.refunds[0] = replace(books.refunds[0], is_done=False, booked_minor=0, is_under_way=True)
    assert books.found() == {}


@given(st.lists(st.tuples(st.sampled_from(["HOLD", "CHARGE", "TOP_UP", "DEBIT"]), st.integers(0, 10**6)), max_size=8))
@settings(max_examples=30, deadline=None)
def test_that_any_payments_told_alike_agree(payments: list[tuple[str, int]]) -> None:
    ours = [
        Payment(what=what, id=f"{number}", processor_id=f"pi_{number}", currency="EUR", taken_minor=minor,
                booked_minor=minor)
        for number, (what, minor) in enumerate(payments)
    ]  # fmt: skip
    theirs = [
        Intent(
            id=f"pi_{number}",
            status="SUCCEEDED" if minor else "CANCELED",
            currency="EUR",
            captured_minor=minor,
            reference=f"{what.lower().replace('_', '-')}-{number}",
        )
        for number, (what, minor) in enumerate(payments)
    ]
    balance = summed(("EUR", minor) for _, minor in payments)
    assert compare(Ours(payments=ours, clearing=balance), Theirs(intents=theirs, balance=balance)) == []
