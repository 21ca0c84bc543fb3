"""The report of `emsp price --json`. It has every figure of a line of `--batch`, by the same name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from emsp.charging.records.record import Cost
from emsp.cli.price_figures import KINDS, PER_UNIT, UNITS, Total, row, text, totals
from emsp.cli.price_files import Priced
from emsp.clock import utc_text
from emsp.pricing.engine.report import Line, LineKind, difference
from emsp.pricing.words.explain import assumption_text, line_text

DIMENSION_OF = {kind: name for name, kinds in KINDS.items() for kind in kinds}


def report_json(priced: Priced, language: str) -> dict[str, Any]:
    """The report with its lines and their reasons; for a CDR also what it asks and by how much that differs."""
    if priced.report is None:
        return {"cdr_id": priced.cdr_id, "error": priced.reason}
    report = priced.report
    return {
        "cdr_id": priced.cdr_id,
        "currency": report.currency,
        **row(report),
        "tax": text(report.tax),
        "estimated": report.estimated,
        "assumptions": [
            {"code": each.code, "parameters": each.parameters, "text": assumption_text(each, language)}
            for each in report.assumptions
        ],
        "remarks": priced.remarks,
        "tariff_ids": [tariff.external_id for tariff in priced.tariffs],
        "time_zone": priced.time_zone,
        "dimensions": {name: _dimension(name, total) for name, total in totals(report).items()},
        "lines": [
            {**_line(line), "text": line_text(line, language, currency=report.currency, time_zone=priced.time_zone)}
            for line in report.lines
        ],
        "difference": differences(priced),
        "error": None,
    }


def _dimension(name: str, total: Total) -> dict[str, Any]:
    return {
        "unit": UNITS[name],
        "measured": text(total.measured),
        "billed": text(total.billed),
        "before_tax": text(total.net),
        "tax": text(total.tax),
        "after_tax": text(total.gross),
    }


def _line(line: Line) -> dict[str, Any]:
    dimension = DIMENSION_OF.get(line.kind)
    unit = "h" if line.kind.endswith("TIME") else UNITS.get(dimension or "", "session")
    if line.kind is LineKind.RESERVATION_FLAT:
        unit = "session"
    return {
        "kind": line.kind,
        "dimension": dimension,
        "tariff_id": line.tariff_id,
        "element_index": line.element_index,
        "applied_because": msgspec.to_builtins(line.applied_because),
        "start": line.start and utc_text(line.start),
        "end": line.end and utc_text(line.end),
        "unit": unit,
        "measured": text(line.measured / PER_UNIT[unit]),
        "billed": text(line.billed / PER_UNIT[unit]),
        "step_size": line.step_size,
        "unit_price": text(line.unit_price),
        "vat_percent": text(line.vat_percent),
        "before_tax": text(line.net),
        "tax": text(line.tax),
        "after_tax": text(line.gross),
    }


def differences(priced: Priced) -> dict[str, Any] | None:
    """What a CDR asks and how much more that is than what was computed; None in another currency, or for a plan."""
    report, case = priced.report, priced.case
    if report is None or case is None or case.record.currency != report.currency:
        return None
    sums = totals(report)
    parts = {name: _compared(getattr(priced.parts, name), sums[name].net, sums[name].gross) for name in sums}
    return {**_compared(priced.cost, report.net, report.gross), "dimensions": parts}


def _compared(asked: Cost | None, net: Decimal | None, gross: Decimal | None) -> dict[str, str | None]:
    asked_net, asked_gross = (asked.net, asked.gross) if asked else (None, None)
    return {
        "asked_before_tax": text(asked_net),
        "asked_after_tax": text(asked_gross),
        "before_tax": text(difference(asked_net, net)),
        "after_tax": text(difference(asked_gross, gross)),
    }
