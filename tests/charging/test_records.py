"""Which of the records of one charge stands, whatever came in which order."""

from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from emsp.charging.records.record import Record
from emsp.charging.records.standing import Kept, standing
from emsp.pricing.engine.trace import Period
from tests.charging.conftest import END, START

Said = tuple[str, dict[str, Any]]


def a_record(name: str, *, net: str = "4.50", minutes: int = 0, **facts: Any) -> Record:
    """A record of an hour, written `minutes` after its end."""
    values: dict[str, Any] = {
        "country_code": "NL",
        "party_id": "ABC",
        "external_id": name,
        "started_at": START,
        "ended_at": END,
        "energy_wh": Decimal(10_000),
        "periods": [Period(START, END, Decimal(10_000), charging_s=Decimal(3600))],
        "currency": "EUR",
        "net_cost": Decimal(net),
        "updated_at": END + timedelta(minutes=minutes),
    }
    return Record(**(values | facts))


def a_credit(name: str, of: str | None, *, net: str = "-4.50", minutes: int = 1) -> Record:
    return a_record(name, net=net, minutes=minutes, credit=True, credits_external_id=of)


def kept(*records: Record) -> list[Kept]:
    """Records as they arrived one after the other."""
    seen: dict[str, int] = {}
    found = []
    for number, record in enumerate(records, 1):
        seen[record.external_id] = seen.get(record.external_id, 0) + 1
        found.append(Kept(UUID(int=number), record, seen[record.external_id]))
    return found


def what_stands(*records: Record) -> tuple[str | None, Decimal | None]:
    """The id of the record that stands, and what it asks for."""
    stands = standing(kept(*records)).stands
    return (stands.record.external_id, stands.record.net_cost) if stands else (None, None)


FIRST, CREDIT = a_record("A"), a_credit("A-C", "A")
LATER = a_record("B", net="3.60", minutes=2)
NOTHING = (None, None)


def test_that_a_record_alone_stands_and_none_is_none() -> None:
    assert what_stands(FIRST) == ("A", Decimal("4.50"))
    assert what_stands() == NOTHING


@pytest.mark.parametrize("order", list(permutations([FIRST, CREDIT])))
def test_that_a_credited_record_does_not_stand(order: tuple[Record, ...]) -> None:
    assert what_stands(*order) == NOTHING


@pytest.mark.parametrize("order", list(permutations([FIRST, CREDIT, LATER])))
def test_that_what_comes_after_a_credit_stands_in_any_order(order: tuple[Record, ...]) -> None:
    assert what_stands(*order) == ("B", Decimal("3.60"))


@pytest.mark.parametrize("order", list(permutations([FIRST, CREDIT, LATER, a_credit("B-C", "b", minutes=3)])))
def test_that_all_may_be_credited(order: tuple[Record, ...]) -> None:
    assert what_stands(*order) == NOTHING


def test_that_a_second_credit_of_the_same_record_takes_back_nothing_else() -> None:
    assert what_stands(FIRST, CREDIT, a_credit("A-D", "A", minutes=5), LATER) == ("B", Decimal("3.60"))


def test_that_a_credit_of_what_is_not_there_takes_back_nothing() -> None:
    assert what_stands(FIRST, a_credit("X-C", "X")) == ("A", Decimal("4.50"))


@pytest.mark.parametrize("order", list(permutations([FIRST, a_credit("N", None), LATER])))
def test_that_a_credit_that_names_nothing_is_of_the_same_amount(order: tuple[Record, ...]) -> None:
    assert what_stands(*order) == ("B", Decimal("3.60"))


def test_that_of_two_alike_a_nameless_credit_is_of_the_one_before_it() -> None:
    assert what_stands(FIRST, a_credit("N", None), a_record("B", minutes=2)) == ("B", Decimal("4.50"))


def test_that_a_nameless_credit_of_another_amount_is_of_nothing() -> None:
    assert what_stands(FIRST, a_credit("N", None, net="-1.00")) == ("A", Decimal("4.50"))


def test_that_a_negative_record_is_a_credit_of_its_counterpart() -> None:
    """OCPI 2.1.1 has no word for a credit."""
    assert what_stands(FIRST, a_record("M", net="-4.50", minutes=1)) == NOTHING
    assert what_stands(FIRST, a_record("M", net="-4.50", minutes=1), LATER) == ("B", Decimal("3.60"))


def test_that_a_negative_record_without_counterpart_is_a_record() -> None:
    assert what_stands(a_record("M", net="-4.50")) == ("M", Decimal("-4.50"))


def test_that_a_record_sent_again_with_another_content_is_what_it_says_last() -> None:
    assert what_stands(FIRST, a_record("A", net="5.00", minutes=1)) == ("A", Decimal("5.00"))
    assert what_stands(FIRST, a_record("A", net="5.00", minutes=0)) == ("A", Decimal("5.00"))
    assert what_stands(a_record("A", net="5.00", minutes=1), FIRST) == ("A", Decimal("5.00"))


def test_that_a_credit_takes_back_every_content_before_it_and_none_after_it() -> None:
    changed, anew = a_record("A", net="5.00", minutes=1), a_record("A", net="6.00", minutes=3)
    credit = a_credit("A-C", "A", minutes=2)
    assert what_stands(FIRST, changed, credit) == NOTHING
    assert what_stands(FIRST, credit, anew) == ("A", Decimal("6.00"))


def test_that_a_record_that_becomes_a_credit_under_its_own_id_is_taken_back() -> None:
    assert what_stands(FIRST, a_credit("A", None)) == NOTHING
    assert what_stands(FIRST, LATER, a_credit("A", "A")) == ("B", Decimal("3.60"))


def test_that_a_second_record_of_the_same_time_takes_the_place_of_the_first() -> None:
    assert what_stands(FIRST, LATER) == what_stands(LATER, FIRST) == ("B", Decimal("3.60"))


def test_that_a_second_record_of_another_time_is_billed_by_nobody() -> None:
    other = a_record("B", minutes=2, ended_at=END + timedelta(hours=1))
    found = standing(kept(FIRST, other))
    assert found.stands is not None
    assert (found.stands.record, [one.record for one in found.second]) == (FIRST, [other])


def test_that_a_second_record_of_another_time_stands_once_the_first_is_credited() -> None:
    other = a_record("B", minutes=2, ended_at=END + timedelta(hours=1))
    assert what_stands(FIRST, other, CREDIT) == ("B", Decimal("4.50"))


def test_that_the_same_id_of_another_party_is_another_record() -> None:
    foreign = a_record("A-C", net="-4.50", minutes=1, credit=True, credits_external_id="A", party_id="XYZ")
    assert what_stands(FIRST, foreign) == ("A", Decimal("4.50"))
