"""`expand[]`: ids in an answer replaced by the objects they name, as deep as asked."""

from __future__ import annotations

from emsp.sandbox.cards.errors import BadParameter
from emsp.sandbox.cards.state import Object, State, public


def expanded(state: State, answer: Object, paths: list[str]) -> Object:
    """The answer with every path such as `latest_charge` or `data.customer` filled in."""
    for path in paths:
        _fill(state, answer, path.split("."), path)
    return answer


def _fill(state: State, node: Object, keys: list[str], path: str) -> None:
    key, *deeper = keys
    value = node.get(key)
    if key == "data" and isinstance(value, list):
        for item in value:
            _fill(state, item, deeper, path)
        return
    if isinstance(value, str):
        value = node[key] = _object_behind(state, value, path)
    elif key not in node:
        raise BadParameter(f"This property cannot be expanded ({path}).", param="expand")
    if deeper and isinstance(value, dict):
        _fill(state, value, deeper, path)


def _object_behind(state: State, object_id: str, path: str) -> Object:
    found = state.get(object_id)
    if found is None:
        raise BadParameter(f"This property cannot be expanded ({path}).", param="expand")
    return public(found)
