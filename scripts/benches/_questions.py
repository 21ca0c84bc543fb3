"""What the benches ask of a map: places where drivers are, with filters that they set, the same at every run."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import psycopg

Row = tuple[float, float, float, float]
CONTINENT: Row = (-11.0, 35.0, 25.0, 62.0)
COUNTRIES: tuple[Row, ...] = (
    (3.3, 50.7, 7.2, 53.6),
    (5.9, 47.3, 15.0, 55.0),
    (-5.0, 42.3, 8.2, 51.1),
    (-8.0, 49.9, 1.8, 58.7),
    (6.6, 43.5, 18.5, 47.1),
)
CONTINENT_ZOOM, COUNTRY_ZOOM = 4, 6
STREET_WIDTH_DEG, STREET_HEIGHT_DEG = 0.035, 0.02


class Wanted(NamedTuple):
    """A filter: free now, a plug of this standard with this power, of one of these operators (ids)."""

    standard: str
    power_w: int
    operators: tuple[int, ...]


class Questions(NamedTuple):
    """One round's worth of them."""

    streets: list[Row]
    nearest: list[tuple[float, float, Wanted]]
    countries: list[Row]
    continents: list[Row]
    texts: list[list[str]]


FAST = "IEC_62196_T2_COMBO"
FILTERS = [
    Wanted(FAST, power_w, tuple(range(first, first + 6)))
    for power_w in (50_000, 150_000, 300_000)
    for first in (1, 4, 8)
]
CLUSTER_FILTER = Wanted(FAST, 150_000, ())


def questions(url: str, seed: int, *, quick: bool) -> Questions:
    """Drawn where stations are, so that a town is asked about as often as it is large."""
    dice = random.Random(seed)
    streets, nearest, few = (40, 20, 2) if quick else (300, 150, 6)
    places = _places(url, dice, streets + nearest)
    return Questions(
        streets=[viewport(dice, *place) for place in places[:streets]],
        nearest=[(_near(dice, at[0]), _near(dice, at[1]), dice.choice(FILTERS)) for at in places[streets:]],
        countries=[_moved(dice, COUNTRIES[i % len(COUNTRIES)]) for i in range(few)],
        continents=[_moved(dice, CONTINENT) for _ in range(few)],
        texts=_typed(url, dice, streets // 4),
    )


def viewport(dice: random.Random, longitude: float, latitude: float) -> Row:
    """A screen's worth of streets around a place."""
    west = _near(dice, longitude) - STREET_WIDTH_DEG / 2
    south = _near(dice, latitude) - STREET_HEIGHT_DEG / 2
    box = (west, south, west + STREET_WIDTH_DEG, south + STREET_HEIGHT_DEG)
    return tuple(round(side, 6) for side in box)  # type: ignore[return-value]


def viewports(url: str, seed: int, count: int) -> list[Row]:
    """So many of them."""
    dice = random.Random(seed)
    return [viewport(dice, *place) for place in _places(url, dice, count)]


def middle(box: Row) -> tuple[float, float]:
    """Its middle: longitude, latitude."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _places(url: str, dice: random.Random, count: int) -> list[tuple[float, float]]:
    with psycopg.connect(url) as connection:
        most = connection.execute("SELECT max(id) FROM station").fetchone()
        ids = [dice.randint(1, most[0] if most else 1) for _ in range(count)]
        rows = connection.execute("SELECT id, longitude, latitude FROM station WHERE id = ANY(%s)", [ids]).fetchall()
    at = {row[0]: (row[1], row[2]) for row in rows}
    return [at[id_] for id_ in ids]


def _near(dice: random.Random, degrees: float) -> float:
    return degrees + dice.gauss(0, 0.004)


def _moved(dice: random.Random, box: Row) -> Row:
    east, north = dice.uniform(-0.5, 0.5), dice.uniform(-0.3, 0.3)
    return (box[0] + east, box[1] + north, box[2] + east, box[3] + north)


def _typed(url: str, dice: random.Random, count: int) -> list[list[str]]:
    """Towns with a street of theirs, half typed: of stations that are there, as nobody else forgives a slip."""
    with psycopg.connect(url) as connection:
        most = connection.execute("SELECT max(id) FROM station").fetchone()
        ids = [dice.randint(1, most[0] if most else 1) for _ in range(count)]
        rows = connection.execute("SELECT id, city, street FROM station WHERE id = ANY(%s)", [ids]).fetchall()
    words = {id_: (city.lower(), street.split()[0].lower()) for id_, city, street in rows}
    return [[words[id_][0], words[id_][1][: dice.randint(3, 12)]] for id_ in ids]


def rows_of(stations: list[Any]) -> list[int]:
    """Ids, which every side has first."""
    return [row[0] for row in stations]
