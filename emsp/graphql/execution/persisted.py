"""Documents that are known by an id: those in a folder, and those that apps have sent together with their hash.

An app names one by `documentId` (GraphQL over HTTP, appendix A), or as Apollo's clients do by
`extensions.persistedQuery.sha256Hash`; by WebSocket only the latter.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from graphql import GraphQLError

LEARNED_MAX, LENGTH_MAX = 500, 50_000


class Persisted:
    """Documents by id. With `only` no other document is answered."""

    def __init__(self, folder: Path | None = None, *, only: bool = False) -> None:
        self._only = only
        self._registered = dict(_read(folder)) if folder else {}
        self._texts = set(self._registered.values())
        self._learned = OrderedDict[str, str]()

    def text(self, sent: str | None, extensions: dict[str, Any] | None) -> str | None:
        """The document that is meant by what an app sent. Raises GraphQLError."""
        document_id = _document_id(extensions)
        text = self._of_id(document_id, sent) if document_id else sent
        if self._only and text and text not in self._texts:
            raise _no("INVALID_INPUT", "Only documents that were registered beforehand are answered here.")
        return text

    def _of_id(self, document_id: str, sent: str | None) -> str:
        if not sent:
            found = self._registered.get(document_id) or self._learned.get(document_id)
            if found is None:
                raise _no("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")  # the words that clients look for
            return found
        if hash_of(sent) != document_id:
            raise _no("INVALID_INPUT", "The document does not have this hash.")
        self._learn(document_id, sent)
        return sent

    def _learn(self, document_id: str, text: str) -> None:
        if self._only or len(text) > LENGTH_MAX:
            return
        self._learned[document_id] = text
        self._learned.move_to_end(document_id)
        if len(self._learned) > LEARNED_MAX:
            self._learned.popitem(last=False)


def hash_of(text: str) -> str:
    """The id of a document that was given no other."""
    return sha256(text.encode()).hexdigest()


def _no(code: str, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code})


def _document_id(extensions: dict[str, Any] | None) -> str | None:
    persisted = (extensions or {}).get("persistedQuery")
    named = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    return named.removeprefix("sha256:") if isinstance(named, str) else None


def _read(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file *.graphql is one document; *.json are manifests as Relay's and Apollo's compilers write them."""
    for file in sorted(folder.glob("**/*.graphql")):
        text = file.read_text()
        yield hash_of(text), text
        yield hash_of(text.strip()), text.strip()
    for file in sorted(folder.glob("**/*.json")):
        yield from _manifest(orjson.loads(file.read_bytes()))


def _manifest(written: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "operations" in written:
        yield from ((operation["id"], operation["body"]) for operation in written["operations"])
    else:
        yield from written.items()
