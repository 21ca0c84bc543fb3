"""The report of an examination, for people line by line and for programs as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from emsp.ocpi.conformance.check import Report
from emsp.ocpi.conformance.findings import ERROR, HINT, WARNING, Group

COLOURS = {ERROR: "red", WARNING: "yellow", HINT: "dim"}


def as_json(report: Report) -> dict[str, Any]:
    """The report as JSON: counts, what was examined, and the groups of findings."""
    return {
        "versions_url": report.versions_url,
        "version": report.version,
        "encoding": report.encoding,
        "errors": report.count(ERROR),
        "warnings": report.count(WARNING),
        "hints": report.count(HINT),
        "modules": [
            {
                "module": facts.module,
                "objects": facts.objects,
                "pages": facts.pages,
                "total": facts.total,
                "slowest_s": facts.slowest_s,
            }
            for facts in report.modules
        ],
        "findings": [group._asdict() | {"severity": group.severity.name} for group in report.groups],
    }


def headline(report: Report) -> str:
    """The outcome in one line."""
    spoken = f"OCPI {report.version}, token {report.encoding}" if report.version else "not examined"
    counts = [(report.count(ERROR), "error"), (report.count(WARNING), "warning"), (report.count(HINT), "hint")]
    said = ", ".join(f"{count:,} {word}{'' if count == 1 else 's'}" for count, word in counts)
    return f"{report.versions_url} ({spoken}): {said}"


def places(report: Report) -> Iterator[tuple[str, list[Group]]]:
    """The findings by endpoint, in the order of the visit."""
    for where, groups in groupby(report.groups, key=lambda group: group.where):
        yield where, list(groups)


def line(group: Group) -> str:
    """A finding in words: how often, where in the object, what, and at which for example."""
    times = f"{group.times:,} x " if group.times > 1 else ""
    path = f"{group.path}: " if group.path else ""
    examples = f" (for example {', '.join(group.examples)})" if group.examples else ""
    return f"{times}{path}{group.text}{examples}"
