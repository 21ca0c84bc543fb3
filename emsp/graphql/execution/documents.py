"""The documents that apps send, parsed and checked once, each with its cost and its plans."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    OperationType,
)

from emsp.graphql.execution.collect import Collector, NotCovered, conditions
from emsp.graphql.execution.inputs import Variables
from emsp.graphql.execution.kept import Kept
from emsp.graphql.execution.limits import cost_of
from emsp.graphql.execution.plan import Compiler
from emsp.graphql.execution.run import Run
from emsp.graphql.execution.selection import Selection

KEPT_MAX, CHARACTERS_MAX, PLANS_MAX = 500, 500_000, 16


class Document:
    """A document that is valid for the schema."""

    def __init__(self, schema: Any, parsed: DocumentNode) -> None:
        self.parsed = parsed
        nodes = [part for part in parsed.definitions if isinstance(part, OperationDefinitionNode)]
        self._operations = {node.name.value if node.name else None: Operation(schema, parsed, node) for node in nodes}
        self._only = next(iter(self._operations.values())) if len(nodes) == 1 else None

    def operation(self, name: str | None) -> Operation | None:
        """The operation of this name, or the only one."""
        return self._operations.get(name) or (self._only if name is None else None)


class Operation:
    """An operation with its cost, and if it is a query with a plan for each choice of what its variables skip."""

    def __init__(self, schema: Any, document: DocumentNode, node: OperationDefinitionNode) -> None:
        self._schema, self._node = schema, node
        fragments = [part for part in document.definitions if isinstance(part, FragmentDefinitionNode)]
        self._fragments = {part.name.value: part for part in fragments}
        self._cost = cost_of(schema._schema, self._fragments, node)
        self.is_query = node.operation is OperationType.QUERY
        self._conditions = conditions(document) if self.is_query else None
        self._plans: dict[tuple[Any, ...], Selection | None] = {}

    @cached_property
    def _variables(self) -> Variables:
        return Variables(self._schema._schema, self._node.variable_definitions or ())

    def cost(self, variables: Mapping[str, Any] | None) -> int:
        """What it may cost, sent with these variables."""
        return 1 + self._cost(variables or {})

    async def answer(self, variables: dict[str, Any] | None, context: Any, kept: Kept | None = None) -> dict[str, Any]:
        """The data of a query, with `kept` partly as JSON. Raises for whatever graphql-core is to answer."""
        if self._conditions is None:
            raise NotCovered("no query")
        values = self._variables.values(variables or {})
        plan, run = self._plan(self._conditions, values), Run(context, values, kept)
        try:
            [data] = await plan.answers([None], run)
        except Exception:
            await run.tasks.settle()
            raise
        answer: dict[str, Any] = data
        return answer

    def _plan(self, names: tuple[str, ...], values: Any) -> Selection:
        chosen = tuple(values.coerced.get(name) for name in names)
        if chosen not in self._plans and len(self._plans) < PLANS_MAX:
            self._plans[chosen] = self._compiled(values)
        plan = self._plans.get(chosen)
        if plan is None:
            raise NotCovered("no plan")
        return plan

    def _compiled(self, values: Any) -> Selection | None:
        compiler = Compiler(self._schema, Collector(self._schema._schema, self._fragments, values))
        try:
            return compiler.selection(self._schema._schema.query_type, [self._node.selection_set])
        except NotCovered:
            return None


class Documents:
    """Documents by their text; those asked for least lately are forgotten."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._kept = OrderedDict[str, Document]()
        self._characters = 0

    def get(self, text: str | None) -> Document | None:
        """A document that was seen before."""
        found = self._kept.get(text) if text else None
        if found is not None and text:
            self._kept.move_to_end(text)
        return found

    def keep(self, text: str, parsed: DocumentNode) -> Document:
        """A document that is valid, kept from now on."""
        document = self._kept.get(text)
        if document is None:
            document = Document(self._schema, parsed)
            if len(text) <= CHARACTERS_MAX // 10:
                self._keep(text, document)
        return document

    def _keep(self, text: str, document: Document) -> None:
        self._kept[text] = document
        self._characters += len(text)
        while len(self._kept) > KEPT_MAX or self._characters > CHARACTERS_MAX:
            forgotten, _ = self._kept.popitem(last=False)
            self._characters -= len(forgotten)
