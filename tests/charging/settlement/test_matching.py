"""An invoice beside our records: one made from them has nothing against it; each fault is found and nothing else."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from emsp.charging.settlement.matching import (
    AGAINST_US,
    Finding,
    InvoiceLine,
    Kind,
    OurRecord,
    Reckoned,
    Standing,
    asked_net_minor,
    findings,
    tax_minor,
)

MAY = "2026-05"


def ours(record: str = "C1", net_minor: int = 450, **facts: Any) -> OurRecord:
    values = {"charge": f"charge {record}", "month": MAY, "standing": Standing.OWED, "currency": "EUR"}
    values |= {"record": record, "net_minor": net_minor, "owed_minor": net_minor, "tax_minor": net_minor // 5}
    return OurRecord(**(values | facts))


def line(number: int = 1, record: str = "C1", net_minor: int | None = 450, **facts: Any) -> InvoiceLine:
    tax = None if net_minor is None else net_minor // 5
    values = {"number": number, "record": record, "currency": "EUR", "net_minor": net_minor, "tax_minor": tax}
    return InvoiceLine(**(values | facts))


def found(lines: Sequence[InvoiceLine], records: Sequence[OurRecord], **facts: Any) -> list[Finding]:
    known = {record.key: record for record in records}
    return findings(Reckoned(currency="EUR", lines=lines, ours=known, **facts))


def kinds(lines: Sequence[InvoiceLine], records: Sequence[OurRecord], **facts: Any) -> list[tuple[str, Any, Any]]:
    """Of each finding its kind, its line and what it is by us."""
    return [(one.kind, one.line, one.ours_minor) for one in found(lines, records, **facts)]


CLAIMED = {"owed_minor": 400, "in_dispute": True}
TAKEN_BACK = {"standing": Standing.CREDITED, "charge": "a charge"}
CREDIT = {"standing": Standing.CREDIT, "charge": "a charge"}


@pytest.mark.parametrize(
    ("lines", "records", "facts", "expected"),
    [
        ([line()], [ours()], {}, []),
        ([line(record=" c1 ")], [ours()], {}, []),
        ([line()], [], {}, [("UNKNOWN", 1, None)]),
        ([line()], [ours(standing=Standing.NOT_OURS)], {}, [("UNKNOWN", 1, None)]),
        ([line(), line(2)], [ours()], {}, [("DUPLICATED", 2, None)]),
        ([line()], [ours()], {"others": {"c1": "2026-04"}}, [("DUPLICATED", 1, None)]),
        ([line(currency="SEK")], [ours()], {}, [("WRONG_CURRENCY", 1, 450)]),
        ([line()], [ours(standing=Standing.NOT_OWED, note="no")], {}, [("DISPUTED", 1, 0)]),
        ([line(net_minor=451)], [ours()], {}, [("OVERBILLED", 1, 450)]),
        ([line(net_minor=449)], [ours()], {}, [("UNDERBILLED", 1, 450)]),
        ([line(net_minor=451, tax_minor=90)], [ours()], {"tolerance_minor": 1}, []),
        ([line(tax_minor=95)], [ours()], {}, [("VAT", 1, 450)]),
        ([line(tax_minor=None)], [ours()], {}, []),
        ([line(tax_minor=95)], [ours(tax_minor=None)], {}, []),
        ([line()], [ours(**CLAIMED)], {}, [("DISPUTED", 1, 400)]),
        ([line(net_minor=400)], [ours(**CLAIMED)], {}, []),
        ([line(net_minor=460)], [ours(**CLAIMED)], {}, [("OVERBILLED", 1, 450)]),
        ([line()], [ours(owed_minor=420)], {}, [("OVERBILLED", 1, 420)]),
        ([line(net_minor=420)], [ours(owed_minor=420)], {}, []),
        ([line()], [ours(**TAKEN_BACK)], {}, [("CREDITED", 1, 0)]),
        ([line(), line(2, "X1", -450)], [ours(**TAKEN_BACK), ours("X1", -450, **CREDIT)], {}, []),
        ([line()], [ours(**TAKEN_BACK), ours("X1", -450, **CREDIT)], {}, [("CREDITED", 1, 0)]),
        ([line()], [ours(), ours("C2", 300)], {}, [("MISSING", None, 300)]),
        ([line()], [ours(), ours("C2", 300, month="2026-06")], {}, []),
        ([line()], [ours(), ours("C2", 300, currency="SEK")], {}, []),
        ([line()], [ours(), ours("C2", 0)], {}, []),
        ([line()], [ours(), ours("C2", 300)], {"others": {"c2": "2026-04"}}, []),
        (
            [line()],
            [ours(), ours("C2", **TAKEN_BACK), ours("X2", -450, **CREDIT)],
            {"others": {"c2": "2026-04"}},
            [("MISSING", None, -450)],
        ),
        ([line()], [ours(), ours("C2", **TAKEN_BACK), ours("X2", -450, **CREDIT)], {}, []),
        ([line()], [ours()], {"total_minor": 540}, []),
        ([line()], [ours()], {"total_minor": 541}, [("TOTAL", None, 540)]),
        ([line(net_minor=None)], [ours()], {}, []),
        ([line(net_minor=None)], [ours(**CLAIMED)], {}, [("DISPUTED", 1, 400)]),
        ([line(net_minor=None)], [ours()], {"total_minor": 1}, []),
    ],
)
def test_what_is_found(
    lines: list[InvoiceLine], records: list[OurRecord], facts: dict[str, Any], expected: list[tuple[str, Any, Any]]
) -> None:
    assert kinds(lines, records, **facts) == expected


def test_what_an_invoice_comes_to_where_it_states_no_amounts() -> None:
    lines = [line(net_minor=None), line(2, "C2", 300), line(3, "C3", None)]
    assert asked_net_minor(lines, {"c1": ours(owed_minor=400)}) == 700
    assert tax_minor(lines) == 60


@st.composite
def records(draw: st.DrawFn) -> list[OurRecord]:
    """Records of May, all owed; claims that were settled among them."""
    amounts = draw(st.lists(st.integers(50, 100_000), min_size=2, max_size=12))
    given_up = draw(st.lists(st.booleans(), min_size=len(amounts), max_size=len(amounts)))
    return [
        ours(f"C{number}", net, owed_minor=net - 10 if less else net)
        for number, (net, less) in enumerate(zip(amounts, given_up, strict=True))
    ]


def made_from(known: Sequence[OurRecord]) -> list[InvoiceLine]:
    """The invoice that an honest operator would write."""
    numbered = enumerate(known, 1)
    return [line(number, one.record, one.owed_minor, tax_minor=one.tax_minor) for number, one in numbered]


Lines = list[InvoiceLine]
Faults = Mapping[Kind, Callable[[Lines, int], Lines]]


def _changed(lines: Lines, at: int, **facts: Any) -> Lines:
    return [*lines[:at], replace(lines[at], **facts), *lines[at + 1 :]]


FAULTS: Faults = {
    Kind.UNKNOWN: lambda lines, at: _changed(lines, at, record="never heard of"),
    Kind.DUPLICATED: lambda lines, at: [*lines, replace(lines[at], number=len(lines) + 1)],
    Kind.OVERBILLED: lambda lines, at: _changed(lines, at, net_minor=(lines[at].net_minor or 0) + 37),
    Kind.UNDERBILLED: lambda lines, at: _changed(lines, at, net_minor=(lines[at].net_minor or 0) - 37),
    Kind.WRONG_CURRENCY: lambda lines, at: _changed(lines, at, currency="CHF"),
    Kind.MISSING: lambda lines, at: [*lines[:at], *lines[at + 1 :]],
}


@given(known=records())
@settings(max_examples=60, deadline=None)
def test_an_invoice_made_from_our_records_has_nothing_against_it(known: list[OurRecord]) -> None:
    lines = made_from(known)
    total_minor = asked_net_minor(lines, {}) + tax_minor(lines)
    assert found(lines, known, total_minor=total_minor, tolerance_minor=0) == []
    assert asked_net_minor(lines, {}) == sum(one.owed_minor for one in known)


@given(data=st.data(), known=records(), kind=st.sampled_from(sorted(FAULTS)))
@settings(max_examples=120, deadline=None)
def test_each_fault_is_found_and_nothing_else(data: st.DataObject, known: list[OurRecord], kind: Kind) -> None:
    at = data.draw(st.integers(0, len(known) - 1))
    told = found(FAULTS[kind](made_from(known), at), known)
    expected = {kind, Kind.MISSING} if kind is Kind.UNKNOWN else {kind}  # the record that it should have named
    assert {one.kind for one in told} == expected
    assert len(told) == len(expected)
    of_record = "never heard of" if kind is Kind.UNKNOWN else known[at].record
    assert of_record in [one.record for one in told]


def test_that_what_is_in_our_favour_is_no_reason_to_withhold_payment() -> None:
    assert set(Kind) - AGAINST_US == {Kind.MISSING, Kind.UNDERBILLED}
