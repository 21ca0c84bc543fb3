"""The processor's memory: objects, idempotency keys and webhook deliveries in one SQLite database.

One request is one transaction, so a process killed between two statements leaves either all of a request
(the change, its events, its deliveries and its idempotency key) or none of it.
"""

from __future__ import annotations

import secrets
import sqlite3
import string
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

Object = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_customer ON objects (kind, json_extract(body, '$.customer'));
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (kind, json_extract(body, '$.payment_intent'));
CREATE TABLE IF NOT EXISTS idempotency_keys (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
    request_id TEXT NOT NULL, created REAL NOT NULL);
CREATE INDEX IF NOT EXISTS idempotency_keys_by_age ON idempotency_keys (created);
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL, state TEXT NOT NULL DEFAULT 'pending', last_answer TEXT);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due);
"""

_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """A fresh id in Stripe's manner, e.g. `pi_` and 24 letters and digits."""
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(24))}"


def public(thing: Object) -> Object:
    """The object as others may see it: without the fields that the processor keeps for itself."""
    return {name: value for name, value in thing.items() if not name.startswith("_")}


class State:
    """Objects by id and by kind."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the database file."""
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is kept, or nothing of it."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def mark(self) -> None:
        """Remember this point of the transaction."""
        self.db.execute("SAVEPOINT request")

    def back_to_mark(self) -> None:
        """Undo what was written since `mark`."""
        self.db.execute("ROLLBACK TO request")

    def save(self, thing: Object) -> Object:
        """Insert or replace an object by its id."""
        self.db.execute(
            "INSERT INTO objects (id, kind, body) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (thing["id"], thing["object"], orjson.dumps(thing).decode()),
        )
        return thing

    def get(self, object_id: str) -> Object | None:
        """The object with this id, of whatever kind."""
        row = self.db.execute("SELECT body FROM objects WHERE id = ?", (object_id,)).fetchone()
        return None if row is None else _object(row)

    def position(self, object_id: str) -> int | None:
        """Where an object stands in the order of creation."""
        row = self.db.execute("SELECT seq FROM objects WHERE id = ?", (object_id,)).fetchone()
        return None if row is None else int(row["seq"])

    def every(self, kind: str) -> list[Object]:
        """All objects of a kind, oldest first."""
        return [_object(row) for row in self.select(kind, [], "seq ASC")]

    def select(self, kind: str, tests: list[tuple[str, Any]], tail: str) -> list[sqlite3.Row]:
        """Rows of a kind for which every `(left side and operator, value)` of `tests` holds.

        `tail` is what follows ORDER BY. Only values may come from outside.
        """
        conditions = "".join(f" AND {test} ?" for test, _ in tests)
        query = f"SELECT seq, body FROM objects WHERE kind = ?{conditions} ORDER BY {tail}"
        return self.db.execute(query, (kind, *(value for _, value in tests))).fetchall()


def _object(row: sqlite3.Row) -> Object:
    thing: Object = orjson.loads(row["body"])
    return thing
