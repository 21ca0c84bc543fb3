"""The field tables and enums of the three versions, as facts: which class has which fields of which type.

A field is written as `CiString(36)`: the type, its length, and `?` for optional, `*` for a list, `+` for one with
at least one item; nothing for required.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

VERSIONS = ("2.3.0", "2.2.1", "2.1.1")
MODULES = {"tariffs": "Tariff", "locations": "Location", "sessions": "Session", "cdrs": "CDR"}
"""The modules whose lists an eMSP reads, and the class of their objects."""
_SPEC = re.compile(r"(\w+)(?:\((\d+)\))?([?*+]?)")


class Field(NamedTuple):
    """A field of a class. `length` is the most characters (digits of an int), None when there is no limit."""

    type: str
    length: int | None
    required: bool
    many: bool


class Enum(NamedTuple):
    """The values of an enum; an open one may be extended by anybody."""

    values: tuple[str, ...]
    open: bool


@cache
def _table(version: str) -> dict[str, Any]:
    name = f"tables_{version.replace('.', '_')}.json"
    loaded: dict[str, Any] = json.loads(resources.files(__package__).joinpath(name).read_text(encoding="utf-8"))
    return loaded


@cache
def fields(version: str, name: str) -> dict[str, Field]:
    """The fields of a class, in the order of its table. Raises KeyError for a class that the version does not have."""
    return {field: _field(text) for field, text in _table(version)["classes"][name].items()}


@cache
def enum(version: str, name: str) -> Enum:
    """The values of an enum. Raises KeyError for one that the version does not have."""
    table = _table(version)
    return Enum(tuple(table["enums"][name]), name in table["open"])


@cache
def classes(version: str) -> frozenset[str]:
    """The names of the classes of a version."""
    return frozenset(_table(version)["classes"])


@cache
def enums(version: str) -> frozenset[str]:
    """The names of the enums of a version."""
    return frozenset(_table(version)["enums"])


def _field(text: str) -> Field:
    found = _SPEC.fullmatch(text)
    assert found is not None, text
    kind, length, card = found.groups()
    return Field(kind, int(length) if length else None, card in ("", "+"), card in ("*", "+"))
