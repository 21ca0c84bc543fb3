"""A claim as a paper for the operator: what it asks, what its own prices come to, and how. Nothing of the driver."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import msgspec

from emsp.charging.records.claims import ClaimFile
from emsp.pricing.check.verify import Check
from emsp.pricing.engine.report import Line, plain

COLUMNS = (
    "what",
    "from",
    "until",
    "element",
    "measured",
    "billed",
    "step",
    "unit_price",
    "vat_percent",
    "net",
    "gross",
)


def statement(file: ClaimFile) -> dict[str, Any]:
    """The claim as data, amounts as decimal strings of major units."""
    claim, record, verification = file.claim, file.record, file.verification
    facts = {
        "claim": str(claim.id),
        "state": claim.state,
        "opened_at": claim.opened_at,
        "reason": claim.reason,
        "partner": file.partner,
        "record": f"{record.country_code}*{record.party_id}*{record.external_id}",
        "session": record.session_external_id,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "energy_kwh": plain(record.energy_wh / 1000),
        "currency": claim.currency,
        "asked": file.asked.amount,
        "undisputed": file.undisputed.amount,
        "disputed": file.disputed.amount,
        "paid_after_all": file.given_up.amount,
        "note": claim.note,
        "against": verification.against,
        "checks": [_check(check) for check in verification.checks],
        "lines": [dict(zip(COLUMNS, _cells(line), strict=True)) for line in _lines(file)],
    }
    return dict(msgspec.to_builtins(facts))


def table(file: ClaimFile) -> str:
    """The lines of our side as CSV, and below them both totals."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in _lines(file):
        writer.writerow(_csv(line))
    gap, total = [""] * (len(COLUMNS) - 3), file.verification.total
    if total is not None:
        writer.writerow(["computed", *gap, total.computed.net, total.computed.gross])
        writer.writerow(["asked", *gap, total.asked.net, total.asked.gross])
    return text.getvalue()


def _check(check: Check) -> dict[str, Any]:
    return {
        "what": check.what,
        "verdict": check.verdict,
        "reason": check.reason,
        "asked_net": check.asked.net,
        "asked_gross": check.asked.gross,
        "computed_net": check.computed.net,
        "computed_gross": check.computed.gross,
        "told_volume": check.told_volume,
        "billed_volume": check.billed_volume,
    }


def _lines(file: ClaimFile) -> Iterator[Line]:
    yield from file.verification.ours.lines if file.verification.ours else ()


def _cells(line: Line) -> tuple[Any, ...]:
    """Quantities in Wh or seconds; the element by its place in the tariff, from 1."""
    element = None if line.element_index is None else line.element_index + 1
    quantities = (line.measured, line.billed, line.step_size or None, line.unit_price, line.vat_percent)
    return (line.kind, line.start, line.end, element, *quantities, line.net, line.gross)


def _csv(line: Line) -> list[str]:
    return ["" if cell is None else str(msgspec.to_builtins(cell)) for cell in _cells(line)]
