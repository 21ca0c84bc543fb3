"""Who is told to lie: everyone from the start, and at run time everyone, a location or an EVSE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..state import place_key
from .catalogue import CATALOGUE, check

if TYPE_CHECKING:
    from ..platform import Platform

Place = tuple[str | None, str | None]
"""A location and an EVSE of it; None for all."""
EVERYWHERE: Place = (None, None)
HONEST = {"start": "ok", "stop": "ok", "cdr": "ok", "pace": "ok"}


def told(platform: Platform, place: Place = EVERYWHERE) -> frozenset[str]:
    """The lies that are told at a place."""
    return frozenset(name for key in _scopes(place) for name in _at(platform, key))


def told_at(platform: Platform, place: Place) -> frozenset[str]:
    """The lies that were asked for at exactly this place."""
    return frozenset(_at(platform, place_key(*place)))


def tells(platform: Platform, name: str, place: Place = EVERYWHERE) -> bool:
    """Whether a lie is told at a place."""
    return name in told(platform, place)


def tell(platform: Platform, names: list[str], place: Place = EVERYWHERE) -> frozenset[str]:
    """Tells these lies, and no others, at a place from now on. Raises ValueError for names that are unknown there."""
    check(names)
    for name in names:
        if place != EVERYWHERE and CATALOGUE[name].about == "transport":
            raise ValueError(f"lie {name!r} is told by the whole platform or not at all")
    platform.books.lies[place_key(*place)] = list(names)
    platform.store.save()
    return told(platform, place)


def behaviour(platform: Platform, place: Place) -> dict[str, str]:
    """How a place was told to behave: its own orders over its location's over everyone's, orders over lies."""
    merged = dict(HONEST)
    for key in _scopes(place):
        for name in _at(platform, key):
            merged.update(CATALOGUE[name].orders)
        merged.update(platform.books.behaviours.get(key, {}))
    return merged


def _scopes(place: Place) -> list[str]:
    location_id, evse_uid = place
    return list(dict.fromkeys([place_key(), place_key(location_id), place_key(location_id, evse_uid)]))


def _at(platform: Platform, key: str) -> tuple[str, ...]:
    first = platform.options.lies if key == place_key() else ()
    return tuple(platform.books.lies.get(key, first))
