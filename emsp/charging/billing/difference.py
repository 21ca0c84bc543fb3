"""What a correction says: the lines that stood are taken back, others are set in their place, to the cent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from emsp.money import Money
from emsp.pricing.engine.billed import Bill, BilledLine, BilledTax
from emsp.pricing.engine.report import Line, LineKind


def nothing(currency: str) -> Bill:
    """The bill of a charge that costs nothing."""
    return Bill(currency=currency, net_minor=0, total_minor=0, tax_known=True, lines=(), taxes=())


def in_force(bills: Sequence[Bill]) -> Bill:
    """What a receipt and its corrections say in sum: the lines that no later one takes back."""
    last = bills[-1]
    return Bill(
        currency=last.currency,
        net_minor=sum(bill.net_minor for bill in bills),
        total_minor=sum(bill.total_minor for bill in bills),
        tax_known=last.tax_known,
        lines=_lines_in_force(bills),
        taxes=_sum(tax for bill in bills for tax in bill.taxes),
    )


def _lines_in_force(bills: Sequence[Bill]) -> tuple[BilledLine, ...]:
    """A correction takes back all lines that stood before it; what support gives back comes beside them."""
    standing: tuple[BilledLine, ...] = ()
    for bill in bills:
        if any(line.taken_back for line in bill.lines):
            standing = ()
        standing += tuple(line for line in bill.lines if not line.taken_back)
    return standing


def correction(before: Bill, after: Bill) -> Bill | None:
    """From what was in force to what is to be: its amounts are the difference. None where there is none."""
    back = tuple(_taken_back(line) for line in before.lines)
    taxes = _sum([*after.taxes, *(_minus(tax) for tax in before.taxes)])
    net_minor, total_minor = after.net_minor - before.net_minor, after.total_minor - before.total_minor
    if not (net_minor or total_minor or taxes):
        return None
    return replace(after, net_minor=net_minor, total_minor=total_minor, lines=back + after.lines, taxes=taxes)


def at_most(bill: Bill, first: Bill) -> Bill:
    """The bill, or where it asks for more than the first one did, the same with a line of goodwill down to that.

    Net and taxes are then those of the first bill.
    """
    if bill.total_minor <= first.total_minor:
        return bill
    net_minor, total_minor = first.net_minor - bill.net_minor, first.total_minor - bill.total_minor
    tax_minor = total_minor - net_minor if bill.tax_known else None
    goodwill = BilledLine(_goodwill(bill, net_minor, total_minor), total_minor, tax_minor)
    return replace(first, tax_known=bill.tax_known, lines=(*bill.lines, goodwill), assumptions=bill.assumptions)


def _goodwill(bill: Bill, net_minor: int, total_minor: int) -> Line:
    net, gross = Money(net_minor, bill.currency).amount, Money(total_minor, bill.currency).amount
    rates, known = {tax.percent for tax in bill.taxes}, bill.tax_known
    return Line(
        kind=LineKind.GOODWILL,
        vat_percent=rates.pop() if known and len(rates) == 1 else None,
        net=net if known else gross,
        tax=gross - net if known else None,
        gross=gross if known else None,
    )


def _taken_back(line: BilledLine) -> BilledLine:
    tax_minor = None if line.tax_minor is None else -line.tax_minor
    return replace(line, amount_minor=-line.amount_minor, tax_minor=tax_minor, taken_back=True)


def _minus(tax: BilledTax) -> BilledTax:
    return BilledTax(tax.percent, -tax.net_minor, -tax.tax_minor)


def _sum(taxes: Iterable[BilledTax]) -> tuple[BilledTax, ...]:
    """One a rate, in order of appearance, without those that come to nothing."""
    sums: dict[Decimal | None, BilledTax] = {}
    for tax in taxes:
        known = sums.get(tax.percent, BilledTax(tax.percent, 0, 0))
        sums[tax.percent] = BilledTax(tax.percent, known.net_minor + tax.net_minor, known.tax_minor + tax.tax_minor)
    return tuple(tax for tax in sums.values() if tax.net_minor or tax.tax_minor)
