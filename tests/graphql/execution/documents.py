"""Every GraphQL document that is written down in the tests, in the demo and on the page for people."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from graphql import DocumentNode, GraphQLError, GraphQLSchema, OperationDefinitionNode, OperationType, parse, validate

ROOT = Path(__file__).parents[3]


def queries(schema: GraphQLSchema) -> list[str]:
    """The valid documents that hold a query, each once."""
    return [text for text in dict.fromkeys(_texts()) if _is_query(schema, text)]


def _texts() -> Iterator[str]:
    yield (ROOT / "emsp/graphql/graphiql.html").read_text().split("`")[1]
    for folder in ("tests", "emsp/demo"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            strings = (node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant))
            yield from (value for value in strings if isinstance(value, str) and "{" in value)


def _is_query(schema: GraphQLSchema, text: str) -> bool:
    parsed = _parsed(text)
    if parsed is None or validate(schema, parsed):
        return False
    kinds = [node.operation for node in parsed.definitions if isinstance(node, OperationDefinitionNode)]
    return OperationType.QUERY in kinds


def _parsed(text: str) -> DocumentNode | None:
    try:
        return parse(text)
    except GraphQLError:
        return None
