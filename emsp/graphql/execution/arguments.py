"""What a resolver is given besides its object, as strawberry and graphql-core make it: once, as far as that can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING
from functools import cached_property
from types import SimpleNamespace
from typing import Any, cast

import strawberry
from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    GraphQLArgument,
    GraphQLField,
    IntValueNode,
    NullValueNode,
    StringValueNode,
    Undefined,
    ValueNode,
)
from graphql.execution import get_argument_values
from strawberry.types.arguments import convert_argument, convert_arguments
from strawberry.types.base import StrawberryOptional, get_object_definition

from emsp.graphql.execution import inputs

Given = dict[str, Any]
Convert = Callable[[Any], Any]
FIXED = (IntValueNode, FloatValueNode, StringValueNode, BooleanValueNode, EnumValueNode, NullValueNode)
PLAIN = (str, int, float, bool, strawberry.ID)


class Arguments:
    """The arguments of one field of a document: those written out in it are read once, the others at each run."""

    def __init__(self, schema: Any, definition: GraphQLField, node: FieldNode) -> None:
        self._schema, self._node = schema, node
        declared = definition.extensions["strawberry-definition"].arguments
        name_of = schema.config.name_converter.from_argument
        written = {argument.name.value: argument.value for argument in node.arguments or ()}
        fixed = {name for name in definition.args if isinstance(written.get(name, NullValueNode()), FIXED)}
        self._fixed = [argument for argument in declared if name_of(argument) in fixed]
        self._moving = [
            self._one(argument, definition.args[name], written[name])
            for argument in declared
            if (name := name_of(argument)) not in fixed
        ]
        self._of_fixed = SimpleNamespace(args={name: each for name, each in definition.args.items() if name in fixed})

    def _one(self, argument: Any, declared: GraphQLArgument, node: ValueNode) -> tuple[str, Convert, Any, Convert]:
        convert, missing = Converter(self._schema, argument.type), inputs.otherwise(declared)
        if missing is not inputs.REQUIRED and missing is not Undefined:
            missing = convert(missing)
        return argument.python_name, inputs.of_literal(declared.type, node), missing, convert

    @cached_property
    def _read(self) -> Given:
        raw = get_argument_values(cast(Any, self._of_fixed), self._node)
        registry, config = self._schema.schema_converter.scalar_registry, self._schema.config
        return convert_arguments(raw, self._fixed, registry, config)

    def given(self, variables: Any) -> Given:
        """The arguments by the names that the resolver gave them. Raises for what cannot be."""
        found = dict(self._read)
        for to, read, missing, convert in self._moving:
            inputs.put(found, to, convert, missing, read(variables.coerced))
        return found


class Converter:
    """`strawberry.types.arguments.convert_argument` for one type, whose fields are looked up once."""

    def __init__(self, schema: Any, kind: Any) -> None:
        self._schema = schema
        self._kind: Any = kind.of_type if type(kind) is StrawberryOptional else kind
        self._definition = get_object_definition(self._kind)
        self._is_input = bool(self._definition and self._definition.is_input and self._definition.from_input is None)

    def __call__(self, value: Any) -> Any:
        """The value as a resolver is given it."""
        if value is None or value is strawberry.UNSET or self._kind in PLAIN:
            return value
        if not self._is_input:
            registry, config = self._schema.schema_converter.scalar_registry, self._schema.config
            return convert_argument(value, self._kind, registry, config)
        there = {to: convert(value[name]) for name, to, convert in self._fields if name in value}
        return self._kind(**{**self._missing, **there})

    @cached_property
    def _fields(self) -> list[tuple[str, str, Convert]]:
        name_of, definition = self._schema.config.name_converter.from_field, cast(Any, self._definition)
        return [
            (name_of(each), each.python_name, Converter(self._schema, each.resolve_type(type_definition=definition)))
            for each in definition.fields
        ]

    @cached_property
    def _missing(self) -> Given:
        """Null for what is left out and has no default."""
        fields = cast(Any, self._definition).fields
        return {
            each.python_name: None
            for each in fields
            if each.default_value is MISSING and each.default_factory is MISSING
        }
