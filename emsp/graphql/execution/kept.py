"""JSON that is kept: what is said of a station as long as its version is the same, for each selection on it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from time import monotonic
from typing import Any, Generic, TypeVar, overload

import orjson

T = TypeVar("T")
BYTES_MAX, OVERHEAD = 160_000_000, 350
"""Room for a hundred thousand stations on a map, with all their plugs."""
SECONDS_MAX = 600  # also for what a version does not tell, such as the new name of a party
Key = tuple[int, int]  # the selection, the station


class Rows(Sequence[T], Generic[T]):
    """Objects of which the ids and versions of their rows are known; they are made when they are looked at.

    What is kept of a row answers for its object, which then is not made at all.
    """

    def __init__(self, ids: Sequence[int], versions: Sequence[int], made: Callable[[Sequence[int]], list[T]]) -> None:
        """`made` gives the objects at some places."""
        self.ids, self.versions, self.made = ids, versions, made

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> list[T]: ...
    def __getitem__(self, place: int | slice) -> T | list[T]:
        if isinstance(place, slice):
            return self.made(range(*place.indices(len(self))))
        return self.made([range(len(self))[place]])[0]

    def __iter__(self) -> Iterator[T]:
        return iter(self.made(range(len(self))))


Entry = tuple[int, Any, int, float]
"""The version, the answer, its size in bytes, and when it was made: a plain tuple, which the collector passes by."""


class Kept:
    """Answers by selection and station, the newest version only; those made first are forgotten first."""

    def __init__(self, bytes_max: int = BYTES_MAX, now: Callable[[], float] = monotonic) -> None:
        self._bytes_max, self._now, self._bytes = bytes_max, now, 0
        self._entries = OrderedDict[Key, Entry]()

    def get(self, selection: int, ids: Sequence[int], versions: Sequence[int]) -> list[Any]:
        """The answers that are kept for these versions of rows, None where there is none."""
        self._forget(self._now() - SECONDS_MAX)
        entries = map(self._entries.get, zip(repeat(selection), ids, strict=False))
        return [
            entry[1] if entry is not None and entry[0] == version else None
            for entry, version in zip(entries, versions, strict=True)
        ]

    def put(self, key: Key, version: int, answer: Any, size: int) -> None:
        """Keep an answer of so many bytes."""
        before = self._entries.pop(key, None)
        self._entries[key] = version, answer, size + OVERHEAD, self._now()
        self._bytes += size + OVERHEAD - (before[2] if before else 0)
        while self._bytes > self._bytes_max:
            self._forget_first()

    def _forget(self, made_before: float) -> None:
        while self._entries and next(iter(self._entries.values()))[3] < made_before:
            self._forget_first()

    def _forget_first(self) -> None:
        self._bytes -= self._entries.popitem(last=False)[1][2]


def as_json(values: Sequence[Any]) -> tuple[tuple[Any, ...], int]:
    """Values of fields, those with parts as JSON, and how many bytes that has."""
    size, written = 0, []
    for value in values:
        if isinstance(value, dict | list):
            text = orjson.dumps(value)
            size += len(text)
            value = orjson.Fragment(text)
        written.append(value)
    return tuple(written), size
