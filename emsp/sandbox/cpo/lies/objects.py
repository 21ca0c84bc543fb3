"""How objects are bent on their way out: first what they mean (OCPI 2.2.1), then how they are spelled (the wire)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .catalogue import Lie, catalogued
from .telling import Place, told, told_at

if TYPE_CHECKING:
    from ..platform import Platform

OBJECTS = ("location", "evse", "connector", "tariff", "session", "cdr")


@dataclass(frozen=True, slots=True)
class Said:
    """An object, or a fragment of one, as it is about to be said."""

    kind: str
    body: Any
    pushed: bool
    """False when it was pulled."""
    seed: int
    born: datetime
    """When the platform first opened."""


Bend = Callable[[Said], Any]


@dataclass(frozen=True, slots=True)
class Bending:
    """A lie about objects of some kinds."""

    kinds: tuple[str, ...]
    bend: Bend


MEANINGS: dict[str, Bending] = {}
SPELLINGS: dict[str, Bending] = {}


def meaning(name: str, sentence: str, source: str, *kinds: str) -> Callable[[Bend], Bend]:
    """Declares a lie about what objects of these kinds (all unless named) mean."""
    return _declared(MEANINGS, name, sentence, source, kinds)


def spelling(name: str, sentence: str, source: str, *kinds: str) -> Callable[[Bend], Bend]:
    """Declares a lie about how objects of these kinds (all unless named) are spelled."""
    return _declared(SPELLINGS, name, sentence, source, kinds)


def _declared(
    table: dict[str, Bending], name: str, sentence: str, source: str, kinds: tuple[str, ...]
) -> Callable[[Bend], Bend]:
    def declare(bend: Bend) -> Bend:
        catalogued(Lie(name, sentence, source, "objects"))
        table[name] = Bending(kinds or OBJECTS, bend)
        return bend

    return declare


def distorts(platform: Platform, kind: str) -> bool:
    """Whether any lie that is told anywhere may touch objects of a kind."""
    names = told(platform).union(*platform.books.lies.values())
    return any(kind in table[name].kinds for table in (MEANINGS, SPELLINGS) for name in names if name in table)


def distort(platform: Platform, kind: str, body: Any, place: Place | None = None, pushed: bool = False) -> Any:
    """An OCPI 2.2.1 object with the lies about its meaning; the argument is left as it is."""
    return _bent(MEANINGS, platform, kind, body, place, pushed)


def misspell(platform: Platform, kind: str, body: Any, place: Place | None = None, pushed: bool = False) -> Any:
    """An object in the form of its connection's version with the lies about its spelling; the argument stays."""
    return _bent(SPELLINGS, platform, kind, body, place, pushed)


def _bent(
    table: dict[str, Bending], platform: Platform, kind: str, body: Any, place: Place | None, pushed: bool
) -> Any:
    if not distorts(platform, kind):
        return body
    at = place or _place(kind, body)
    said = Said(kind, body, pushed, platform.options.seed, platform.books.born)
    if kind == "location" and isinstance(body.get("evses"), list):
        said = replace(said, body=_own_lies(table, platform, said, at))
    return _apply(table, told(platform, at), said)


def _own_lies(table: dict[str, Bending], platform: Platform, said: Said, at: Place) -> dict[str, Any]:
    """A location whose EVSEs tell the lies that were asked of them alone."""
    evses = []
    for evse in said.body["evses"]:
        own = told_at(platform, (at[0], evse["uid"])) - told(platform, at)
        if "dropped-evses" not in own or table is not MEANINGS:
            evses.append(_apply(table, own, replace(said, kind="evse", body=evse)))
    return {**said.body, "evses": evses}


def _apply(table: dict[str, Bending], names: frozenset[str], said: Said) -> Any:
    for name, bending in table.items():
        if name in names and said.kind in bending.kinds:
            said = replace(said, body=bending.bend(said))
    return said.body


def _place(kind: str, body: dict[str, Any]) -> Place:
    """Where an object happens, as far as it tells: a location itself, or the place of a session or CDR."""
    if kind == "location":
        return (body.get("id"), None)
    place = body.get("cdr_location") or body.get("location") or {}
    location_id = body.get("location_id") or place.get("id")
    return (location_id, (body.get("evse_uid") or place.get("evse_uid")) if location_id else None)


def rebuilt(value: Any, change: Callable[[str, Any], Any], key: str = "") -> Any:
    """A copy of parsed JSON in which every leaf became `change(name of its field, leaf)`."""
    if isinstance(value, dict):
        return {name: rebuilt(member, change, name) for name, member in value.items()}
    if isinstance(value, list):
        return [rebuilt(item, change, key) for item in value]
    return change(key, value)
