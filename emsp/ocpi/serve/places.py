"""A Location as a tree: EVSEs in it, connectors in them, each known by its own id; a change makes its parents newer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from emsp.ocpi import wire
from emsp.ocpi.keep.objects import Json, when


class Level(NamedTuple):
    """A list inside a Location and what its members are known by."""

    members: str
    own_id: str


LEVELS = (Level("evses", "uid"), Level("connectors", "id"))


def member(parent: Mapping[str, Any], level: Level, wanted: str) -> Json | None:
    """The child of that id, however it is written."""
    for child in members(parent, level):
        if wire.fold(str(child.get(level.own_id))) == wire.fold(wanted):
            return child
    return None


def members(parent: Mapping[str, Any], level: Level) -> list[Json]:
    """The children that are objects."""
    stated = parent.get(level.members)
    return [child for child in stated if isinstance(child, dict)] if isinstance(stated, list) else []


def with_child(parent: Json, below: Sequence[str], child: Json, levels: Sequence[Level] = LEVELS) -> Json:
    """The parent with the child at the end of the path in place, `last_updated` moved up to everything above it."""
    if not below:
        return child
    level = levels[0]
    own = member(parent, level, below[0]) or {level.own_id: below[0]}
    return with_member(parent, level, below[0], with_child(own, below[1:], child, levels[1:]))


def with_member(parent: Json, level: Level, own_id: str, child: Json) -> Json:
    """The parent with the child in place of the one of that id, or as one more."""
    others = members(parent, level)
    positions = [i for i, other in enumerate(others) if wire.fold(str(other.get(level.own_id))) == wire.fold(own_id)]
    if positions:
        others[positions[0]] = child
    else:
        others.append(child)
    return _as_new_as(child, {**parent, level.members: others})


def _as_new_as(child: Json, parent: Json) -> Json:
    newer, known = when(child), when(parent)
    if newer and (known is None or newer > known):
        return {**parent, "last_updated": child["last_updated"]}
    return parent
