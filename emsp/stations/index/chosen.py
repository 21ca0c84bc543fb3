"""Stations that were chosen, read column by column: in a third of the time that reading one after the other takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, overload

import msgspec
import numpy as np

from emsp.stations.index.boxes import Rows
from emsp.stations.index.columns import Segment
from emsp.stations.index.records import EvseTexts, StationRecord, StationTexts

_read_texts = msgspec.json.Decoder(list[StationTexts]).decode
_read_evse_texts = msgspec.json.Decoder(list[EvseTexts]).decode


class Chosen:
    """Some rows of a segment."""

    def __init__(self, segment: Segment, rows: Rows | Sequence[int]) -> None:
        self.segment, self.rows = segment, np.asarray(rows, dtype=np.int64)

    def column(self, name: str) -> list[Any]:
        """The values of a column."""
        values: list[Any] = getattr(self.segment, name).take(self.rows).tolist()
        return values

    def counts(self) -> list[list[int]]:
        """How many charge points are in each state of `codes.COUNTED`, for each of them."""
        values: list[list[int]] = self.segment.counts.take(self.rows, axis=0).tolist()
        return values

    def texts(self) -> list[StationTexts]:
        """What the heap holds of them."""
        return _read_texts(_listed(self.segment.at.heap, self.segment.heap_start, self.rows))

    def records(self) -> list[StationRecord]:
        """The stations as objects."""
        return list(
            map(
                StationRecord,
                repeat(self.segment),
                self.rows.tolist(),
                *map(self.column, ("id", "version", "longitude", "latitude")),
                self.texts(),
                self.counts(),
                self.segment.as_of[self.rows].view("m8[us]").tolist(),
            )
        )


def texts_of_evses(segment: Segment, evses: Rows | Sequence[int]) -> list[EvseTexts]:
    """What the heap holds of some charge points."""
    return _read_evse_texts(_listed(segment.at.evse_heap, segment.evse_heap_start, np.asarray(evses, dtype=np.int64)))


def _listed(heap: Any, start: Any, rows: Rows) -> bytes:
    """The JSON of some rows as one list."""
    bounds = zip(start.take(rows).tolist(), start.take(rows + 1).tolist(), strict=True)
    return b"[%b]" % b",".join([heap[first:end] for first, end in bounds])


class Records(Sequence[StationRecord]):
    """Stations of an index in the order of a page, which become objects when they are looked at."""

    def __init__(self, parts: Sequence[tuple[Sequence[int], Chosen]], ids: Sequence[int]) -> None:
        """By segment, with the places on the page; and the ids, in the order of the page."""
        self.parts, self.ids, self._size = parts, ids, len(ids)

    @staticmethod
    def at(places: Iterable[tuple[Segment, int]]) -> Records:
        """Of rows, in this order."""
        parts: dict[int, tuple[Segment, list[int], list[int]]] = {}
        ids: list[int] = []
        for place, (segment, row) in enumerate(places):
            _, theirs, rows = parts.setdefault(id(segment), (segment, [], []))
            theirs.append(place)
            rows.append(row)
            ids.append(segment.at.id[row])
        return Records([(theirs, Chosen(segment, rows)) for segment, theirs, rows in parts.values()], ids)

    @property
    def versions(self) -> list[int]:
        """Of what stands there now."""
        return self.column("version")

    def column(self, name: str) -> list[Any]:
        """The values of a column."""
        return self._of_all(lambda chosen: chosen.column(name))

    def counts(self) -> list[list[int]]:
        """How many charge points are in each state of `codes.COUNTED`, for each of them."""
        return self._of_all(Chosen.counts)

    def texts(self) -> list[StationTexts]:
        """What the heap holds of them."""
        return self._of_all(Chosen.texts)

    def among(self, places: Sequence[int]) -> list[tuple[Sequence[int], Chosen]]:
        """The parts with some places of the page only."""
        if len(places) == self._size:
            return list(self.parts)
        wanted, found = set(places), list[tuple[Sequence[int], Chosen]]()
        for theirs, chosen in self.parts:
            kept = [number for number, place in enumerate(theirs) if place in wanted]
            if kept:
                found.append(([theirs[number] for number in kept], Chosen(chosen.segment, chosen.rows[kept])))
        return found

    def read(self, places: Sequence[int]) -> list[StationRecord]:
        """Those at some places of the page."""
        found: dict[int, StationRecord] = {}
        for theirs, chosen in self.among(places):
            found.update(zip(theirs, chosen.records(), strict=True))
        return [found[place] for place in places]

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, number: int) -> StationRecord: ...
    @overload
    def __getitem__(self, number: slice) -> list[StationRecord]: ...
    def __getitem__(self, number: int | slice) -> StationRecord | list[StationRecord]:
        if isinstance(number, slice):
            return self.read(range(self._size)[number])
        return self.read([range(self._size)[number]])[0]

    def __iter__(self) -> Iterator[StationRecord]:
        return iter(self.read(range(self._size)))

    def _of_all(self, read: Callable[[Chosen], list[Any]]) -> list[Any]:
        if len(self.parts) == 1:
            return read(self.parts[0][1])
        found: list[Any] = [None] * self._size
        for places, chosen in self.parts:
            for place, value in zip(places, read(chosen), strict=True):
                found[place] = value
        return found
