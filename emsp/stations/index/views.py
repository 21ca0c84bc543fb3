"""What a filter lets through of a segment, kept for the next who asks the same, and true while statuses change.

A view is a mask of the rows that pass. For clusters it has a pyramid as well: for every square of the map, down to
squares of a few dozen stations, what the passing stations in it come to.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from emsp.stations.asking import Filter
from emsp.stations.index import filters, hours
from emsp.stations.index.boxes import Mask, Rows
from emsp.stations.index.pyramid import Pyramid, Tree

if TYPE_CHECKING:
    from emsp.stations.index.columns import Segment

EVERYTHING = Filter()
USUAL = (EVERYTHING, Filter(available_now=True))
KEPT = 24
"""So many views of a segment are kept: those last asked for. Of 400,000 stations, each takes a megabyte or two."""


class View:
    """What one filter lets through, at a moment where it asks for one; made of what a part of it lets through."""

    def __init__(self, segment: Segment, wanted: Filter, at: datetime, part: Mask | None) -> None:
        self.segment, self.wanted, self.at = segment, wanted, at
        if part is None:
            self.mask: Mask = filters.passing(segment, wanted, at)
        else:
            self.mask = part & filters.passing_stations(segment, wanted, at)
        self._touched: list[Rows] = []
        self._rows: Rows | None = None
        self._pyramid: Pyramid | None = None

    def touched(self, rows: Rows) -> None:
        """These rows are not what they were."""
        self._touched.append(rows)

    def brought_up_to_date(self) -> View:
        """With all that was touched looked at again."""
        if self._touched:
            rows = np.unique(np.concatenate(self._touched))
            self._touched, self._rows = [], None
            self.mask[rows] = filters.passing(self.segment, self.wanted, self.at, rows)
            if self._pyramid:
                self._pyramid.renew(rows, self.mask)
        return self

    @property
    def rows(self) -> Rows:
        """The rows that pass, in order."""
        if self._rows is None:
            self._rows = np.flatnonzero(self.mask)
        return self._rows

    def pyramid(self, tree: Tree) -> Pyramid:
        """The same by squares of the map."""
        if self._pyramid is None:
            self._pyramid = Pyramid(tree, self.mask)
        return self._pyramid


class Views:
    """The views of one segment."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._views: OrderedDict[tuple[Filter, datetime | None], View] = OrderedDict()

    @cached_property
    def tree(self) -> Tree:
        """The squares of the map in which there are stations."""
        return Tree(self._segment)

    def at_hand(self, wanted: Filter, at: datetime) -> View | None:
        """The view of a filter, prices apart, where it was made already."""
        key = self._key(wanted, at)
        view = self._views.get(key)
        if view is None:
            return None
        self._views.move_to_end(key)
        return view.brought_up_to_date()

    def of(self, wanted: Filter, at: datetime) -> View:
        """The view of a filter, prices apart."""
        if (view := self.at_hand(wanted, at)) is not None:
            return view
        key = self._key(wanted, at)
        view = self._views[key] = self._made(*key, at)
        while len(self._views) > KEPT:
            self._views.popitem(last=False)
        return view.brought_up_to_date()

    def rows(self, wanted: Filter, at: datetime) -> Rows:
        """The rows that pass a filter, in order."""
        return self.of(wanted, at).rows

    def count(self, wanted: Filter, at: datetime) -> int:
        """How many rows pass a filter."""
        return len(self.of(wanted, at).rows)

    def _made(self, wanted: Filter, moment: datetime | None, at: datetime) -> View:
        part = filters.of_evses(wanted)
        if part in (wanted, EVERYTHING):
            return View(self._segment, wanted, moment or at, None)
        return View(self._segment, wanted, moment or at, self.of(part, at).mask)

    def touched(self, rows: Rows) -> None:
        """These rows are not what they were."""
        for view in self._views.values():
            view.touched(rows)

    def _key(self, wanted: Filter, at: datetime) -> tuple[Filter, datetime | None]:
        moment = hours.moment_of(self._segment, at) if wanted.open_now else None
        return without_price(wanted), moment


def without_price(wanted: Filter) -> Filter:
    """All that is asked but for the price, which depends on who asks."""
    return wanted if wanted.max_price_per_kwh is None else msgspec.structs.replace(wanted, max_price_per_kwh=None)


def of(segment: Segment) -> Views:
    """The views of a segment, which live as long as it does."""
    found: Views | None = segment.views
    if found is None:
        found = segment.views = Views(segment)
    return found


def prepare(segment: Segment, at: datetime) -> None:
    """Make the views that are asked for most: the first use of any other takes some dozens of milliseconds."""
    for wanted in USUAL if len(segment) else ():
        of(segment).of(wanted, at).pyramid(of(segment).tree)


def touched(segment: Segment, rows: Iterable[int] | Any) -> None:
    """Tell the views of a segment that statuses, counts or the life of these rows were changed in place."""
    if segment.views is not None:
        segment.views.touched(np.asarray(rows, dtype=np.int64))


def forget(segment: Segment) -> None:
    """Let go of a segment that is searched no more: its views hold it."""
    segment.views = None
