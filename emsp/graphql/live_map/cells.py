"""Whose box holds a place: a grid with a level for every size of box, so that a box lies in at most four cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import floor, log2
from typing import Generic, TypeVar

from emsp.stations.geo import Box

Watcher = TypeVar("Watcher")
Cell = tuple[int, int, int]
"""A level, which halves the width of its cells with each step from 360 degrees on, a column and a row."""
Part = tuple[Watcher, float, float, float, float]
"""A watcher with the western, southern, eastern and northern edge of one part of its box."""

FINEST = 20


class Cells(Generic[Watcher]):
    """Watchers by the cells that their boxes touch."""

    def __init__(self) -> None:
        self._parts: dict[Cell, set[Part[Watcher]]] = {}
        self._levels: Counter[int] = Counter()

    def add(self, watcher: Watcher, box: Box) -> None:
        """From here on `watcher` is found by the places in `box`."""
        for part in box.parts():
            for cell in _touched(part):
                self._parts.setdefault(cell, set()).add((watcher, part.west, part.south, part.east, part.north))
                self._levels[cell[0]] += 1

    def remove(self, watcher: Watcher, box: Box) -> None:
        """Undo `add` of the same two."""
        for part in box.parts():
            for cell in _touched(part):
                found = self._parts[cell]
                found.remove((watcher, part.west, part.south, part.east, part.north))
                self._levels[cell[0]] -= 1
                if not found:
                    del self._parts[cell]

    def holding(self, longitude: float, latitude: float) -> list[Watcher]:
        """The watchers whose box has this place in it or on its edge, each once."""
        return [
            watcher
            for level, boxes in self._levels.items()
            if boxes
            for watcher, west, south, east, north in self._parts.get(_cell(level, longitude, latitude), ())
            if west <= longitude <= east and south <= latitude <= north
        ]


def _touched(part: Box) -> Iterator[Cell]:
    widest = max(part.east - part.west, part.north - part.south, 360 / 2**FINEST)
    level = floor(log2(360 / widest))
    _, west, south = _cell(level, part.west, part.south)
    _, east, north = _cell(level, part.east, part.north)
    return ((level, x, y) for x in range(west, east + 1) for y in range(south, north + 1))


def _cell(level: int, longitude: float, latitude: float) -> Cell:
    cells_per_degree = 2**level / 360
    return level, int((longitude + 180) * cells_per_degree), int((latitude + 90) * cells_per_degree)
