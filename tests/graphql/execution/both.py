"""A document through both: graphql-core as strawberry calls it, and a plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import strawberry
from sqlalchemy import event
from strawberry.http import process_result
from strawberry.types import ExecutionResult

from emsp.accounts.tables import Driver
from emsp.db.engine import engine
from emsp.graphql.execution.limits import COST_MAX
from emsp.graphql.loaders import Loaders
from emsp.graphql.schema import make_schema
from emsp.graphql.viewer import Asker, Context
from tests.graphql.conftest import Town

SCHEMA = make_schema(introspection=True)


@dataclass
class Answers:
    """What both answered, and whether a plan did."""

    core: bytes
    ours: bytes
    is_planned: bool
    has_errors: bool
    statements: tuple[int, int]


class Both:
    """Asks both the same, in the name of a driver or of nobody."""

    def __init__(self, town: Town) -> None:
        self.town, self.schema = town, SCHEMA

    async def ask(
        self, text: str, variables: dict[str, Any], driver: Driver | None, name: str | None = None
    ) -> Answers:
        """The whole answers, extensions and errors included. Neither may see what the other has loaded."""
        with counted() as of_core:
            core = await strawberry.Schema.execute(self.schema, text, variables, self.context(driver), None, name)
        with counted() as of_ours:
            planned = await self._planned(text, variables, driver, name)
        ours = planned or await self.schema.execute(text, variables, self.context(driver), None, name)
        return Answers(body(core), body(ours), planned is not None, bool(core.errors), (len(of_core), len(of_ours)))

    async def _planned(
        self, text: str, variables: dict[str, Any], driver: Driver | None, name: str | None
    ) -> ExecutionResult | None:
        """What a plan answers by itself."""
        document = self.schema.documents.get(text)
        operation = document.operation(name) if document else None
        if operation is None or operation.cost(variables) > COST_MAX:
            return None
        try:
            data = await operation.answer(variables, self.context(driver))
        except Exception:
            return None
        return ExecutionResult(data, None, {"cost": operation.cost(variables)})

    def context(self, driver: Driver | None) -> Context:
        """A request of its own."""
        made = Context("request", {}, Loaders())
        made.asker = Asker(self.town.volt, driver, "en")
        return made


def body(result: Any) -> bytes:
    """An answer as it is sent."""
    return orjson.dumps(process_result(result))


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that the database is sent meanwhile."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    event.listen(engine().sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine().sync_engine, "before_cursor_execute", note)
