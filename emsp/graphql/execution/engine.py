"""A schema that answers the documents it knows by plans, and hands everything else to strawberry as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, runtime_checkable

import strawberry
from graphql import ExecutionResult as CoreResult
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from emsp import logs
from emsp.graphql.execution.documents import Documents
from emsp.graphql.execution.kept import Kept
from emsp.graphql.execution.limits import COST_MAX, too_much
from emsp.graphql.execution.persisted import Persisted

log = logs.log(__name__)


@runtime_checkable
class Again(Protocol):
    """The context of a request that may be run by two engines, one after the other."""

    def begin_anew(self) -> None:
        """Forget what the first one did."""


class PlannedSchema(strawberry.Schema):
    """Nobody can tell from an answer how it was made. With `as_json`, parts of the data are JSON already."""

    def __init__(
        self, *arguments: Any, persisted: Persisted | None = None, as_json: bool = False, **named: Any
    ) -> None:
        named["extensions"] = [*named.get("extensions", ()), _remembering(self)]
        super().__init__(*arguments, **named)
        self.documents, self.persisted, self._kept = Documents(self), persisted or Persisted(), Kept()
        self._as_json = as_json

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """Run a query or a mutation. Raises InvalidOperationTypeError for a kind of operation that is not allowed."""
        try:
            text = self.persisted.text(query, operation_extensions)
        except GraphQLError as error:
            return PreExecutionError(data=None, errors=[error])
        allowed = set(OperationType) if allowed_operation_types is None else set(allowed_operation_types)
        if root_value is None and OperationType.QUERY in allowed:
            answer = await self._planned(text, variable_values, context_value, operation_name)
            if answer is not None:
                return answer
        return await super().execute(
            text, variable_values, context_value, root_value, operation_name, allowed, operation_extensions
        )

    async def stream(self, query: str | None, *arguments: Any, **named: Any) -> Any:
        """Run an operation, each of whose results is handed on."""
        try:
            text = self.persisted.text(query, named.get("operation_extensions"))
        except GraphQLError as error:
            return _only(PreExecutionError(data=None, errors=[error]))
        return await super().stream(text, *arguments, **named)

    async def _planned(
        self, text: str | None, variables: dict[str, Any] | None, context: Any, name: str | None
    ) -> ExecutionResult | None:
        """What a plan answers; None when there is none, or when it cannot answer this."""
        document = self.documents.get(text)
        operation = document.operation(name) if document else None
        if operation is None or (cost := operation.cost(variables)) > COST_MAX:
            return None
        try:
            return ExecutionResult(
                await operation.answer(variables, context, self._kept if self._as_json else None), None, {"cost": cost}
            )
        except Exception as error:  # told, and logged, by graphql-core, which runs it again
            log.debug("no plan answers this", reason=repr(error))
            if isinstance(context, Again):
                context.begin_anew()
        return None


def _remembering(schema: PlannedSchema) -> Callable[[], SchemaExtension]:
    def remember() -> SchemaExtension:
        return Remembered(schema)

    return remember


class Remembered(SchemaExtension):
    """Parses and checks each document once, and keeps to the limit of what one may cost."""

    def __init__(self, schema: PlannedSchema) -> None:
        self._documents, self._cost = schema.documents, 0

    def on_parse(self) -> Iterator[None]:
        """A document that is known is not parsed again."""
        if known := self._documents.get(self.execution_context.query):
            self.execution_context.graphql_document = known.parsed
        yield

    def on_validate(self) -> Iterator[None]:
        """A document that is known is valid."""
        context = self.execution_context
        if self._documents.get(context.query):
            context.pre_execution_errors = []
        yield
        if context.query and context.graphql_document and not context.pre_execution_errors:
            self._documents.keep(context.query, context.graphql_document)

    def on_execute(self) -> Iterator[None]:
        """What may cost too much is not run."""
        context = self.execution_context
        is_watched = context.operation_type is OperationType.SUBSCRIPTION
        if context.query and context.graphql_document and not is_watched:
            document = self._documents.keep(context.query, context.graphql_document)
            operation = document.operation(context.operation_name)
            self._cost = operation.cost(context.variables) if operation else 0
            if wrong := too_much(self._cost):
                context.result = CoreResult(data=None, errors=[wrong])
        yield

    def get_results(self) -> dict[str, Any]:
        """What goes into the answer's `extensions`."""
        return {"cost": self._cost} if self._cost else {}


async def _only(result: Any) -> Any:
    yield result
