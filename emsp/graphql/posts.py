"""Requests as most apps send them: JSON in one message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.types import Message, Scope
from strawberry.http import GraphQLRequestData


def is_json(scope: Scope) -> bool:
    """Whether a request says that its body is JSON."""
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    return bool(kind.partition(b";")[0] == b"application/json")


def read(message: Message) -> GraphQLRequestData | None:
    """A request as apps write it, in one message; None for any other."""
    try:
        told = orjson.loads(message.get("body", b""))
    except orjson.JSONDecodeError:
        return None
    if not isinstance(told, dict):
        return None
    query, variables, name = told.get("query"), told.get("variables"), told.get("operationName")
    extensions = by_id(told) if query is None else None
    extensions = extensions or told.get("extensions")
    is_plain = isinstance(query, str | None) and isinstance(name, str | None)
    if not (is_plain and isinstance(variables, dict | None) and isinstance(extensions, dict | None)):
        return None
    return GraphQLRequestData(query, variables, name, extensions)


def by_id(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `documentId` says, as Apollo's clients would say it in `extensions`."""
    document_id = body.get("documentId")
    return {"persistedQuery": {"sha256Hash": document_id}} if isinstance(document_id, str) else None
