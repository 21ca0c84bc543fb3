"""Stripe's form encoding: `card[number]=…`, `expand[]=…`, `expand[0]=…`, read by name and type."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from emsp.sandbox.cards.errors import BadParameter

Fields = dict[str, Any]
DIGITS_MAX = 15


def nest(pairs: Iterable[tuple[str, str]]) -> Fields:
    """Turn bracketed names into nested dictionaries; list items get their position as key."""
    root: Fields = {}
    for name, value in pairs:
        *parents, last = name.replace("]", "").split("[")
        node = root
        for key in parents:
            node = node.setdefault(key, {})
            if not isinstance(node, dict):
                raise BadParameter(f"Invalid hash: {name}", param=key, code="parameter_invalid_hash")
        node[last or str(len(node))] = value
    return root


class Params:
    """The parameters of one request; every getter refuses a wrong type by the parameter's own name."""

    def __init__(self, fields: Fields, prefix: str = "") -> None:
        self.fields = fields
        self._prefix = prefix

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def only(self, *names: str) -> None:
        """Refuse parameters outside `names`: silently ignoring one would hide what it asks for."""
        for name in self.fields:
            if name not in (*names, "expand", "client_secret"):
                raise BadParameter(
                    f"Received unknown parameter: {self._full(name)} (this sandbox does not know it)",
                    param=self._full(name),
                    code="parameter_unknown",
                )

    def text(self, name: str) -> str | None:
        """The text under `name`; an empty one counts as unset, as at Stripe."""
        value = self.fields.get(name)
        if isinstance(value, dict):
            raise self._bad(name, "Invalid string", "parameter_invalid_string")
        return value or None

    def required(self, name: str) -> str:
        """The text under `name`, or 400 `parameter_missing`."""
        value = self.text(name)
        if value is None:
            raise self._bad(name, "Missing required param", "parameter_missing")
        return value

    def integer(self, name: str) -> int | None:
        """A whole number of at least 0 and at most 15 digits."""
        value = self.text(name)
        if value is None:
            return None
        if not (value.isascii() and value.isdigit() and len(value) <= DIGITS_MAX):
            raise self._bad(name, "Invalid integer", "parameter_invalid_integer")
        return int(value)

    def flag(self, name: str, default: bool = False) -> bool:
        """`true` or `false`."""
        return self.choice(name, "true", "false", default="true" if default else "false") == "true"

    def choice(self, name: str, *allowed: str, default: str) -> str:
        """One of `allowed`."""
        value = self.text(name) or default
        if value not in allowed:
            raise self._bad(name, f"Invalid value: must be one of {', '.join(allowed)}", "parameter_invalid_enum")
        return value

    def child(self, name: str) -> Params:
        """The parameters nested under `name`; none of them when it is absent."""
        value = self.fields.get(name) or {}
        if not isinstance(value, dict):
            raise self._bad(name, "Invalid hash", "parameter_invalid_hash")
        return Params(value, self._full(name))

    def texts(self, name: str) -> list[str]:
        """The items of a list of texts."""
        items = list(self.child(name).fields.values())
        if not all(isinstance(item, str) for item in items):
            raise self._bad(name, "Invalid array of strings", "parameter_invalid_array")
        return items

    def merged_metadata(self, kept: dict[str, str]) -> dict[str, str]:
        """`metadata` laid over what is kept: an empty value removes its key, `metadata=` removes all."""
        if self.fields.get("metadata") == "":
            return {}
        given = self.child("metadata").fields
        if any(not isinstance(value, str) for value in given.values()):
            raise self._bad("metadata", "Metadata values must be strings", "parameter_invalid_hash")
        return {key: value for key, value in {**kept, **given}.items() if value != ""}

    def _full(self, name: str) -> str:
        return f"{self._prefix}[{name}]" if self._prefix else name

    def _bad(self, name: str, why: str, code: str) -> BadParameter:
        return BadParameter(f"{why}: {self._full(name)}.", param=self._full(name), code=code)
