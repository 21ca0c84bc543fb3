"""Where decimals become money: a report rounded once per total, its lines sharing the total out exactly."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from emsp.money import Money, round_money, share_out
from emsp.pricing.report import ZERO, Assumption, Line, Report, taxes_by_rate


class BilledLine(Struct, frozen=True):
    """A line with what it adds to the total, in minor units, and the tax in that (None: not known)."""

    line: Line
    amount_minor: int
    tax_minor: int | None


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
    gross = _first(report.gross, report.net)
    net = _first(report.net, report.gross)
    total_minor = round_money(gross, report.currency).amount_minor
    net_minor = round_money(net, report.currency).amount_minor
    amounts = share_out(total_minor, [_first(line.gross, line.net) for line in report.lines])
    taxes = _shared(total_minor - net_minor, [line.tax for line in report.lines]) if tax_known else None
    return Bill(
        currency=report.currency,
        net_minor=net_minor,
        total_minor=total_minor,
        tax_known=tax_known,
        lines=tuple(
            BilledLine(line, amount, taxes[index] if taxes else None)
            for index, (line, amount) in enumerate(zip(report.lines, amounts, strict=True))
        ),
        taxes=_taxes(report, net_minor, total_minor - net_minor) if tax_known else (),
        assumptions=report.assumptions,
    )


def _taxes(report: Report, net_minor: int, tax_minor: int) -> tuple[BilledTax, ...]:
    rates = [rate for rate in taxes_by_rate(report) if rate.net or rate.tax]
    nets = _shared(net_minor, [rate.net for rate in rates])
    taxes = _shared(tax_minor, [rate.tax for rate in rates])
    return tuple(BilledTax(rate.vat_percent, nets[index], taxes[index]) for index, rate in enumerate(rates))


def _shared(total_minor: int, parts: list[Decimal | None]) -> list[int]:
    return share_out(total_minor, [part or ZERO for part in parts])


def _first(*amounts: Decimal | None) -> Decimal:
    return next((amount for amount in amounts if amount is not None), ZERO)
