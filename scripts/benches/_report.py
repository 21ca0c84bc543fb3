"""What every bench shares: options, rounds that take turns, a table of medians and ranges, targets, JSON."""

from __future__ import annotations

import json
import platform
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import structlog

Values = list[float]
"""One figure for each round."""


class Target(NamedTuple):
    """What is promised of a ratio: `left` over `right`, at most or at least `limit`."""

    name: str
    ratios: Values
    limit: float
    at_most: bool
    times: str = "x"

    @property
    def ratio(self) -> float:
        """Over the rounds, the middle one."""
        return median(self.ratios)

    @property
    def holds(self) -> bool:
        """Whether it was kept."""
        return self.ratio <= self.limit if self.at_most else self.ratio >= self.limit


def options(about: str | None) -> ArgumentParser:
    """A parser with what every bench takes."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # the table alone goes to the output
    parser = ArgumentParser(description=about)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are ended, too
    parser.add_argument("--quick", action="store_true", help="a look at small data: its figures mean nothing")
    parser.add_argument("--rounds", type=int, default=3, help="how many rounds (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    return parser


class Report:
    """Figures by what was measured and by side, one for each round, and what was promised of them."""

    def __init__(self, title: str, chosen: Namespace) -> None:
        self.title, self.chosen = title, chosen
        self.units: dict[str, str] = {}
        self.figures: dict[str, dict[str, Values]] = {}
        self.targets: list[Target] = []
        self.missing: list[str] = []
        self.remarks: list[str] = []

    def add(self, row: str, side: str, value: float, unit: str) -> None:
        """One figure of one round."""
        self.units[row] = unit
        self.figures.setdefault(row, {}).setdefault(side, []).append(value)

    def remark(self, text: str) -> None:
        """A line below the table."""
        if text not in self.remarks:
            self.remarks.append(text)

    def miss(self, text: str) -> None:
        """Something that could not be measured, so that what is promised of it cannot hold."""
        if text not in self.missing:
            self.missing.append(text)

    def promise(
        self,
        name: str,
        over: tuple[str, str],
        under: tuple[str, Sequence[str]],
        *,
        at_most: float | None = None,
        at_least: float | None = None,
        better: str = "low",
    ) -> None:
        """A ratio of two figures (row, side), round by round; of several sides under it the best one of each round.

        Without a figure it is missing, and does not hold.
        """
        above = self.figures.get(over[0], {}).get(over[1])
        others = [self.figures.get(under[0], {}).get(side) for side in under[1]]
        below = [values for values in others if values]
        if not above or not below:
            self.miss(f"{name}: was not measured")
            return
        best = min if better == "low" else max
        ratios = [value / best(column) for value, *column in zip(above, *below, strict=False)]
        self.targets.append(
            Target(name, ratios, at_most if at_most is not None else at_least or 0, at_most is not None)
        )

    def within(self, row: str, side: str, limit: float) -> None:
        """A figure that must not be above a limit, in its own unit."""
        values = self.figures.get(row, {}).get(side)
        if values:
            self.targets.append(Target(f"{row} ({self.units[row]})", values, limit, True, ""))
        else:
            self.miss(f"{row}: was not measured")

    def finish(self) -> int:
        """Print the table, write the JSON; the exit status."""
        print(self.table())
        if self.chosen.json:
            self.chosen.json.write_text(json.dumps(self.data(), indent=2))
        return 0 if not self.missing and all(target.holds for target in self.targets) else 1

    def table(self) -> str:
        """For people; it is Markdown, too."""
        sides = list(dict.fromkeys(side for row in self.figures.values() for side in row))
        lines = [["", "unit", *sides]]
        for name, row in self.figures.items():
            lines.append([name, self.units[name], *(_told(row.get(side)) for side in sides)])
        parts = [f"{self.title}\n{machine()}\n", _columns(lines)]
        if self.targets:
            rows = [[each.name, _told(each.ratios) + each.times, _limit(each), _verdict(each)] for each in self.targets]
            parts.append("\n" + _columns([["target", "measured", "wanted", ""], *rows]))
        parts += [f"\nmissing: {text}" for text in self.missing] + [f"\n{text}" for text in self.remarks]
        if self.chosen.quick:
            parts.append("\nThis was --quick: a look, no measurement.")
        return "\n".join(parts)

    def data(self) -> dict[str, Any]:
        """For programs."""
        return {
            "bench": self.title,
            "machine": machine(),
            "quick": self.chosen.quick,
            "figures": {
                name: {"unit": self.units[name], "rounds": {side: list(values) for side, values in row.items()}}
                for name, row in self.figures.items()
            },
            "targets": [
                {"name": t.name, "ratios": t.ratios, "median": t.ratio, "wanted": _limit(t), "holds": t.holds}
                for t in self.targets
            ],
            "missing": self.missing,
            "remarks": self.remarks,
        }


def machine() -> str:
    """Where this was measured."""
    import psutil

    memory = psutil.virtual_memory().total / 2**30
    return f"{psutil.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, {platform.system()}"


def quantile(values: Sequence[float], share: float) -> float:
    """The value that a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def tell(text: str) -> None:
    """Progress, for whoever waits."""
    print(text, file=sys.stderr, flush=True)


def _told(values: Values | None) -> str:
    if not values:
        return "-"
    low, middle, high = min(values), median(values), max(values)
    return _figure(middle) if len(values) == 1 else f"{_figure(middle)} [{_figure(low)}-{_figure(high)}]"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.3g}"


def _limit(target: Target) -> str:
    return f"{'at most' if target.at_most else 'at least'} {target.limit:g}{target.times}"


def _verdict(target: Target) -> str:
    return "holds" if target.holds else "MISSED"


def _columns(rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def _padded(cell: str, width: int) -> str:
    return cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width)
