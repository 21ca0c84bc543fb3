"""Variables and arguments as graphql-core reads them, by readers that are made once for a document.

What is wrong or unusual raises: graphql-core then runs the document, and says what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLString,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    is_leaf_type,
    is_required_input_field,
    visit,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal

from emsp.graphql.execution.collect import NotCovered

Read = Callable[[Any], Any]
PLAIN: dict[Any, type] = {GraphQLFloat: float, GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}
REQUIRED = object()


class Variables:
    """The variables that an operation declares."""

    def __init__(self, schema: Any, nodes: Sequence[VariableDefinitionNode]) -> None:
        """Raises NotCovered."""
        self._all = [self._one(schema, node) for node in nodes]

    def values(self, given: Mapping[str, Any]) -> VariableValues:
        """What an app sent, as resolvers are to be given it; `sources` are left out. Raises for what is wrong."""
        found: dict[str, Any] = {}
        for name, read, missing in self._all:
            put(found, name, read, missing, given.get(name, Undefined))
        return VariableValues({}, found)

    @staticmethod
    def _one(schema: Any, node: VariableDefinitionNode) -> tuple[str, Read, Any]:
        signature = get_variable_signature(schema, node)
        if isinstance(signature, GraphQLError):
            raise NotCovered("a variable that cannot be")
        is_needed = isinstance(signature.type, GraphQLNonNull) and not node.default_value
        return signature.name, of_value(signature.type), REQUIRED if is_needed else coerce_default_value(signature)


def of_value(kind: GraphQLInputType, within: tuple[Any, ...] = ()) -> Read:
    """Reads values of a type, as they come in JSON. Raises NotCovered for a type that holds itself."""
    if isinstance(kind, GraphQLNonNull):
        return _never_null(of_value(kind.of_type, within))
    if isinstance(kind, GraphQLList):
        return _items(of_value(kind.of_type, within))
    if isinstance(kind, GraphQLInputObjectType):
        return _fields(kind, within)
    return _leaf(kind)


def of_literal(kind: GraphQLInputType, node: ValueNode) -> Read:
    """Reads, from the values of variables, what a document says with them. A variable without value is Undefined."""
    if isinstance(node, VariableNode):
        name, is_needed = node.name.value, isinstance(kind, GraphQLNonNull)
        return lambda given: _present(given.get(name)) if is_needed else given.get(name, Undefined)
    if not _has_variables(node):
        value = _defined(coerce_input_literal(node, kind))
        return lambda given: value
    inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(inner, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
        return _written_fields(inner, node)
    if isinstance(inner, GraphQLList) and isinstance(node, ListValueNode):
        items = [of_literal(inner.of_type, item) for item in node.values]
        return lambda given: [None if (value := read(given)) is Undefined else value for read in items]
    raise NotCovered("variables in a scalar, or in place of a list")


def _written_fields(kind: GraphQLInputObjectType, node: ObjectValueNode) -> Read:
    written = {each.name.value: each.value for each in node.fields}
    reads = [
        (each.out_name or name, of_literal(each.type, written[name]) if name in written else _nothing, otherwise(each))
        for name, each in kind.fields.items()
    ]

    def read(given: Any) -> Any:
        found: dict[str, Any] = {}
        for to, read_field, missing in reads:
            put(found, to, _as_it_is, missing, read_field(given))
        return _made(kind, found, len(written))

    return read


def _fields(kind: GraphQLInputObjectType, within: tuple[Any, ...]) -> Read:
    if kind in within:
        raise NotCovered("an input that holds itself")
    reads = [
        (name, each.out_name or name, of_value(each.type, (*within, kind)), otherwise(each))
        for name, each in kind.fields.items()
    ]
    names = kind.fields.keys()

    def read(value: Any) -> Any:
        if value is None:
            return None
        if type(value) is not dict or not value.keys() <= names:
            raise NotCovered("not the fields of an input")
        found: dict[str, Any] = {}
        for name, to, read_field, missing in reads:
            put(found, to, read_field, missing, value.get(name, Undefined))
        return _made(kind, found, len(value))

    return read


def _made(kind: GraphQLInputObjectType, found: dict[str, Any], given: int) -> Any:
    if kind.is_one_of and (given != 1 or len(found) != 1 or None in found.values()):
        raise NotCovered("not exactly one")
    return kind.out_type(found)


def put(found: dict[str, Any], to: str, read: Read, missing: Any, value: Any) -> None:
    """Read a value, or take what stands for one that is missing."""
    if value is not Undefined:
        found[to] = read(value)
    elif missing is REQUIRED:
        raise NotCovered("nothing where something must be")
    elif missing is not Undefined:
        found[to] = missing


def otherwise(declared: Any) -> Any:
    """What stands for an argument or a field of an input that is missing."""
    return REQUIRED if is_required_input_field(declared) else coerce_default_value(declared)


def _never_null(read: Read) -> Read:
    return lambda value: read(_present(value))


def _items(read: Read) -> Read:
    def items(value: Any) -> Any:
        if value is not None and type(value) is not list:
            raise NotCovered("one value in place of a list")
        return None if value is None else list(map(read, value))

    return items


def _leaf(kind: Any) -> Read:
    assert is_leaf_type(kind)
    plain = PLAIN.get(kind)

    def read(value: Any) -> Any:
        is_plain = type(value) is plain
        if value is None or (is_plain and (plain is not float or isfinite(value))):
            return value
        return _defined(kind.coerce_input_value(value))

    return read


def _present(value: Any) -> Any:
    if value is None:
        raise NotCovered("null where it must not be")
    return value


def _defined(value: Any) -> Any:
    if value is Undefined:
        raise NotCovered("a value that cannot be")
    return value


def _as_it_is(value: Any) -> Any:
    return value


def _nothing(_: Any) -> Any:
    return Undefined


class _Variables(Visitor):
    found = False

    def enter_variable(self, *_: Any) -> None:
        self.found = True


def _has_variables(node: ValueNode) -> bool:
    seen = _Variables()
    visit(node, seen)
    return seen.found
