"""A route over the map as legs, each flat enough to measure in metres, with how far along the route it begins.

Every figure that a station is measured against is made here, once; what is left is adding, multiplying and a square
root, which come out alike wherever they are computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from math import ceil, cos, floor, radians, sqrt

import msgspec

from emsp.stations.geo import EARTH_RADIUS_M, Box, around, haversine_m

M_PER_DEG = radians(1) * EARTH_RADIUS_M
LEG_MAX_M = 20_000
"""A leg is measured on a plane; over this length the plane and the globe differ by a few metres."""
STRAIGHTENED = 50
"""A path is straightened by at most its corridor divided by this."""
LEGS_A_BOX = 16

Point = tuple[float, float]
"""Longitude and latitude."""


class Leg(msgspec.Struct, frozen=True, array_like=True):
    """From a point, so many metres east and north; `narrowing` is a degree of longitude in degrees of latitude."""

    longitude: float
    latitude: float
    narrowing: float
    east_m: float
    north_m: float
    square_m2: float
    begins_m: float
    length_m: float
    """Along the path as it was given, of which this leg is a straightened part."""


@lru_cache(maxsize=64)
def pieces(path: tuple[Point, ...], corridor_m: float) -> list[tuple[Box, list[Leg]]]:
    """The path in legs, in boxes that hold all that is within the corridor of theirs."""
    route = legs(path, corridor_m)
    parts = [route[start : start + LEGS_A_BOX] for start in range(0, len(route), LEGS_A_BOX)]
    return [(_box(part, corridor_m), part) for part in parts]


def legs(path: Sequence[Point], corridor_m: float) -> list[Leg]:
    """The path in legs. One point is a leg of no length."""
    reached = list(_reached(path))
    kept = _straightened(path, reached, corridor_m / STRAIGHTENED)
    made = [leg for begin, end in pairwise(kept) for leg in _legs(path, reached, begin, end)]
    return made or [_leg(path[0], path[0], 0.0, 0.0)]


def turned(degrees: float) -> float:
    """Degrees of longitude from one place to another, the short way round."""
    return degrees - 360 * floor((degrees + 180) / 360)


def _reached(path: Sequence[Point]) -> Iterator[float]:
    """How far along the path each of its points is."""
    reached_m = 0.0
    for number, point in enumerate(path):
        reached_m += haversine_m(*path[number - 1], *point) if number else 0.0
        yield reached_m


def _straightened(path: Sequence[Point], reached: Sequence[float], most_m: float) -> list[int]:
    """The numbers of the points that are needed to stay within `most_m` of the path (Douglas and Peucker)."""
    kept, waiting = {0, len(path) - 1}, [(0, len(path) - 1)]
    while waiting:
        begin, end = waiting.pop()
        if end - begin < 2:
            continue
        leg = _leg(path[begin], path[end], 0.0, 0.0)
        far, number = max((off_m(leg, *path[between]), between) for between in range(begin + 1, end))
        if far > most_m or reached[end] - reached[begin] > LEG_MAX_M:
            kept.add(number)
            waiting += [(begin, number), (number, end)]
    return sorted(kept)


def _legs(path: Sequence[Point], reached: Sequence[float], begin: int, end: int) -> Iterator[Leg]:
    """From one point to another, in as many equal parts as it takes."""
    length_m = reached[end] - reached[begin]
    parts = max(1, ceil(length_m / LEG_MAX_M))
    (longitude, latitude), east, north = (
        path[begin],
        turned(path[end][0] - path[begin][0]),
        path[end][1] - path[begin][1],
    )
    points = [(turned(longitude + east * part / parts), latitude + north * part / parts) for part in range(parts)] + [
        path[end]
    ]
    for part in range(parts):
        yield _leg(points[part], points[part + 1], reached[begin] + length_m * part / parts, length_m / parts)


def _leg(begin: Point, end: Point, begins_m: float, length_m: float) -> Leg:
    narrowing = cos(radians((begin[1] + end[1]) / 2))
    east_m = turned(end[0] - begin[0]) * narrowing * M_PER_DEG
    north_m = (end[1] - begin[1]) * M_PER_DEG
    square_m2 = east_m * east_m + north_m * north_m or 1.0
    return Leg(begin[0], begin[1], narrowing, east_m, north_m, square_m2, begins_m, length_m)


def off_m(leg: Leg, longitude: float, latitude: float) -> float:
    """How far a place is off a leg."""
    east_m = turned(longitude - leg.longitude) * leg.narrowing * M_PER_DEG
    north_m = (latitude - leg.latitude) * M_PER_DEG
    share = min(1.0, max(0.0, (east_m * leg.east_m + north_m * leg.north_m) / leg.square_m2))
    east_m, north_m = east_m - share * leg.east_m, north_m - share * leg.north_m
    return sqrt(east_m * east_m + north_m * north_m)


def _box(piece: Sequence[Leg], corridor_m: float) -> Box:
    """Around the middle of the piece, wide enough for each of its ends and the corridor."""
    ends = [point for leg in piece for point in (_begin(leg), _end(leg))]
    middle = ends[len(ends) // 2]
    radius_m = max(haversine_m(*middle, *point) for point in ends)
    return around(*middle, (radius_m + corridor_m) * 1.01 + 1)


def _begin(leg: Leg) -> Point:
    return leg.longitude, leg.latitude


def _end(leg: Leg) -> Point:
    east = leg.east_m / (leg.narrowing * M_PER_DEG) if leg.narrowing else 0.0
    latitude = min(90.0, max(-90.0, leg.latitude + leg.north_m / M_PER_DEG))
    return turned(leg.longitude + east), latitude
