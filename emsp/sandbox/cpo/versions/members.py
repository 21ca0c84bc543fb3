"""Small tools on JSON objects: members renamed, dropped and changed, only where they are and what they should be."""

from collections.abc import Callable, Mapping
from typing import Any

Change = Callable[[Any], Any]


def renamed(body: Any, names: Mapping[str, str | None]) -> Any:
    """The object with members renamed; a name of None drops the member. What is no object stays."""
    if not isinstance(body, dict):
        return body
    return {new: value for name, value in body.items() if (new := names.get(name, name)) is not None}


def changed(body: Any, changes: Mapping[str, Change]) -> Any:
    """The object with the values of some members changed, those that are there. What is no object stays."""
    if not isinstance(body, dict):
        return body
    return {name: changes[name](value) if name in changes else value for name, value in body.items()}


def each(change: Callable[[dict[str, Any]], Any]) -> Change:
    """A change of every object in a list; what is no list of objects stays."""

    def change_all(listed: Any) -> Any:
        if not isinstance(listed, list):
            return listed
        return [change(item) if isinstance(item, dict) else item for item in listed]

    return change_all


def only(known: frozenset[str]) -> Change:
    """A change of a list that keeps the values which are known."""

    def keep_known(listed: Any) -> Any:
        return [value for value in listed if value in known] if isinstance(listed, list) else listed

    return keep_known
