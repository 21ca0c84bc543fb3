"""JSON that is kept: what is said of a station as long as its version is the same, for each selection on it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import orjson

BYTES_MAX, OVERHEAD = 24_000_000, 400
SECONDS_MAX = 60  # also for what a version does not tell, such as the new name of an operator
Key = tuple[int, int]  # the selection, the station
Values = tuple[Any, ...]


class Kept:
    """Values of fields by selection and station, the newest version only; those used least lately are forgotten."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max, self._bytes = bytes_max, 0
        self._found = OrderedDict[Key, tuple[int, float, int, Values]]()

    def get(self, key: Key, version: int, now: float) -> Values | None:
        """The values, when they are kept for this version. `now` is by the monotonic clock."""
        found = self._found.get(key)
        if found is None or found[0] != version or found[1] < now:
            return None
        self._found.move_to_end(key)
        return found[3]

    def put(self, key: Key, version: int, now: float, answers: Values) -> Values:
        """The values to answer with, kept from now on: what has parts is JSON."""
        values, size = [], OVERHEAD
        for answer in answers:
            if isinstance(answer, dict | list):
                text = orjson.dumps(answer)
                values.append(orjson.Fragment(text))
                size += len(text)
            else:
                values.append(answer)
        self._keep(key, (version, now + SECONDS_MAX, size, tuple(values)))
        return tuple(values)

    def _keep(self, key: Key, entry: tuple[int, float, int, Values]) -> None:
        before = self._found.pop(key, None)
        self._found[key] = entry
        self._bytes += entry[2] - (before[2] if before else 0)
        while self._bytes > self._bytes_max:
            self._bytes -= self._found.popitem(last=False)[1][2]
