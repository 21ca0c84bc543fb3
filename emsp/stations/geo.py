"""Places on the globe: boxes, distances, the grid that clusters are made of. WGS 84 degrees, metres."""

from __future__ import annotations

from math import asin, cos, degrees, isfinite, radians, sin, sqrt

import msgspec

from emsp.errors import Invalid

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the Earth (IUGG)."""
HALF_TURN_M = 20_038_000
"""Beyond every distance between two places."""
MERCATOR_LIMIT_DEG = 85.05
CELLS_PER_TILE = 4
MAX_ZOOM = 22
PER_M = 1000
"""Distances that are compared are whole millimetres: two machines may differ in the last digit of a sine."""


class Box(msgspec.Struct, frozen=True):
    """A box of degrees. `west` > `east` means that it crosses the antimeridian. Raises Invalid when it is none."""

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        check_degrees(self.west, 180, "box.west")
        check_degrees(self.east, 180, "box.east")
        check_degrees(self.south, 90, "box.south")
        check_degrees(self.north, 90, "box.north")
        if self.south > self.north:
            raise Invalid("lies north of the northern edge", "box.south")

    def parts(self) -> list[Box]:
        """One or two boxes with `west` <= `east` that cover the same ground."""
        if self.west <= self.east:
            return [self]
        return [Box(self.west, self.south, 180.0, self.north), Box(-180.0, self.south, self.east, self.north)]

    def holds(self, longitude: float, latitude: float) -> bool:
        """Whether a point is inside or on the edge."""
        return any(
            part.west <= longitude <= part.east and part.south <= latitude <= part.north for part in self.parts()
        )

    def middle(self) -> tuple[float, float]:
        """(longitude, latitude) of its middle."""
        east = self.east if self.west <= self.east else self.east + 360
        return _wrapped((self.west + east) / 2), (self.south + self.north) / 2


def check_degrees(value: float, limit: float, field: str) -> None:
    """Raises Invalid unless -limit <= value <= limit."""
    if not isfinite(value) or abs(value) > limit:
        raise Invalid(f"must be between -{limit} and {limit} degrees", field)


def haversine_m(longitude: float, latitude: float, other_longitude: float, other_latitude: float) -> float:
    """Great-circle distance in metres."""
    half_height = sin(radians(other_latitude - latitude) / 2)
    half_width = sin(radians(other_longitude - longitude) / 2)
    chord = half_height**2 + cos(radians(latitude)) * cos(radians(other_latitude)) * half_width**2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(chord)))


def around(longitude: float, latitude: float, radius_m: float) -> Box:
    """The smallest box, and a hair more, that holds everything within `radius_m` of a point."""
    angle = radius_m / EARTH_RADIUS_M
    height = degrees(angle) + 1e-9
    south, north = latitude - height, latitude + height
    if south <= -90 or north >= 90:
        return Box(-180.0, max(south, -90.0), 180.0, min(north, 90.0))
    width = degrees(asin(min(1.0, sin(angle) / cos(radians(latitude))))) + 1e-9
    if width >= 180:
        return Box(-180.0, south, 180.0, north)
    return Box(_wrapped(longitude - width), south, _wrapped(longitude + width), north)


def cell_degrees(zoom: int) -> float:
    """Width of a cluster cell in degrees of longitude: a quarter of a map tile. Raises Invalid for a bad zoom."""
    if not 0 <= zoom <= MAX_ZOOM:
        raise Invalid(f"must be between 0 and {MAX_ZOOM}", "zoom")
    return 360 / float(1 << zoom) / CELLS_PER_TILE


def _wrapped(longitude: float) -> float:
    return (longitude + 180) % 360 - 180 if abs(longitude) > 180 else longitude
