"""Variables and arguments are read as graphql-core reads them, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from graphql.execution import get_argument_values
from graphql.execution.values import VariableValues, get_variable_values

from emsp.graphql.execution.inputs import REQUIRED, Variables, of_literal, otherwise, put
from emsp.graphql.schema import make_schema

TYPES: Any = make_schema(introspection=True)._schema
BOX = {"west": 4.8, "south": 52, "east": 4.9, "north": 52.4}


def _operation(text: str) -> Any:
    [operation] = parse(text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation


def _read(text: str, given: dict[str, Any]) -> VariableValues | None:
    """The variables as ours reads them; None where it leaves them to graphql-core."""
    try:
        return Variables(TYPES, _operation(text).variable_definitions).values(given)
    except Exception:
        return None


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("BoxInput!", BOX),
        ("BoxInput", None),
        ("StationPlace!", {"box": BOX}),
        ("StationPlace!", {"ids": ["a", "b"]}),
        ("StationFilter", {}),
        ("[BoxInput!]!", [BOX, BOX]),
        ("Int", 3),
        ("Float!", 3),
        ("Boolean", True),
        ("ID!", "x"),
        ("StationOrder", "POWER"),
    ],
)
def test_that_what_is_right_is_read_as_by_graphql_core(declared: str, value: Any) -> None:
    text = f"query ($it: {declared}) {{ brand {{ name }} }}"
    core = get_variable_values(TYPES, _operation(text).variable_definitions, {"it": value})
    ours = _read(text, {"it": value})
    assert isinstance(core, VariableValues)
    assert ours
    assert repr(ours.coerced) == repr(core.coerced)


@pytest.mark.parametrize(
    ("declared", "given"),
    [
        ("BoxInput!", {"it": None}),
        ("BoxInput!", {}),
        ("BoxInput!", {"it": BOX | {"odd": 1}}),
        ("BoxInput!", {"it": {"west": 4.8}}),
        ("BoxInput!", {"it": BOX | {"west": float("inf")}}),
        ("BoxInput!", {"it": BOX | {"west": "4.8"}}),
        ("StationPlace!", {"it": {}}),
        ("StationPlace!", {"it": {"box": None}}),
        ("StationPlace!", {"it": {"box": BOX, "ids": []}}),
        ("[Int!]", {"it": [1, None]}),
        ("Int", {"it": 2**40}),
        ("Int", {"it": 1.5}),
        ("Boolean", {"it": "yes"}),
        ("StationOrder", {"it": "ODD"}),
    ],
)
def test_that_what_is_wrong_is_left_to_graphql_core(declared: str, given: dict[str, Any]) -> None:
    text = f"query ($it: {declared}) {{ brand {{ name }} }}"
    assert isinstance(get_variable_values(TYPES, _operation(text).variable_definitions, given), list)
    assert _read(text, given) is None


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ("where: { box: $box }", {"box": BOX}),
        ("where: { box: { west: $west, south: 52, east: 4.9, north: 52.4 } }", {"west": 4.8}),
        ("where: { near: { latitude: 52, longitude: $west, radiusM: $count } }", {"west": 4.8}),
        ("where: { ids: [$id, $id] }, first: $count", {"id": "a"}),
        ("where: { ids: [$id] }, first: $count, orderBy: $order", {"id": "a", "count": None, "order": "POWER"}),
        ("where: { box: $box }", {}),
        ("where: $place", {"place": None}),
    ],
)
def test_that_arguments_are_read_as_by_graphql_core(written: str, given: dict[str, Any]) -> None:
    declared = "$box: BoxInput, $west: Float, $count: Int, $id: ID, $order: StationOrder, $place: StationPlace"
    operation = _operation(f"query ({declared}) {{ stations({written}) {{ totalCount }} }}")
    [node] = operation.selection_set.selections
    field = TYPES.query_type.fields["stations"]
    variables = get_variable_values(TYPES, operation.variable_definitions, given)
    assert isinstance(variables, VariableValues)

    def ours() -> dict[str, Any]:
        found: dict[str, Any] = {}
        literals = {argument.name.value: argument.value for argument in node.arguments}
        for name, argument in field.args.items():
            missing = otherwise(argument)
            if name in literals:
                value = of_literal(argument.type, literals[name])(variables.coerced)
                put(found, name, lambda given: given, missing, value)
            elif missing is not REQUIRED and repr(missing) != "Undefined":
                found[name] = missing
        return found

    try:
        core = get_argument_values(field, node, variables)
    except Exception:
        with pytest.raises(Exception):  # noqa: B017, PT011 (whatever it is, graphql-core tells it)
            ours()
    else:
        assert repr(ours()) == repr(core)
