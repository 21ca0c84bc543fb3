"""Sums and maxima over the squares of the map, each made of the four squares within it; the smallest, of rows.

A square without stations is left out. Sums are whole numbers, so that they come out alike in whatever order.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emsp.stations.index.boxes import Mask, Rows, expanded
from emsp.stations.index.morton import BITS, deinterleave

if TYPE_CHECKING:
    from emsp.stations.index.columns import Segment

ROWS_A_SQUARE, SQUARES = 32, 4096
"""The smallest squares have so many stations on average, or more; unless there are fewer squares than these."""
DEEPEST = 16
"""Squares of 600 metres; smaller ones are counted by their rows."""
AT_ONCE = 20_000
"""So many rows, or one square, are counted at a time."""
PER_DEGREE = 10**9
COUNTS = 6
SUMS = 4 + COUNTS
"""Stations, their ids, longitudes and latitudes (in billionths of a degree), and their EVSEs by status, and in all."""


class Figures(NamedTuple):
    """What some squares, or rows, come to."""

    sums: Any
    """i8 [squares, SUMS]"""
    maxima: Any
    """i8 [squares, 2]: the highest power in watts (-1: not known), the newest known status in microseconds."""


class Tree:
    """The squares of the map in which a segment has rows, by level."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.deepest = self._deepest()
        rows = len(segment.code)
        self.codes: list[Any] = [None] * (self.deepest + 1)
        self.places: list[tuple[Any, Any]] = []
        """The column and the row of each square at its level."""
        self.starts: list[Any] = [None] * (self.deepest + 1)
        """Of each square the first row at the deepest level, else the first square of the next level; and the end."""
        below, size = segment.code >> np.uint64(2 * (BITS - self.deepest)), rows
        for level in range(self.deepest, -1, -1):
            firsts = firsts_of(below)
            self.codes[level] = below[firsts]
            self.starts[level] = np.append(firsts, size)
            below, size = self.codes[level] >> np.uint64(2), len(firsts)
        for codes in self.codes:
            x, y = deinterleave(codes)
            self.places.append((x.astype(np.int64), y.astype(np.int64)))

    def rows_of(self, squares: Rows) -> Rows:
        """The rows of squares of the deepest level."""
        starts = self.starts[self.deepest]
        return expanded(starts[squares], starts[squares + 1])

    def _deepest(self) -> int:
        level, most = 0, max(len(self.segment.code) // ROWS_A_SQUARE, SQUARES)
        while level < DEEPEST and self._squares(level + 1) <= most:
            level += 1
        return level

    def _squares(self, level: int) -> int:
        codes = self.segment.code >> np.uint64(2 * (BITS - level))
        return int(np.count_nonzero(codes[1:] != codes[:-1])) + 1


class Pyramid:
    """The figures of every square of a tree, of the rows that pass a filter."""

    def __init__(self, tree: Tree, mask: Mask) -> None:
        self.tree = tree
        figures = _smallest(tree, mask)
        self.levels: list[Figures] = [figures]
        for level in range(tree.deepest - 1, -1, -1):
            figures = _reduced(figures, tree.starts[level][:-1])
            self.levels.insert(0, figures)

    def renew(self, rows: Rows, mask: Mask) -> None:
        """Count again the squares in which these rows are."""
        tree = self.tree
        squares = np.unique(np.searchsorted(tree.starts[tree.deepest], rows, "right") - 1)
        for level in range(tree.deepest, -1, -1):
            starts, ends = tree.starts[level][squares], tree.starts[level][squares + 1]
            below = expanded(starts, ends)
            if level == tree.deepest:
                parts = figures_of(tree.segment, below, mask[below])
            else:
                parts = Figures(*(part[below] for part in self.levels[level + 1]))
            firsts = np.cumsum(ends - starts) - (ends - starts)
            renewed = _reduced(parts, firsts)
            self.levels[level].sums[squares], self.levels[level].maxima[squares] = renewed
            if level:
                squares = np.unique(np.searchsorted(tree.starts[level - 1], squares, "right") - 1)


def _smallest(tree: Tree, mask: Mask) -> Figures:
    """The squares of the deepest level, some at a time: figures of all rows at once would take much memory."""
    starts = tree.starts[tree.deepest]
    bounds = np.unique(np.append(np.searchsorted(starts, np.arange(0, starts[-1], AT_ONCE)), len(starts) - 1))
    parts = [
        _reduced(figures_of(tree.segment, slice(starts[first], starts[end]), mask[starts[first] : starts[end]]), firsts)
        for first, end in pairwise(bounds.tolist())
        for firsts in [starts[first:end] - starts[first]]
    ]
    if not parts:
        return figures_of(tree.segment, slice(0))
    return Figures(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def figures_of(segment: Segment, rows: Any, mask: Mask | None = None) -> Figures:
    """What each row comes to: nothing where the mask is false."""
    counts = segment.counts[rows]
    sums = np.empty((len(counts), SUMS), dtype=np.int64)
    sums[:, 0], sums[:, 1] = 1, segment.id[rows]
    sums[:, 2] = np.rint(segment.longitude[rows] * PER_DEGREE)
    sums[:, 3] = np.rint(segment.latitude[rows] * PER_DEGREE)
    sums[:, 4:] = counts
    maxima = np.empty((len(counts), 2), dtype=np.int64)
    maxima[:, 0], maxima[:, 1] = segment.max_power_w[rows], segment.as_of[rows]
    if mask is not None:
        sums[~mask] = 0
        maxima[~mask] = (-1, NEVER)
    return Figures(sums, maxima)


NEVER = np.iinfo(np.int64).min
"""When no status was ever known."""


def gathered(codes: Any, figures: Figures) -> tuple[Any, Figures]:
    """Figures of the same square taken together: the squares, each once, and what each comes to."""
    order = np.argsort(codes, kind="stable")
    codes = codes[order]
    firsts = firsts_of(codes)
    return codes[firsts], _reduced(Figures(figures.sums[order], figures.maxima[order]), firsts)


def firsts_of(values: Any) -> Rows:
    """Where each run of equal values begins."""
    if not len(values):
        return np.empty(0, dtype=np.int64)
    return np.append(0, np.flatnonzero(values[1:] != values[:-1]) + 1)


def _reduced(figures: Figures, firsts: Rows) -> Figures:
    if not len(firsts):
        return Figures(figures.sums[:0], figures.maxima[:0])
    return Figures(np.add.reduceat(figures.sums, firsts, axis=0), np.maximum.reduceat(figures.maxima, firsts, axis=0))
