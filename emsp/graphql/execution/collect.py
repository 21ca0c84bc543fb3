"""Which fields a selection asks for on an object of a known type (CollectFields of the GraphQL specification)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution import get_directive_values

Fields = dict[str, list[FieldNode]]
Fragments = Mapping[str, FragmentDefinitionNode]


class NotCovered(Exception):
    """A plan cannot answer this as it must be answered: graphql-core does."""


def conditions(document: DocumentNode) -> tuple[str, ...] | None:
    """The variables that decide by @skip and @include what is asked for; None where there are other directives."""
    found = _Conditions()
    visit(document, found)
    return None if found.others else tuple(sorted(found.names))


class _Conditions(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names, self.others = set[str](), False

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        self.others |= node.name.value not in ("skip", "include")
        self.names |= {
            given.value.name.value for given in node.arguments or () if isinstance(given.value, VariableNode)
        }


class Collector:
    """Collects the fields of selections of one document, for one choice of what @skip and @include decide."""

    def __init__(self, schema: GraphQLSchema, fragments: Fragments, variables: Any) -> None:
        self._schema, self._fragments, self._variables = schema, fragments, variables

    def fields(self, kind: GraphQLObjectType, selections: Iterable[SelectionSetNode]) -> Fields:
        """The fields by response key, in the order in which they are answered."""
        found: Fields = {}
        seen = set[str]()
        for selection in selections:
            self._collect(kind, selection, found, seen)
        return found

    def _collect(self, kind: GraphQLObjectType, selections: SelectionSetNode, found: Fields, seen: set[str]) -> None:
        for node in selections.selections:
            if not self._wanted(node):
                continue
            if isinstance(node, FieldNode):
                found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if self._is_of(kind, node):
                    self._collect(kind, node.selection_set, found, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                fragment = self._fragments[node.name.value]
                if self._is_of(kind, fragment):
                    seen.add(node.name.value)
                    self._collect(kind, fragment.selection_set, found, seen)

    def _wanted(self, node: Any) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip and skip["if"]) and not (include and not include["if"])

    def _is_of(self, kind: GraphQLObjectType, fragment: FragmentDefinitionNode | InlineFragmentNode) -> bool:
        if fragment.type_condition is None:
            return True
        wanted = self._schema.get_type(fragment.type_condition.name.value)
        if isinstance(wanted, GraphQLInterfaceType | GraphQLUnionType):
            return self._schema.is_sub_type(wanted, kind)
        return wanted is kind
