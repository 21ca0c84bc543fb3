"""JSON that is kept: what is said of a station as long as its version is the same, for each selection on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from time import monotonic
from typing import Any, Generic, TypeVar, overload

import orjson

from emsp.graphql.execution.sheets import Sheets

T = TypeVar("T")
BYTES_MAX, OVERHEAD = 120_000_000, 250
"""Room for a hundred thousand stations on a map, with all their plugs."""
SECONDS_MAX = 600  # also for what a version does not tell, such as the new name of a party


class Rows(Sequence[T], Generic[T]):
    """Objects of which the ids and versions of their rows are known; they are made when they are looked at.

    What is kept of a row answers for its object, which then is not made at all; nor is it for what a sheet writes.
    """

    def __init__(
        self,
        ids: Sequence[int],
        versions: Sequence[int],
        made: Callable[[Sequence[int]], list[T]],
        sheets: Sheets | None = None,
    ) -> None:
        """`made` gives the objects at some places, `sheets` what can write what is said of them."""
        self.ids, self.versions, self.made, self.sheets = ids, versions, made, sheets

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


Entry = tuple[int | None, Any]
"""The version and the answer: a plain tuple, which the collector passes by."""
Half = defaultdict[int, dict[int, Entry]]
"""By selection and station."""
NOTHING: Entry = (None, None)


class Kept:
    """Answers by selection and station, the newest version only, in two halves: the newer one and the one before.

    When the newer one is full, or half as old as it may get, it takes the place of the older one, which is forgotten.
    """

    def __init__(self, bytes_max: int = BYTES_MAX, now: Callable[[], float] = monotonic) -> None:
        self._bytes_max, self._now = bytes_max, now
        self._newer, self._older = Half(dict), Half(dict)
        self._bytes, self._begun_at = 0, now()

    def get(self, selection: int, ids: Sequence[int], versions: Sequence[int]) -> list[Any]:
        """The answers that are kept for these versions of rows, None where there is none."""
        self._grow_older()
        older = map(self._older[selection].get, ids, repeat(NOTHING))
        entries = map(self._newer[selection].get, ids, older)
        return [entry[1] if entry[0] == version else None for entry, version in zip(entries, versions, strict=True)]

    def put(self, selection: int, id: int, version: int, answer: Any, size: int) -> None:
        """Keep an answer of so many bytes."""
        self._newer[selection][id] = version, answer
        self._bytes += size + OVERHEAD
        if self._bytes > self._bytes_max // 2:
            self._turn_over(self._now())

    def _grow_older(self) -> None:
        age_s = self._now() - self._begun_at
        if age_s > SECONDS_MAX:  # nobody asked for long
            self._turn_over(self._now())
            self._turn_over(self._now())
        elif age_s > SECONDS_MAX / 2:
            self._turn_over(self._begun_at + SECONDS_MAX / 2)

    def _turn_over(self, begun_at: float) -> None:
        self._older, self._newer = self._newer, Half(dict)
        self._bytes, self._begun_at = 0, begun_at


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
