"""Refusals are data; everything else is an error with a stable code and nothing of our insides."""

import ast
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLError, GraphQLObjectType, build_schema

from emsp import errors, graphql
from emsp.graphql.errors import SignInNeeded, code_of, extensions_of, input_path, public_message
from emsp.graphql.schema import schema_text

PACKAGE = Path(graphql.__file__).parent.parent
FEATURES = ("accounts", "charging", "fleets", "graphql", "loyalty", "payments", "pricing", "stations")


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (SignInNeeded("sign in"), "UNAUTHENTICATED"),
        (errors.NotFound("charging session 5"), "NOT_FOUND"),
        (errors.Invalid("must be positive", "energyWh"), "INVALID_INPUT"),
        (errors.ProcessorFailed("sk_live_x was refused"), "UNAVAILABLE"),
        (errors.PartnerFailed("401 with token t"), "UNAVAILABLE"),
        (GraphQLError("Cannot query field"), "INVALID_INPUT"),
        (None, "INVALID_INPUT"),
        (RuntimeError("SELECT secret FROM vault"), "INTERNAL"),
    ],
)
def test_that_every_error_has_a_code(raised: Exception | None, code: str) -> None:
    assert code_of(raised) == code


@pytest.mark.parametrize(
    "raised", [RuntimeError("secret"), errors.ProcessorFailed("secret"), errors.NotFound("secret")]
)
def test_that_what_went_wrong_inside_is_not_told(raised: Exception) -> None:
    assert "secret" not in public_message(raised, str(raised))


def test_that_an_error_names_its_field_and_the_request() -> None:
    wrong = errors.Invalid("must be between 1 and 100", "first")
    assert extensions_of(wrong, "r1") == {"code": "INVALID_INPUT", "requestId": "r1", "field": "first"}
    assert extensions_of(None, "r1") == {"code": "INVALID_INPUT", "requestId": "r1"}


def test_that_a_path_is_spelled_as_the_schema_spells_it() -> None:
    assert input_path(["refresh_token"]) == ["input", "refreshToken"]
    assert input_path(["input", "quoteId"]) == ["input", "quoteId"]
    assert input_path(["sessionId"]) == ["sessionId"]
    assert input_path([]) == []


def test_that_every_code_that_a_feature_refuses_with_is_documented_by_a_mutation() -> None:
    schema: Any = build_schema(schema_text())
    documented = {
        word
        for name, kind in schema.type_map.items()
        if name.endswith("ErrorCode") and isinstance(kind, GraphQLEnumType)
        for word in kind.values
    }
    assert _refusals() - documented == ELSEWHERE


def test_that_every_mutation_s_payload_tells_why_not() -> None:
    schema: Any = build_schema(schema_text())
    for name, mutation in schema.mutation_type.fields.items():
        title = name[0].upper() + name[1:]
        payload = mutation.type.of_type
        assert payload.name == f"{title}Payload"
        assert str(payload.fields["errors"].type) == f"[{title}Error!]!"
        error: GraphQLObjectType = schema.type_map[f"{title}Error"]
        assert [interface.name for interface in error.interfaces] == ["UserError"]
        assert str(error.fields["reason"].type).endswith("ErrorCode!")  # mutations of one thing may share their codes


FOR_STAFF = (
    "claims.py",
    "disputes.py",
    "evidence.py",
    "goodwill.py",
    "invoices.py",
    "plans.py",
    "review.py",
    "support.py",
)
"""What only the command line calls."""
ELSEWHERE = {"LAST_MANAGER", "TOKEN_BLOCKED", "TOKEN_UNUSED"}
"""Told at the command line or at the charge point, by files that also tell apps something."""


def _refusals() -> set[str]:
    """The first argument of every `Refused(...)` in what mutations call."""
    calls = (
        node
        for feature in FEATURES
        for path in (PACKAGE / feature).rglob("*.py")
        if path.name not in FOR_STAFF
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refused"
    )
    return {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
