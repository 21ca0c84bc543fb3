"""Where decimals become money: a report rounded once per total, its lines sharing the total out exactly."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from emsp.money import Money, round_money, share_out
from emsp.pricing.engine.report import ZERO, Assumption, Line, Report, taxes_by_rate


class BilledLine(Struct, frozen=True, omit_defaults=True):
    """A line with what it adds to the total, in minor units, and the tax in that (None: not known)."""

    line: Line
    amount_minor: int
    tax_minor: int | None
    taken_back: bool = False
    """A correction takes this line back: what it added is subtracted."""


class BilledTax(Struct, frozen=True):
    """Net and tax at one VAT rate, in minor units. A None percent: the rate is not known."""

    percent: Decimal | None
    net_minor: int
    tax_minor: int


class Bill(Struct, frozen=True):
    """A priced session as money. Where the tax is not known, `total` is the net amount and tax comes on top."""

    currency: str
    net_minor: int
    total_minor: int
    tax_known: bool
    lines: tuple[BilledLine, ...]
    taxes: tuple[BilledTax, ...]
    assumptions: tuple[Assumption, ...] = ()

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)


def billed(report: Report) -> Bill:
    """`report` as money: HALF_UP_PER_TOTAL on net and gross apart, lines and taxes by largest remainder."""
    tax_known = report.gross is not None and report.net is not None
    parts = _payable(report)
    total_minor = round_money(sum(parts, ZERO), report.currency).amount_minor
    net_minor = total_minor if report.net is None else round_money(report.net, report.currency).amount_minor
    amounts = share_out(Money(total_minor, report.currency), parts)
    tax = Money(total_minor - net_minor, report.currency)
    taxes = _shared(tax, [line.tax for line in report.lines]) if tax_known else None
    return Bill(
        currency=report.currency,
        net_minor=net_minor,
        total_minor=total_minor,
        tax_known=tax_known,
        lines=tuple(
            BilledLine(line, amount, taxes[index] if taxes else None)
            for index, (line, amount) in enumerate(zip(report.lines, amounts, strict=True))
        ),
        taxes=_taxes(report, Money(net_minor, report.currency), tax) if tax_known else (),
        assumptions=report.assumptions,
    )


def _payable(report: Report) -> list[Decimal]:
    """What each line adds to the total: with tax if that is known of all of them, else without it.

    Where neither holds, as some have only a gross amount and others only a net one, what is known of each.
    """
    if report.gross is not None:
        return [line.gross or ZERO for line in report.lines]
    if report.net is not None:
        return [line.net or ZERO for line in report.lines]
    return [(line.net if line.gross is None else line.gross) or ZERO for line in report.lines]


def _taxes(report: Report, net: Money, tax: Money) -> tuple[BilledTax, ...]:
    rates = [rate for rate in taxes_by_rate(report) if rate.net or rate.tax]
    nets = _shared(net, [rate.net for rate in rates])
    taxes = _shared(tax, [rate.tax for rate in rates])
    return tuple(BilledTax(rate.vat_percent, nets[index], taxes[index]) for index, rate in enumerate(rates))


def _shared(total: Money, parts: list[Decimal | None]) -> list[int]:
    return share_out(total, [part or ZERO for part in parts])
