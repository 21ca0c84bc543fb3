"""How columns of scalars and enum values are written: whole columns at once, each value as graphql-core writes it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, islice
from math import isfinite
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    is_leaf_type,
)

from emsp.graphql.execution.collect import NotCovered

Column = list[Any]
Writer = Callable[[Column], Column]
NONE = type(None)
INT_MIN, INT_MAX = -(2**31), 2**31 - 1


def writer(kind: GraphQLOutputType) -> Writer:
    """Writes a column of values of a type that has no fields; a value that cannot be written raises."""
    if isinstance(kind, GraphQLNonNull):
        return _never_null(writer(kind.of_type))
    if isinstance(kind, GraphQLList):
        return _lists(writer(kind.of_type))
    assert is_leaf_type(kind)
    return _leaf(kind)


def present(values: Column) -> Column:
    """The values, none of which is null. Raises NotCovered."""
    if NONE in set(map(type, values)):
        raise NotCovered("null where it must not be")
    return values


def flat(lists: Column) -> Column:
    """All items of a column of lists, some of which may be null. Raises NotCovered for anything but lists."""
    if not set(map(type, lists)) <= {list, NONE}:
        raise NotCovered("not a list")
    return list(chain.from_iterable(items for items in lists if items is not None))


def folded(items: Column, lists: Column) -> Column:
    """The items as they were before `flat` put them together."""
    rest = iter(items)
    return [None if was is None else list(islice(rest, len(was))) for was in lists]


def _never_null(write: Writer) -> Writer:
    return lambda values: write(present(values))


def _lists(write: Writer) -> Writer:
    return lambda lists: folded(write(flat(lists)), lists)


def _leaf(kind: GraphQLLeafType) -> Writer:
    def given(value: Any) -> Any:
        written = None if isinstance(value, Exception) else kind.coerce_output_value(value)
        if written is None:
            raise NotCovered(f"not a {kind}")
        return written

    if isinstance(kind, GraphQLEnumType):
        return _enum(kind, given)
    return PLAIN.get(kind.name, _others)(given)


def _enum(kind: Any, given: Callable[[Any], Any]) -> Writer:
    members = kind.wrapped_cls
    names = {member._name_: kind.coerce_output_value(member) for member in members if _is_shown(kind, member)}

    def write(values: Column) -> Column:
        return [
            None if value is None else names[value._name_] if type(value) is members else given(value)
            for value in values
        ]

    return write


def _is_shown(kind: Any, member: Any) -> bool:
    return any(value.value == member.value for value in kind.values.values())


def _texts(given: Callable[[Any], Any]) -> Writer:
    return _as_they_are(str, given)


def _booleans(given: Callable[[Any], Any]) -> Writer:
    return _as_they_are(bool, given)


def _as_they_are(kind: type, given: Callable[[Any], Any]) -> Writer:
    """Most values need no writing at all, and `set(map(type, …))` is the fastest look at all of them."""

    def write(values: Column) -> Column:
        if set(map(type, values)) <= {kind, NONE}:
            return values
        return [value if type(value) is kind or value is None else given(value) for value in values]

    return write


def _integers(given: Callable[[Any], Any]) -> Writer:
    def write(values: Column) -> Column:
        return [
            value if value is None or (type(value) is int and INT_MIN <= value <= INT_MAX) else given(value)
            for value in values
        ]

    return write


def _floats(given: Callable[[Any], Any]) -> Writer:
    def write(values: Column) -> Column:
        return [
            value if value is None or (type(value) is float and isfinite(value)) else given(value) for value in values
        ]

    return write


def _others(given: Callable[[Any], Any]) -> Writer:
    return lambda values: [None if value is None else given(value) for value in values]


PLAIN: dict[str, Callable[[Callable[[Any], Any]], Writer]] = {
    "String": _texts,
    "ID": _texts,
    "Boolean": _booleans,
    "Int": _integers,
    "Float": _floats,
}
