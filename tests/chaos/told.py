"""A report as a table for people, and as data."""

from __future__ import annotations

from typing import Any

from tests.chaos.run import Report

WIDTH = 100
SHOWN = 8


def table(report: Report) -> str:
    """What happened, what was checked, and whatever does not hold."""
    total = sum(report.seconds.values())
    return "\n".join(
        [
            f"chaos, seed {report.seed}: {report.charges} charges, {sum(report.kills.values())} kills, {total:.0f} s",
            *_block("charges by outcome", report.outcomes, {f"refused: {k}": v for k, v in report.refused.items()}),
            *_block("killed with -9 and started again", report.kills, {"  connections cut": report.connections}),
            *_block("ended by themselves", report.ended_by_themselves),
            *_block("what went wrong on purpose", report.faults),
            *_block("asked again by apps", report.asked_again),
            *_block("seconds", report.seconds),
            "",
            "invariants, by the ledger and the books of the card processor and the operator",
            "",
            *(_row(f"{'ok ' if one.holds else 'NO '} {one.sentence}", one.found.looked_at) for one in report.verdicts),
            _row(f"{'NO ' if report.reconciled else 'ok '} `emsp bills reconcile`: differences", report.reconciled),
            *_violations(report),
            "",
            "Every invariant holds." if report.holds else f"NOT EVERYTHING HOLDS; logs are in {report.folder}/logs",
        ]
    )


def data(report: Report) -> dict[str, Any]:
    """The report for programs."""
    plain = {name: value for name, value in vars(report).items() if name != "verdicts"}
    verdicts = [
        {"name": one.name, "looked_at": one.found.looked_at, "violations": one.found.violations}
        for one in report.verdicts
    ]
    return {**plain, "verdicts": verdicts, "holds": report.holds}


def _block(title: str, *figures: dict[str, Any]) -> list[str]:
    rows = [_row(f"  {name}", count) for each in figures for name, count in each.items()]
    return ["", title, "", *rows] if rows else []


def _row(name: str, count: Any) -> str:
    return f"  {name:<{WIDTH}} {count:>8}"


def _violations(report: Report) -> list[str]:
    lines = [
        f"  {one.name}: {violation}"
        for one in report.verdicts
        for violation in [*one.found.violations[:SHOWN], *_more(len(one.found.violations) - SHOWN)]
    ]
    lines += [f"  left: {sentence}" for sentence in [*report.left[:SHOWN], *_more(len(report.left) - SHOWN)]]
    return ["", "violated", "", *lines] if lines else []


def _more(count: int) -> list[str]:
    return [f"and {count} more"] if count > 0 else []
