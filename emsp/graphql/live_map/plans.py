"""What a watcher is told, by a compiled selection: as queries are answered, without graphql-core for each event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLObjectType,
    OperationDefinitionNode,
    get_named_type,
    get_operation_ast,
)
from graphql.execution import get_variable_values
from strawberry.schema import BaseSchema

from emsp.graphql.execution.collect import Collector, NotCovered, conditions
from emsp.graphql.execution.engine import PlannedSchema
from emsp.graphql.execution.plan import Compiler
from emsp.graphql.execution.run import Run
from emsp.graphql.execution.selection import Selection
from emsp.graphql.live_map.events import StationAvailabilityEvent
from emsp.graphql.viewer import Context


class Plan:
    """One document with its variables, compiled."""

    def __init__(self, key: str, selection: Selection, values: Any) -> None:
        self._key, self._selection, self._values = key, selection, values

    async def data(self, events: list[StationAvailabilityEvent], context: Context) -> list[dict[str, Any]]:
        """The `data` of a result for each event. Raises for whatever graphql-core is to answer."""
        run = Run(context, self._values)
        try:
            told = await self._selection.answers(events, run)
        except Exception:
            await run.tasks.settle()
            raise
        return [{self._key: one} for one in told]


def plan_of(
    schema: BaseSchema, query: str, operation_name: str | None, variables: Mapping[str, Any] | None
) -> Plan | None:
    """The plan of a document that was found valid, and subscribes to one field; None where there is none."""
    document = schema.documents.get(query) if isinstance(schema, PlannedSchema) else None
    operation = get_operation_ast(document.parsed, operation_name) if document else None
    if document is None or operation is None or conditions(document.parsed) is None:
        return None
    types = schema._schema  # type: ignore[attr-defined]
    values = get_variable_values(types, operation.variable_definitions or (), dict(variables or {}))
    parts = document.parsed.definitions
    fragments = {part.name.value: part for part in parts if isinstance(part, FragmentDefinitionNode)}
    try:
        return _compiled(schema, operation, fragments, values)
    except NotCovered:
        return None


def _compiled(schema: Any, operation: OperationDefinitionNode, fragments: Any, values: Any) -> Plan:
    if isinstance(values, list):
        raise NotCovered("variables that are wrong")
    collector, root = Collector(schema._schema, fragments, values), schema._schema.subscription_type
    [(key, nodes)] = collector.fields(root, [operation.selection_set]).items()
    kind = get_named_type(root.fields[nodes[0].name.value].type)
    assert isinstance(kind, GraphQLObjectType)
    selections = [node.selection_set for node in nodes if node.selection_set]
    return Plan(key, Compiler(schema, collector).selection(kind, selections), values)
