"""Documents and variables made up at random, valid for the schema: arguments as literals and as variables, aliases,
fragments with and without names and types, directives, and ids of what is there and of what is not."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    type_from_ast,
)
from graphql.language import VariableDefinitionNode

SCALARS: dict[str, list[Any]] = {
    "Int": [1, 3, 10, 0, 200],
    "Float": [5.0, 52.0, 5.2, 52.2],
    "Boolean": [True, False],
    "String": ["utrecht", "Station 1", "", "NL*ABC*E0001*1", "2026-06"],
    "DateTime": ["2026-06-02T18:30:00Z", "2026-06-02T20:30:00+02:00"],
    "Decimal": ["1", "2.50"],
    "CurrencyCode": ["EUR"],
    "CountryCode": ["NLD"],
    "URL": ["https://example.com"],
}
UTRECHT = {"box": {"west": 5.0, "south": 52.0, "east": 5.2, "north": 52.2}}


class Maker:
    """Makes documents for a schema, with some ids that mean something."""

    def __init__(self, schema: GraphQLSchema, ids: list[str], random: Random) -> None:
        self._schema, self._ids, self._random = schema, [*ids, "bogus"], random
        self.variables: dict[str, tuple[str, Any]] = {}
        self.fragments: list[str] = []
        self._aliases = 0

    def document(self) -> tuple[str, dict[str, Any]]:
        """A document with its variables."""
        self.variables, self.fragments, self._aliases = {}, [], 0
        selection = self._selection(self._schema.query_type, self._random.randint(2, 4))
        declared = "".join(f"${name}: {kind} " for name, (kind, _) in self.variables.items())
        head = f"query Made({declared}) " if declared else "query Made "
        return f"{head}{selection} {' '.join(self.fragments)}", {name: v for name, (_, v) in self.variables.items()}

    def value_of(self, node: VariableDefinitionNode) -> Any:
        """A value for a variable as it is declared."""
        return self._value(type_from_ast(self._schema, node.type))

    def _value(self, kind: Any) -> Any:
        if isinstance(kind, GraphQLNonNull):
            return self._present(kind.of_type)
        return None if self._one_in(5) else self._present(kind)

    def _present(self, kind: Any) -> Any:
        if isinstance(kind, GraphQLList):
            return [self._value(kind.of_type) for _ in range(self._random.randint(0, 3))]
        if isinstance(kind, GraphQLEnumType):
            return _Word(self._random.choice(list(kind.values)))
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(kind)
        return self._random.choice(self._ids if kind.name == "ID" else SCALARS[kind.name])

    def _object(self, kind: GraphQLInputObjectType) -> Any:
        if kind.name == "StationPlace":
            return {"ids": self._random.sample(self._ids, 2)} if self._one_in(3) else UTRECHT
        fields = kind.fields.items()
        return {name: self._value(field.type) for name, field in fields if _must(field) or self._one_in(4)}

    def _one_in(self, number: int) -> bool:
        return self._random.randrange(number) == 0

    def _selection(self, kind: Any, depth: int) -> str:
        names = [name for name, field in kind.fields.items() if depth > 1 or is_leaf_type(get_named_type(field.type))]
        chosen = self._random.sample(names, min(len(names), self._random.randint(1, 3)))
        parts = [self._field(kind, name, depth) for name in chosen]
        parts += ["__typename"] if self._one_in(4) or not parts else []
        if self._one_in(4):
            parts.append(self._fragment(kind, depth))
        if isinstance(kind, GraphQLInterfaceType):
            parts.append(self._fragment(self._random.choice(self._schema.get_possible_types(kind)), depth))
        return "{ " + " ".join(parts) + " }"

    def _field(self, kind: Any, name: str, depth: int) -> str:
        field = kind.fields[name]
        given = [
            f"{word}: {self._argument(argument)}"
            for word, argument in field.args.items()
            if is_required_argument(argument) or self._one_in(2)
        ]
        self._aliases += 1
        arguments = f"({', '.join(given)})" if given else ""
        alias = f"a{self._aliases}: " if given or self._one_in(4) else ""
        named = get_named_type(field.type)
        below = "" if is_leaf_type(named) else self._selection(named, depth - 1)
        return f"{alias}{name}{arguments}{self._directive()} {below}"

    def _argument(self, argument: Any) -> str:
        value = self._value(argument.type)
        if self._one_in(2):
            return _literal(value)
        return self._variable(str(argument.type), value)

    def _variable(self, kind: str, value: Any) -> str:
        name = f"v{len(self.variables)}"
        self.variables[name] = (kind, value)
        return f"${name}"

    def _directive(self) -> str:
        if not self._one_in(6):
            return ""
        word, value = self._random.choice(["skip", "include"]), self._one_in(2)
        said = self._variable("Boolean!", value) if self._one_in(2) else _literal(value)
        return f" @{word}(if: {said})"

    def _fragment(self, kind: Any, depth: int) -> str:
        below = self._selection(kind, max(depth - 1, 1)) if isinstance(kind, GraphQLObjectType) else "{ __typename }"
        if self._one_in(2):
            return f"... on {kind.name}{self._directive()} {below}"
        self.fragments.append(f"fragment F{len(self.fragments)} on {kind.name} {below}")
        return f"...F{len(self.fragments) - 1}{self._directive()}"


class _Word(str):
    """A value of an enum, which a literal writes without quotes."""


def _must(field: Any) -> bool:
    return isinstance(field.type, GraphQLNonNull)


def _literal(value: Any) -> str:
    if isinstance(value, _Word):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_literal(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value)
