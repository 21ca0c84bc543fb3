"""Whatever is asked: a plan answers as graphql-core does, to the byte, or lets graphql-core answer."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

from graphql import OperationDefinitionNode, OperationType, parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emsp.graphql import ids
from emsp.graphql.schema import make_schema
from tests.graphql.conftest import Town
from tests.graphql.execution.both import Both
from tests.graphql.execution.documents import queries
from tests.graphql.execution.made import Maker

STATEMENTS_MAX = 25


@cache
def types() -> Any:
    return make_schema(introspection=True)._schema


@cache
def written() -> list[str]:
    """Read when it is asked for: every process collects this file, one runs it."""
    return queries(types())


def _maker(town: Town, seed: int) -> Maker:
    things: dict[str, Any] = {
        "Station": town.station, "Evse": town.evse, "Connector": town.connector, "PriceQuote": town.quote,
        "PaymentMethod": town.card, "ChargingSession": town.session, "Receipt": town.receipt, "Fleet": town.fleet,
        "Driver": town.ada, "Brand": town.volt,
    }  # fmt: skip
    return Maker(types(), [ids.encode(kind, row.id) for kind, row in things.items()], Random(seed))


def test_that_there_are_documents_to_compare() -> None:
    assert len(written()) > 60


async def test_that_what_is_written_down_is_answered_the_same(town: Town) -> None:
    both, planned = Both(town), 0
    for seed, text in enumerate(written()):
        maker = _maker(town, seed)
        operations = [part for part in parse(text).definitions if isinstance(part, OperationDefinitionNode)]
        node = next(part for part in operations if part.operation is OperationType.QUERY)
        name = node.name.value if node.name else None
        variables = {each.variable.name.value: maker.value_of(each) for each in node.variable_definitions or ()}
        answers = await both.ask(text, variables, town.ada if seed % 4 else None, name)
        assert answers.ours == answers.core
        assert answers.is_planned or answers.has_errors or "__schema" in text
        planned += answers.is_planned
        of_core, of_ours = answers.statements
        assert not answers.is_planned or of_ours <= of_core <= STATEMENTS_MAX, text
    assert planned > len(written()) / 3


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(seed=st.integers(0, 2**32))
async def test_that_what_is_made_up_is_answered_the_same(town: Town, seed: int) -> None:
    text, variables = _maker(town, seed).document()
    answers = await Both(town).ask(text, variables, [town.ada, town.ben, None][seed % 3])
    assert answers.ours == answers.core
    assert answers.is_planned or answers.has_errors
