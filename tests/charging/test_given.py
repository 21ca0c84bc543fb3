"""What support gives back, to the cent and rate by rate, and what becomes of it when the charge is corrected later."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from emsp.charging.billing.difference import correction, in_force, nothing
from emsp.charging.billing.given import given_back, still_given
from emsp.pricing.engine.billed import Bill
from emsp.pricing.engine.report import LineKind
from tests.charging.test_difference import a_bill, adds_up

costs = st.lists(
    st.tuples(st.integers(1, 5000).map(lambda minor: f"{minor / 100:.2f}"), st.sampled_from(["0", "5.5", "9", "21"])),
    min_size=1,
    max_size=5,
)
bills = costs.map(lambda lines: a_bill(*lines))


def of(bill: Bill) -> list[tuple[str, int]]:
    return [(str(tax.percent), tax.net_minor + tax.tax_minor) for tax in bill.taxes]


def test_that_part_of_it_is_shared_over_the_rates() -> None:
    gift = given_back(a_bill(("10.00", "21"), ("10.00", "9")), 500)

    assert (gift.total_minor, gift.net_minor, adds_up(gift)) == (-500, -434, True)
    assert of(gift) == [("21", -263), ("9", -237)]
    assert {line.line.kind for line in gift.lines} == {LineKind.REFUND}


def test_that_all_of_it_leaves_nothing_also_of_the_taxes() -> None:
    bill = a_bill(("10.00", "21"), ("3.33", "9"))
    after = in_force([bill, given_back(bill, bill.total_minor)])

    assert (after.total_minor, after.net_minor, after.taxes) == (0, 0, ())


def test_that_never_more_than_all_is_given() -> None:
    bill = a_bill(("1.00", "21"))

    assert given_back(bill, 5000) == given_back(bill, 121)
    assert given_back(nothing("EUR"), 500).total_minor == 0


def test_that_where_no_tax_is_known_none_is_given_back() -> None:
    gift = given_back(a_bill(("10.00", None)), 250)

    assert (gift.total_minor, gift.net_minor, gift.taxes) == (-250, -250, ())
    assert [(line.amount_minor, line.tax_minor) for line in gift.lines] == [(-250, None)]


@settings(max_examples=60)
@given(bills, st.lists(st.integers(1, 400), min_size=1, max_size=4))
def test_that_gifts_one_after_the_other_add_up_and_reach_nothing_exactly(bill: Bill, wishes: list[int]) -> None:
    given_so_far = [bill]
    for wish in [*wishes, bill.total_minor]:
        stands = in_force(given_so_far)
        gift = given_back(stands, wish)
        assert gift.total_minor == -min(wish, stands.total_minor)
        assert adds_up(gift)
        given_so_far.append(gift)

    after = in_force(given_so_far)
    assert (after.total_minor, after.net_minor, after.taxes) == (0, 0, ())


@settings(max_examples=60)
@given(bills, bills, st.lists(st.integers(1, 400), min_size=1, max_size=3))
def test_that_what_was_given_stays_given(first: Bill, later: Bill, wishes: list[int]) -> None:
    so_far = [first]
    for wish in wishes:
        assume(in_force(so_far).total_minor > wish)
        so_far.append(given_back(in_force(so_far), wish))

    assert correction(in_force(so_far), still_given(first, so_far)) is None, "nothing new, nothing to correct"

    due = still_given(later, so_far)
    assert due.total_minor == max(0, later.total_minor - sum(wishes))
    assert (sum(line.amount_minor for line in due.lines), adds_up(due)) == (due.total_minor, True)
    corrected = correction(in_force(so_far), due)
    after = [*so_far, corrected] if corrected else so_far
    assert in_force(after).total_minor == due.total_minor
    assert correction(in_force(after), still_given(later, after)) is None, "the same record again changes nothing"

    back = correction(in_force(after), still_given(first, after))
    again = [*after, back] if back else after
    assert in_force(again).total_minor == first.total_minor - sum(wishes), "and neither is it given twice"


@settings(max_examples=30)
@given(bills, bills)
def test_that_a_charge_made_free_stays_free(first: Bill, later: Bill) -> None:
    free = [first, given_back(first, first.total_minor)]

    assert still_given(later, free).total_minor == 0
    assert still_given(nothing("EUR"), free).total_minor == 0
