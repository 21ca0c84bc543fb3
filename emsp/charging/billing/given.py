"""What support gives back of a charge, as lines of a bill: with the tax that was in it, rate by rate, to the cent.

A later correction changes what the charge comes to before it; what was given stays given, as far as there is something
to give it from, and a charge that support made free stays free.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from emsp.charging.billing.difference import in_force
from emsp.money import Money, round_money, share_out
from emsp.pricing.engine.billed import Bill, BilledLine, BilledTax
from emsp.pricing.engine.report import Line, LineKind


def given_back(stands: Bill, amount_minor: int) -> Bill:
    """A bill of less than nothing: `amount_minor` of what stands, at most all of it, shared over its VAT rates."""
    amount_minor = min(amount_minor, stands.total_minor)
    taxes = _shares(stands, amount_minor)
    if not taxes:
        lines = [_line(stands.currency, None, -amount_minor, None)] if amount_minor else []
    else:
        lines = [_line(stands.currency, one.percent, one.net_minor + one.tax_minor, one.tax_minor) for one in taxes]
    return Bill(
        currency=stands.currency,
        net_minor=sum(one.net_minor for one in taxes) if taxes else -amount_minor,
        total_minor=-amount_minor,
        tax_known=stands.tax_known,
        lines=tuple(lines),
        taxes=tuple(taxes),
    )


def still_given(due: Bill, bills: Sequence[Bill]) -> Bill:
    """`due` by the records, less all that support gave back on the bills so far, one gift after the other."""
    gifts = [number for number, bill in enumerate(bills) if _is_gift(bill)]
    if not gifts:
        return due
    made_free = in_force(bills[: gifts[-1] + 1]).total_minor == 0
    stands = due
    for number in gifts:
        everything = made_free and number == gifts[-1]
        wanted_minor = stands.total_minor if everything else -bills[number].total_minor
        stands = _less(stands, given_back(stands, wanted_minor))
    return stands


def _less(stands: Bill, gift: Bill) -> Bill:
    return replace(in_force([stands, gift]), tax_known=stands.tax_known, assumptions=stands.assumptions)


def _is_gift(bill: Bill) -> bool:
    """Whether support made it: it gives back, and takes nothing back."""
    return bool(bill.lines) and all(line.line.kind is LineKind.REFUND and not line.taken_back for line in bill.lines)


def _shares(stands: Bill, amount_minor: int) -> list[BilledTax]:
    """By rate what is given back, less than nothing; empty where the taxes are not known."""
    rates = [tax for tax in stands.taxes if tax.net_minor + tax.tax_minor]
    gross_minor = sum(tax.net_minor + tax.tax_minor for tax in rates)
    if not amount_minor or not gross_minor:
        return []
    total = Money(amount_minor, stands.currency)
    parts = [total.amount * (tax.net_minor + tax.tax_minor) / gross_minor for tax in rates]
    shares = share_out(total, parts)
    return [_minus(tax, share, stands.currency) for tax, share in zip(rates, shares, strict=True) if share]


def _minus(tax: BilledTax, share_minor: int, currency: str) -> BilledTax:
    exact = Money(share_minor, currency).amount * tax.tax_minor / (tax.net_minor + tax.tax_minor)
    tax_minor = round_money(exact, currency).amount_minor
    return BilledTax(tax.percent, tax_minor - share_minor, -tax_minor)


def _line(currency: str, percent: Decimal | None, gross_minor: int, tax_minor: int | None) -> BilledLine:
    gross = Money(gross_minor, currency).amount
    if tax_minor is None:
        return BilledLine(Line(kind=LineKind.REFUND, net=gross), gross_minor, None)
    tax = Money(tax_minor, currency).amount
    line = Line(kind=LineKind.REFUND, vat_percent=percent, net=gross - tax, tax=tax, gross=gross)
    return BilledLine(line, gross_minor, tax_minor)
