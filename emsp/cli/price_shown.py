"""The report of `emsp price` for people: the tariff in words, the lines, and what was asked beside what it comes to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from emsp.charging.records.record import Cost
from emsp.cli.price_figures import UNITS, Total, totals
from emsp.cli.price_files import Priced
from emsp.money import exponent, round_money
from emsp.pricing.engine.report import Report
from emsp.pricing.words.explain import assumption_text, line_text, summary

console = Console()
warnings = Console(stderr=True)
UNKNOWN = "?"
SHOWN = Decimal("0.0001")


def show(priced: Priced, language: str) -> None:
    """One charge; what has no price goes to standard error."""
    if priced.report is None:
        name = f"CDR {priced.cdr_id}: " if priced.cdr_id else ""
        warnings.print(f"{name}{priced.reason}", style="red", markup=False, highlight=False, soft_wrap=True)
        return
    _say(_title(priced, priced.report), style="bold")
    for tariff in priced.tariffs:
        _say(f"Tariff {tariff.external_id or 'without an id'}: {summary(tariff, language)}")
    console.print()
    console.print(_lines(priced, priced.report, language))
    console.print()
    console.print(_totals(priced, priced.report))
    console.print()
    for sentence in _sentences(priced, priced.report, language):
        _say(sentence)


def _say(sentence: str, style: str | None = None) -> None:
    console.print(sentence, style=style, markup=False, highlight=False, soft_wrap=True)


def _title(priced: Priced, report: Report) -> str:
    if priced.case is None:
        return f"A plan, times in {priced.time_zone}, amounts in {report.currency}"
    record, zone = priced.case.record, ZoneInfo(priced.time_zone)
    times = f"{_time(record.started_at, zone)} to {_time(record.ended_at, zone)}"
    return f"CDR {priced.cdr_id or 'without an id'}, {times} {priced.time_zone}, amounts in {report.currency}"


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _table(first: str, *figures: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(first)
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _lines(priced: Priced, report: Report, language: str) -> Table:
    """Elements are counted from 1, as people do."""
    table = _table("line", "element", "before tax", "tax", "after tax")
    for line in report.lines:
        said = line_text(line, language, currency=report.currency, time_zone=priced.time_zone)
        element = "" if line.element_index is None else str(line.element_index + 1)
        table.add_row(said, element, *(_money(amount, report) for amount in (line.net, line.tax, line.gross)))
    whole = (_money(amount, report) for amount in (report.net, report.tax, report.gross))
    table.add_row("total", "", *whole, style="bold")
    return table


def _totals(priced: Priced, report: Report) -> Table:
    """A row for each dimension that there is anything of, and the whole; beside them what the CDR asks."""
    asks = ("asked before", "asked after") if priced.case else ()
    table = _table("in all", "measured", "billed", "before tax", "after tax", *asks)
    for name, total in totals(report).items():
        cost = getattr(priced.parts, name)
        if cost or total.measured or total.net != 0:
            table.add_row(name, *_quantities(name, total), *_amounts(total.net, total.gross, cost, priced, report))
    whole = _amounts(report.net, report.gross, priced.cost, priced, report)
    table.add_row("total", "", "", *whole, style="bold")
    return table


def _quantities(name: str, total: Total) -> Iterator[str]:
    for quantity in (total.measured, total.billed):
        yield f"{quantity.quantize(SHOWN, ROUND_HALF_UP).normalize():f} {UNITS[name]}"


def _amounts(
    net: Decimal | None, gross: Decimal | None, cost: Cost | None, priced: Priced, report: Report
) -> list[str]:
    ours = [_money(net, report), _money(gross, report)]
    if priced.case is None:
        return ours
    return [*ours, *([_money(cost.net, report), _money(cost.gross, report)] if cost else ["", ""])]


def _money(amount: Decimal | None, report: Report) -> str:
    """To the fourth decimal, and at least to the minor unit."""
    if amount is None:
        return UNKNOWN
    shown = amount.quantize(SHOWN, ROUND_HALF_UP).normalize()
    decimals = max(-int(shown.as_tuple().exponent), exponent(report.currency))
    return f"{shown:.{decimals}f}"


def _sentences(priced: Priced, report: Report, language: str) -> list[str]:
    return [
        *_verdict(priced, report),
        *(assumption_text(each, language) for each in report.assumptions),
        *priced.remarks,
    ]


def _verdict(priced: Priced, report: Report) -> list[str]:
    """What the CDR asks in all beside what it comes to, each rounded once to the minor unit."""
    if priced.case is None or priced.case.record.currency != report.currency:
        return []
    if priced.cost is None:
        return ["The CDR does not say what it asks in all."]
    sides = (("before tax", priced.cost.net, report.net), ("after tax", priced.cost.gross, report.gross))
    known = [(tax, asked, ours) for tax, asked, ours in sides if asked is not None and ours is not None]
    if not known:
        return ["What the CDR asks cannot be compared: the tax is not known."]
    told = [said for tax, asked, ours in known if (said := _difference(tax, asked, ours, report.currency))]
    return told or ["The CDR agrees with the tariff."]


def _difference(tax: str, asked: Decimal, ours: Decimal, currency: str) -> str | None:
    one, other = round_money(asked, currency), round_money(ours, currency)
    by = one - other
    if not by.amount_minor:
        return None
    much = f"{abs(by.amount)} {currency} too {'much' if by.amount_minor > 0 else 'little'}"
    return f"The CDR asks {one} {tax} where the tariff gives {other}: {much}."
