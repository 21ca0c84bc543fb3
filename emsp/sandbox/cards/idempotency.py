"""Idempotency keys: the first answer given under a key is the answer for a day.

The rules are those of Stripe's reference on idempotent requests: same key and same request replays the
stored answer, whatever it was; same key and another request is refused; a key still at work answers 409.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import orjson

from emsp.sandbox.cards.errors import KeyInFlight, KeyUsedDifferently
from emsp.sandbox.cards.forms import Fields
from emsp.sandbox.cards.state import State

KEPT_S = 24 * 3600


@dataclass(frozen=True)
class Answer:
    """A status and a body, ready to send; `original_request` is set when it is told again."""

    status: int
    body: bytes
    original_request: str | None = None


def fingerprint(path: str, fields: Fields) -> str:
    """What makes two requests under one key the same: path and parameters."""
    return f"{path} {hashlib.sha256(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)).hexdigest()}"


def look_up(state: State, key: str, print_: str, now: float) -> Answer | None:
    """The stored answer, None for a new key, or 400 when the key belongs to another request."""
    state.db.execute("DELETE FROM idempotency_keys WHERE created < ?", (now - KEPT_S,))
    row = state.db.execute("SELECT * FROM idempotency_keys WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    if row["fingerprint"] != print_:
        first_path = row["fingerprint"].partition(" ")[0]
        same = "parameters" if first_path == print_.partition(" ")[0] else f"endpoint ({first_path})"
        raise KeyUsedDifferently(
            f"The idempotency key '{key}' was first used with another request: a key may only be sent again "
            f"with the same {same}. Use another key to make a different request."
        )
    return Answer(row["status"], row["body"], row["request_id"])


def store(state: State, key: str, print_: str, answer: Answer, request_id: str, now: float) -> None:
    """Bind the answer to its key."""
    state.db.execute(
        "INSERT INTO idempotency_keys VALUES (?, ?, ?, ?, ?, ?)",
        (key, print_, answer.status, answer.body, request_id, now),
    )


@dataclass
class KeysInFlight:
    """The keys whose first request has not been answered yet."""

    _keys: set[str] = field(default_factory=set)

    @contextmanager
    def hold(self, key: str | None) -> Iterator[None]:
        """Keep the key for the length of a request, or 409 if another request has it."""
        if key is None:
            yield
            return
        if key in self._keys:
            raise KeyInFlight(f"Another request with the idempotency key '{key}' is still in progress.")
        self._keys.add(key)
        try:
            yield
        finally:
            self._keys.discard(key)
