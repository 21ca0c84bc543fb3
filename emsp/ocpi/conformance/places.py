"""Roughly where countries are, to notice coordinates whose latitude and longitude were exchanged."""

from __future__ import annotations

from typing import Any

from emsp.ocpi.conformance.loose import number

BOXES = {
    "AUT": (46, 50, 9, 18),
    "BEL": (49, 52, 2, 7),
    "BGR": (41, 45, 22, 29),
    "CHE": (45, 48, 5, 11),
    "CZE": (48, 52, 12, 19),
    "DEU": (47, 56, 5, 16),
    "DNK": (54, 58, 8, 16),
    "ESP": (27, 44, -19, 5),
    "EST": (57, 60, 21, 29),
    "FIN": (59, 71, 19, 32),
    "FRA": (41, 52, -6, 10),
    "GBR": (49, 61, -9, 2),
    "GRC": (34, 42, 19, 30),
    "HRV": (42, 47, 13, 20),
    "HUN": (45, 49, 16, 23),
    "IRL": (51, 56, -11, -5),
    "ITA": (35, 48, 6, 19),
    "LTU": (53, 57, 20, 27),
    "LUX": (49, 51, 5, 7),
    "LVA": (55, 59, 20, 29),
    "NLD": (50, 54, 3, 8),
    "NOR": (57, 72, 4, 32),
    "POL": (48, 55, 14, 25),
    "PRT": (32, 43, -32, -6),
    "ROU": (43, 49, 20, 30),
    "SVK": (47, 50, 16, 23),
    "SVN": (45, 47, 13, 17),
    "SWE": (55, 70, 10, 25),
}
"""Least and greatest latitude, least and greatest longitude in whole degrees, generously, by ISO 3166-1 alpha-3."""
ALPHA_3 = {"BE": "BEL", "DE": "DEU", "NL": "NLD", "FR": "FRA", "AT": "AUT", "CH": "CHE", "GB": "GBR", "IT": "ITA"}
"""Codes that stand in the field where three letters are due."""


def are_swapped(country: Any, coordinates: Any) -> bool:
    """Whether a place is outside its country, and inside it with latitude and longitude exchanged."""
    box = BOXES.get(ALPHA_3.get(country, country)) if isinstance(country, str) else None
    if box is None or not isinstance(coordinates, dict):
        return False
    latitude, longitude = number(coordinates.get("latitude")), number(coordinates.get("longitude"))
    if latitude is None or longitude is None:
        return False
    return not _within(box, latitude, longitude) and _within(box, longitude, latitude)


def _within(box: tuple[int, int, int, int], latitude: Any, longitude: Any) -> bool:
    south, north, west, east = box
    return bool(south <= latitude <= north and west <= longitude <= east)
