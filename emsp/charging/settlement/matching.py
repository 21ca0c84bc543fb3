"""An operator's invoice held against our records of its charges; pure.

Every line is looked at once, and the first thing that is wrong with it is what is found: a line that comes twice is not
also billed too high.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct


class Standing(StrEnum):
    """What a record of ours means for an invoice."""

    OWED = "OWED"
    """The charge is billed by it."""
    CREDITED = "CREDITED"
    """The operator took it back."""
    CREDIT = "CREDIT"
    """It takes another one back; its amount is less than nothing."""
    NOT_OWED = "NOT_OWED"
    """We have it, and owe nothing for it; the note says why."""
    NOT_OURS = "NOT_OURS"
    """It is of no charge of our drivers'."""


class Kind(StrEnum):
    """What can be wrong with an invoice."""

    MISSING = "MISSING"
    UNKNOWN = "UNKNOWN"
    DUPLICATED = "DUPLICATED"
    DISPUTED = "DISPUTED"
    OVERBILLED = "OVERBILLED"
    UNDERBILLED = "UNDERBILLED"
    CREDITED = "CREDITED"
    WRONG_CURRENCY = "WRONG_CURRENCY"
    VAT = "VAT"
    TOTAL = "TOTAL"


AGAINST_US = frozenset(Kind) - {Kind.MISSING, Kind.UNDERBILLED}
"""What has to be talked about before the invoice is agreed to."""


class InvoiceLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of an invoice, amounts in minor units; None for what it does not say. `number` counts from 1."""

    number: int
    record: str
    currency: str
    net_minor: int | None = None
    tax_minor: int | None = None

    @property
    def key(self) -> str:
        return self.record.strip().casefold()


class OurRecord(Struct, frozen=True, kw_only=True):
    """A record of ours as far as an invoice is about it, in minor units.

    `net_minor` is what it asks for, `owed_minor` what of that is owed, `in_dispute` whether the rest is claimed and the
    claim open. Records of one charge have the same `charge`; `month` is that of the charge.
    """

    record: str
    charge: str
    month: str
    standing: Standing
    currency: str
    net_minor: int
    owed_minor: int
    tax_minor: int | None = None
    in_dispute: bool = False
    note: str = ""

    @property
    def key(self) -> str:
        return self.record.casefold()


class Finding(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong: of which line and record, what is asked and what it is by us, in minor units."""

    kind: Kind
    text: str
    line: int | None = None
    record: str | None = None
    asked_minor: int | None = None
    ours_minor: int | None = None


class Reckoned(Struct, frozen=True, kw_only=True):
    """An invoice beside our records. `others` are records by key that are on other invoices, with their numbers."""

    currency: str
    lines: Sequence[InvoiceLine]
    ours: Mapping[str, OurRecord]
    others: Mapping[str, str] = {}
    total_minor: int | None = None
    tolerance_minor: int = 0

    @property
    def keys(self) -> set[str]:
        return {line.key for line in self.lines}


def findings(invoice: Reckoned) -> list[Finding]:
    """All that is wrong with an invoice: line by line, then what is missing, then the total."""
    return [*_of_lines(invoice), *_missing(invoice), *_total(invoice)]


def asked_net_minor(lines: Iterable[InvoiceLine], ours: Mapping[str, OurRecord]) -> int:
    """What the lines come to before tax; one without an amount counts as what we owe for it."""
    return sum(_or_ours(line, ours) for line in lines)


def tax_minor(lines: Iterable[InvoiceLine]) -> int:
    """The tax that the lines state."""
    return sum(line.tax_minor or 0 for line in lines)


def _or_ours(line: InvoiceLine, ours: Mapping[str, OurRecord]) -> int:
    if line.net_minor is not None:
        return line.net_minor
    return ours[line.key].owed_minor if line.key in ours else 0


def _of_lines(invoice: Reckoned) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for line in invoice.lines:
        if line.key in seen:
            yield _about(line, Kind.DUPLICATED, f"The record is in line {seen[line.key]}, too.")
        elif line.key in invoice.others:
            yield _about(line, Kind.DUPLICATED, f"The record is on invoice {invoice.others[line.key]} already.")
        else:
            yield from _of_line(line, invoice)
        seen.setdefault(line.key, line.number)


def _of_line(line: InvoiceLine, invoice: Reckoned) -> Iterator[Finding]:
    ours = invoice.ours.get(line.key)
    if ours is None:
        yield _about(line, Kind.UNKNOWN, "We never received this record.")
    elif ours.standing is Standing.NOT_OURS:
        yield _about(line, Kind.UNKNOWN, "This record is of no charge of our drivers.")
    elif line.currency != ours.currency:
        yield _about(line, Kind.WRONG_CURRENCY, f"The record is in {ours.currency}.", ours.owed_minor)
    elif ours.standing is Standing.NOT_OWED:
        yield _about(line, Kind.DISPUTED, ours.note, 0)
    elif ours.standing is Standing.CREDITED and not _is_credited_here(ours, invoice):
        yield _about(line, Kind.CREDITED, "The operator took this record back.", 0)
    else:
        yield from _of_amounts(line, ours, invoice.tolerance_minor)


def _is_credited_here(taken_back: OurRecord, invoice: Reckoned) -> bool:
    """Whether the invoice has the credit, too."""
    return any(
        ours.standing is Standing.CREDIT and ours.charge == taken_back.charge and key in invoice.keys
        for key, ours in invoice.ours.items()
    )


def _of_amounts(line: InvoiceLine, ours: OurRecord, tolerance_minor: int) -> Iterator[Finding]:
    """A line for what we owe, or for what the record asks while we dispute it, is as expected."""
    if line.net_minor is None:
        if ours.in_dispute:
            yield _about(line, Kind.DISPUTED, "A claim on this record is open.", ours.owed_minor)
        return
    expected = ours.net_minor if ours.in_dispute and line.net_minor > ours.owed_minor else ours.owed_minor
    if abs(line.net_minor - expected) > tolerance_minor:
        over = line.net_minor > expected
        text = "The record asks for less." if over else "The record asks for more."
        yield _about(line, Kind.OVERBILLED if over else Kind.UNDERBILLED, text, expected)
    elif line.net_minor > ours.owed_minor + tolerance_minor:
        yield _about(line, Kind.DISPUTED, "A claim on this record is open.", ours.owed_minor)
    elif _is_another_tax(line, ours, tolerance_minor):
        text = f"The tax is {line.tax_minor}, and by the record {ours.tax_minor}, in minor units."
        yield _about(line, Kind.VAT, text, ours.owed_minor)


def _is_another_tax(line: InvoiceLine, ours: OurRecord, tolerance_minor: int) -> bool:
    """A line that says less than the record asks bears less tax: that is told by its amount."""
    if line.tax_minor is None or ours.tax_minor is None or ours.owed_minor != ours.net_minor:
        return False
    return abs(line.tax_minor - ours.tax_minor) > tolerance_minor


def _missing(invoice: Reckoned) -> Iterator[Finding]:
    """Records of the months that the invoice is about which no invoice has, and credits of what was invoiced."""
    invoiced = invoice.keys | invoice.others.keys()
    months = {invoice.ours[key].month for key in invoice.keys if key in invoice.ours}
    charged_before = {invoice.ours[key].charge for key in invoice.others if key in invoice.ours}
    for key, ours in invoice.ours.items():
        if key in invoiced or ours.currency != invoice.currency:
            continue
        if ours.standing is Standing.OWED and ours.month in months and ours.owed_minor:
            yield _not_invoiced(ours, "We have this record, and no invoice has it.")
        elif ours.standing is Standing.CREDIT and ours.charge in charged_before:
            yield _not_invoiced(ours, "This credit of what was invoiced before is on no invoice.")


def _not_invoiced(ours: OurRecord, text: str) -> Finding:
    return Finding(kind=Kind.MISSING, text=text, record=ours.record, ours_minor=ours.owed_minor)


def _total(invoice: Reckoned) -> Iterator[Finding]:
    """The stated total is that of the lines, with the tax that they state."""
    if invoice.total_minor is None or any(line.net_minor is None for line in invoice.lines):
        return
    summed = asked_net_minor(invoice.lines, invoice.ours) + tax_minor(invoice.lines)
    if summed != invoice.total_minor:
        text = "The lines do not sum to the total."
        yield Finding(kind=Kind.TOTAL, text=text, asked_minor=invoice.total_minor, ours_minor=summed)


def _about(line: InvoiceLine, kind: Kind, text: str, ours_minor: int | None = None) -> Finding:
    return Finding(
        kind=kind,
        text=text,
        line=line.number,
        record=line.record,
        asked_minor=line.net_minor,
        ours_minor=ours_minor,
    )
