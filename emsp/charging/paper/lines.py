"""The lines of a receipt as rows of a table: what, how much, at which price, with the reason below."""

from __future__ import annotations

import dataclasses
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from emsp.charging.paper.words import phrase
from emsp.money import Money
from emsp.papers import said
from emsp.papers.paper import Column, Row, Table
from emsp.papers.words import word
from emsp.pricing.engine.billed import Bill, BilledLine
from emsp.pricing.engine.report import Line, LineKind
from emsp.pricing.words import explain
from emsp.pricing.words.speech import PER_KWH, Speech, speech_of

PER_TIME = (
    LineKind.TIME,
    LineKind.PARKING_TIME,
    LineKind.RESERVATION_TIME,
    LineKind.TIME_FEE,
    LineKind.PARKING_FEE,
)


def lines_table(bill: Bill, language: str, *, time_zone: str, reason: str | None = None) -> Table:
    """The lines of a bill; `reason` is why support gave something back."""
    columns = (
        Column(word("what", language)),
        Column(word("quantity", language), "end"),
        Column(word("unit_price", language), "end"),
        Column(word("vat", language), "end"),
        Column(word("amount", language), "end"),
    )
    rows = tuple(_row(line, bill.currency, language, ZoneInfo(time_zone), reason) for line in bill.lines)
    return _without_empty_columns(Table(columns=columns, rows=rows))


def _without_empty_columns(table: Table) -> Table:
    kept = [at for at in range(len(table.columns)) if not table.rows or any(row.cells[at] for row in table.rows)]
    rows = tuple(replace(row, cells=tuple(row.cells[at] for at in kept)) for row in table.rows)
    return replace(table, columns=tuple(table.columns[at] for at in kept), rows=rows)


def _row(billed: BilledLine, currency: str, language: str, zone: ZoneInfo, reason: str | None) -> Row:
    line, speech = billed.line, _speech(language, currency)
    what = _what(line, currency, language)
    return Row(
        cells=(
            phrase("taken_back", language, line=what) if billed.taken_back else what,
            speech.quantity(line.kind, line.billed) if line.kind in (*PER_KWH, *PER_TIME) else "",
            _unit_price(line, speech, language),
            said.percent(line.vat_percent, language) if line.vat_percent is not None else "–",
            said.amount(Money(billed.amount_minor, currency), language),
        ),
        detail=_detail(line, speech, zone, language, reason),
        muted=billed.taken_back,
    )


def _speech(language: str, currency: str) -> Speech:
    """How prices are said, with days and numbers as they are written elsewhere on the page."""
    return dataclasses.replace(speech_of(language, currency), locale=said.locale_of(language))


def _what(line: Line, currency: str, language: str) -> str:
    if line.kind in (*PER_KWH, *PER_TIME):
        return phrase(f"line_{line.kind}", language)
    return explain.line_text(_bare(line), language, currency=currency)


def _bare(line: Line) -> Line:
    """The line without what is said beside it."""
    return Line(kind=line.kind, discount=line.discount, net=line.net, tax=line.tax, gross=line.gross or line.net)


def _unit_price(line: Line, speech: Speech, language: str) -> str:
    if line.kind in PER_KWH:
        return phrase("per_kwh", language, price=speech.price(explain.unit_price_shown(line)))
    if line.kind in PER_TIME:
        price, unit = speech.per_time(explain.unit_price_shown(line))
        return phrase("per_time", language, price=price, unit=unit)
    return ""


def _detail(line: Line, speech: Speech, zone: ZoneInfo, language: str, reason: str | None) -> str | None:
    if line.kind is LineKind.REFUND and reason:
        return phrase("reason", language, reason=reason)
    return "; ".join(explain.notes(line, speech, zone)) or None
