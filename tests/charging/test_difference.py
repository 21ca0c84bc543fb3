"""A correction to the cent: what was billed is taken back, what is billed now is set in its place."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from emsp.charging.billing.difference import at_most, correction, in_force, nothing
from emsp.pricing.engine.billed import Bill, BilledLine, BilledTax, billed
from emsp.pricing.engine.report import Line, LineKind, make_report


def a_bill(*costs: tuple[str, str | None]) -> Bill:
    """A bill of lines by net amount and VAT percent; without a percent the tax is not known."""
    lines = []
    for net, percent in costs:
        gross = None if percent is None else Decimal(net) * (100 + Decimal(percent)) / 100
        vat = None if percent is None else Decimal(percent)
        lines.append(Line(kind=LineKind.ENERGY, vat_percent=vat, net=Decimal(net), gross=gross))
    return billed(make_report("EUR", lines, {}))


def adds_up(bill: Bill) -> bool:
    tax_minor = sum(tax.tax_minor for tax in bill.taxes)
    return (
        sum(line.amount_minor for line in bill.lines) == bill.total_minor
        and bill.net_minor + tax_minor == bill.total_minor
        and (not bill.taxes or sum(tax.net_minor for tax in bill.taxes) == bill.net_minor)
        and all(line.tax_minor is None for line in bill.lines)
        | (sum(line.tax_minor or 0 for line in bill.lines) == tax_minor)
    )


def test_that_a_correction_takes_back_what_stood_and_sets_what_stands() -> None:
    before, after = a_bill(("10.00", "21")), a_bill(("8.00", "21"))
    found = correction(before, after)
    assert found is not None
    assert (found.net_minor, found.total_minor) == (-200, -242)
    assert [(line.amount_minor, line.tax_minor, line.taken_back) for line in found.lines] == [
        (-1210, -210, True),
        (968, 168, False),
    ]
    assert found.taxes == (BilledTax(Decimal(21), -200, -42),)
    assert found.lines[0].line == before.lines[0].line


def test_that_what_is_credited_is_taken_back_and_nothing_set() -> None:
    before = a_bill(("10.00", "21"), ("1.00", "9"))
    found = correction(before, nothing("EUR"))
    assert found is not None
    assert (found.net_minor, found.total_minor, len(found.lines)) == (-1100, -1319, 2)
    assert all(line.taken_back for line in found.lines)
    assert in_force([before, found]).lines == ()


def test_that_nothing_is_corrected_where_nothing_differs() -> None:
    assert correction(a_bill(("10.00", "21")), a_bill(("10.00", "21"))) is None
    assert correction(nothing("EUR"), nothing("EUR")) is None


def test_that_another_rate_alone_is_a_difference() -> None:
    found = correction(a_bill(("10.00", "21")), a_bill(("10.00", "9")))
    assert found is not None
    assert found.taxes == (BilledTax(Decimal(9), 1000, 90), BilledTax(Decimal(21), -1000, -210))
    assert (found.net_minor, found.total_minor) == (0, -120)


def test_that_more_than_at_first_is_taken_off_by_a_line_of_goodwill() -> None:
    found = at_most(a_bill(("12.00", "21")), a_bill(("10.00", "21")))
    assert (found.net_minor, found.total_minor) == (1000, 1210)
    assert [(line.line.kind, line.amount_minor, line.tax_minor) for line in found.lines] == [
        (LineKind.ENERGY, 1452, 252),
        (LineKind.GOODWILL, -242, -42),
    ]
    assert found.taxes == (BilledTax(Decimal(21), 1000, 210),)
    assert found.lines[-1].line.net == Decimal("-2.00")
    assert found.lines[-1].line.gross == Decimal("-2.42")


def test_that_what_goodwill_takes_off_needs_no_correction_of_the_first_bill() -> None:
    first = a_bill(("0.13", "21"), ("7.77", "9"))
    assert correction(first, at_most(a_bill(("0.14", "21"), ("9.11", "9")), first)) is None


def test_that_less_than_at_first_stays_as_it_is() -> None:
    assert at_most(a_bill(("12.00", "21")), a_bill(("12.00", "21"))) == a_bill(("12.00", "21"))


def test_that_goodwill_without_a_known_tax_has_none() -> None:
    found = at_most(a_bill(("12.00", None)), a_bill(("10.00", None)))
    assert found.lines[-1] == BilledLine(
        Line(kind=LineKind.GOODWILL, net=Decimal("-2.00"), tax=None, gross=None), -200, None
    )
    assert (found.net_minor, found.total_minor, found.taxes) == (1000, 1000, ())


COSTS = st.lists(
    st.tuples(st.decimals(0, 90, places=3).map(str), st.sampled_from(["21", "9", "19", "0"])), min_size=1, max_size=5
)


@given(st.lists(COSTS, min_size=2, max_size=5), st.booleans())
@settings(max_examples=60, deadline=None)
def test_that_any_row_of_corrections_comes_to_the_last_bill(many: list[list[tuple[str, str]]], capped: bool) -> None:
    bills = [a_bill(*costs) for costs in many]
    issued = [bills[0]]
    for bill in bills[1:]:
        wanted = at_most(bill, bills[0]) if capped else bill
        found = correction(in_force(issued), wanted)
        if found:
            assert adds_up(found)
            issued.append(found)
        stands = in_force(issued)
        assert (stands.net_minor, stands.total_minor) == (wanted.net_minor, wanted.total_minor)
        assert sum(line.amount_minor for line in stands.lines) == wanted.total_minor
        assert not capped or stands.total_minor <= bills[0].total_minor
