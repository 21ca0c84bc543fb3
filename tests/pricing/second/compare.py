"""Both answers side by side, and what to say when they differ."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from emsp.pricing.engine.report import Report
from tests.pricing.second import first, pricer
from tests.pricing.second.walk import Document

NEAR = Fraction(1, 10**9)


def difference(tariff: Document, cdr: Document, time_zone: str, version: str = "2.2.1") -> str | None:
    """In what the two pricers differ, None where they agree on net, gross and what is billed."""
    return differs(first.price(tariff, cdr, time_zone, version), pricer.price(tariff, cdr, time_zone))


def differs(report: Report, cost: pricer.Cost) -> str | None:
    """The figures that are not the same to nine decimals."""
    found = []
    if not same(report.net, cost.net):
        found.append(f"net {report.net} and {_shown(cost.net)}")
    if not same(report.gross, cost.gross):
        found.append(f"gross {report.gross} and {_shown(cost.gross)}")
    billed = {each.kind.value: each.billed / pricer.STEP_UNITS.get(each.kind, 1) for each in report.per_dimension}
    for dimension in pricer.DIMENSIONS:
        ours, theirs = billed.get(dimension, Decimal(0)), cost.billed.get(dimension, Fraction(0))
        if not same(ours, theirs):
            found.append(f"{dimension} {ours} and {_shown(theirs)}")
    return "; ".join(found) or None


def same(ours: Decimal | None, theirs: Fraction | None) -> bool:
    """Both unknown, or as good as equal."""
    if ours is None or theirs is None:
        return ours is None and theirs is None
    return abs(Fraction(ours) - theirs) < NEAR


def _shown(value: Fraction | None) -> str:
    return "None" if value is None else f"{float(value):.10g}"
