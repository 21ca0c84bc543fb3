"""What a document may cost: every object that it may be answered with counts one, those of lists as often as there may
be of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

COST_MAX = 50_000
FIRST_MAX = 100
ITEMS = 3  # of a list that is not paged, such as the connectors of a charge point
MANY_ITEMS = {"hours": 168, "stationClusters": 100, "timeline": 20}

Fragments = Mapping[str, FragmentDefinitionNode]
Given = Mapping[str, Any]
Cost = Callable[[Given], int]


def cost_of(schema: GraphQLSchema, fragments: Fragments, operation: OperationDefinitionNode) -> Cost:
    """What an operation may cost, by the variables that it is sent with, whatever they skip."""
    root, costs = schema.get_root_type(operation.operation), _Costs(schema, fragments, operation)
    cost = costs.of(root, operation.selection_set, lambda _: ITEMS)
    if costs.variables:
        return cost
    always = cost({})
    return lambda _: always


def too_much(cost: int) -> GraphQLError | None:
    """What is said to an operation that may cost too much."""
    if cost <= COST_MAX:
        return None
    return GraphQLError(f"This may cost {cost}, and at most {COST_MAX} is answered: ask for fewer items at once.")


class _Costs:
    def __init__(self, schema: GraphQLSchema, fragments: Fragments, operation: OperationDefinitionNode) -> None:
        self._schema, self._fragments, self.variables = schema, fragments, set[str]()
        self._defaults = {each.variable.name.value: each.default_value for each in operation.variable_definitions or ()}

    def of(self, kind: Any, selections: SelectionSetNode, items: Cost) -> Cost:
        """The cost of a selection on one object, whose lists have `items`."""
        parts = [self._part(kind, node, items) for node in selections.selections]
        costly = [part for part in parts if part]
        return lambda given: sum(part(given) for part in costly)

    def _part(self, kind: Any, node: Any, items: Cost) -> Cost | None:
        if isinstance(node, FragmentSpreadNode):
            fragment = self._fragments[node.name.value]
            return self.of(self._named(fragment, kind), fragment.selection_set, items)
        if isinstance(node, InlineFragmentNode):
            return self.of(self._named(node, kind), node.selection_set, items)
        return self._field(kind, node, items)

    def _named(self, fragment: FragmentDefinitionNode | InlineFragmentNode, kind: Any) -> Any:
        return self._schema.get_type(fragment.type_condition.name.value) if fragment.type_condition else kind

    def _field(self, kind: Any, node: FieldNode, items: Cost) -> Cost | None:
        definition = getattr(kind, "fields", {}).get(node.name.value)
        if definition is None or node.selection_set is None:
            return None  # of GraphQL itself, or a field without fields
        named = get_named_type(definition.type)
        if is_leaf_type(named):
            return None
        sized = self._sized(node, definition, items)
        below = self.of(named, node.selection_set, sized)
        times = _lists(definition.type)
        return lambda given: (1 + below(given)) * sized(given) ** times

    def _sized(self, node: FieldNode, definition: Any, items: Cost) -> Cost:
        """How many items the lists of a field, or of the connection that it gives, may have."""
        asked = {each.name.value: each.value for each in node.arguments or ()}
        for name in ("first", "ids"):
            if name in definition.args:
                value, default = asked.get(name), definition.args[name].default_value
                self.variables |= {value.name.value} if isinstance(value, VariableNode) else set()
                return lambda given: self._number(value, default, given)
        if node.name.value in ("nodes", "edges"):
            return items
        return lambda _: MANY_ITEMS.get(node.name.value, ITEMS)

    def _number(self, value: Any, default: Any, given: Given) -> int:
        if isinstance(value, VariableNode):
            name = value.name.value
            if name in given:
                return _counted(given[name])
            value = self._defaults.get(name)
        if value is None:
            return _counted(default)
        return _counted(int(value.value) if isinstance(value, IntValueNode) else _items(value))


def _items(value: Any) -> Any:
    return list(value.values) if isinstance(value, ListValueNode) else None


def _counted(value: Any) -> int:
    """A number that was asked for, or the most there can be where none makes sense."""
    number = len(value) if isinstance(value, list) else value
    return number if type(number) is int and 0 <= number <= FIRST_MAX else FIRST_MAX


def _lists(kind: Any) -> int:
    if isinstance(kind, GraphQLNonNull):
        return _lists(kind.of_type)
    return 1 + _lists(kind.of_type) if isinstance(kind, GraphQLList) else 0
